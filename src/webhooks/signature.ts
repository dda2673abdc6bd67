import { createHmac, timingSafeEqual } from 'node:crypto';

/** As far as clocks may differ, to both sides. */
const WINDOW_MS = 5 * 60_000;

export type Verification = 'ok' | 'malformed' | 'stale' | 'forged';

/** GitHub's: `sha256=` and the HMAC SHA-256 of the raw body, in hexadecimal. Pure. */
export function verifyGithub(secret: string, signature: string | undefined, body: Buffer): Verification {
  if (signature === undefined) return 'malformed';
  return matches(signature, createHmac('sha256', secret).update(body).digest('hex')) ? 'ok' : 'forged';
}

/**
 * Baton's own: the HMAC SHA-256 of time (seconds since the epoch), delivery and raw body, joined by dots. Time and
 * delivery are signed, so that nobody can send an old one under a new name. Pure.
 */
export function verifyTimed(
  secret: string,
  given: {
    readonly timestamp: string | undefined;
    readonly delivery: string | undefined;
    readonly signature: string | undefined;
  },
  body: Buffer,
  now: number,
): Verification {
  const { timestamp, delivery, signature } = given;
  if (timestamp === undefined || signature === undefined || !/^\d{1,12}$/.test(timestamp)) return 'malformed';
  if (delivery === undefined || !/^[A-Za-z0-9_-]{1,100}$/.test(delivery)) return 'malformed';
  if (Math.abs(now - Number(timestamp) * 1_000) > WINDOW_MS) return 'stale';
  const hmac = createHmac('sha256', secret).update(`${timestamp}.${delivery}.`).update(body);
  return matches(signature, hmac.digest('hex')) ? 'ok' : 'forged';
}

function matches(signature: string, hex: string): boolean {
  const given = Buffer.from(signature);
  const expected = Buffer.from(`sha256=${hex}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
