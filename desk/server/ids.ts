import { randomBytes, randomUUID } from 'node:crypto';

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A Slack-like id: one letter for the kind and ten random capitals and digits. */
export function newId(prefix: string): string {
  const bytes = randomBytes(10);
  let id = prefix;
  for (const byte of bytes) id += ID_ALPHABET[byte % ID_ALPHABET.length];
  return id;
}

/** A random hexadecimal secret of `bytes` bytes. */
export function newSecret(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/** A UUID, as Slack uses for envelopes. */
export function newUuid(): string {
  return randomUUID();
}

/** Formats microseconds since the epoch the way Slack writes a message's `ts`. */
export function formatTs(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  return `${seconds}.${String(micros % 1_000_000).padStart(6, '0')}`;
}

/** The inverse of {@link formatTs}; 0 for anything that is not a `ts`. */
export function parseTs(ts: string): number {
  const match = /^(\d{1,10})\.(\d{6})$/.exec(ts);
  return match ? Number(match[1]) * 1_000_000 + Number(match[2]) : 0;
}

/** Hands out `ts` values that rise strictly, also when two are asked for in the same microsecond. */
export function tsSource(now: () => number, lastTs: string | null): () => string {
  let last = lastTs === null ? 0 : parseTs(lastTs);
  return () => {
    last = Math.max(last + 1, Math.floor(now() * 1000));
    return formatTs(last);
  };
}
