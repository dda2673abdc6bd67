/** Bytes kept of the beginning and of the end: failures are told at either. */
const KEPT_BYTES = 128 * 1024;

/** Takes a stream of any length in bounded memory: the beginning and the end are kept, the middle is counted. */
export interface OutputBuffer {
  add(chunk: Buffer): void;
  /** Bytes taken so far. */
  total(): number;
  /** What was kept, with the number of characters left out said in its place. */
  text(): string;
}

export function createOutputBuffer(): OutputBuffer {
  const head: Buffer[] = [];
  let headBytes = 0;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let total = 0;
  let leftOut = 0;

  /** Drops what the end does not need; done only now and then, so each byte is copied about once. */
  const trim = () => {
    const joined = Buffer.concat(tail);
    const dropped = Math.max(0, joined.length - KEPT_BYTES);
    leftOut += characters(joined.subarray(0, dropped));
    tail = [joined.subarray(dropped)];
    tailBytes = joined.length - dropped;
  };

  return {
    add(chunk) {
      total += chunk.length;
      const forHead = Math.min(chunk.length, KEPT_BYTES - headBytes);
      if (forHead > 0) {
        head.push(chunk.subarray(0, forHead));
        headBytes += forHead;
      }
      if (forHead === chunk.length) return;
      tail.push(chunk.subarray(forHead));
      tailBytes += chunk.length - forHead;
      if (tailBytes > 4 * KEPT_BYTES) trim();
    },
    total: () => total,
    text() {
      trim();
      if (leftOut === 0) return Buffer.concat([...head, ...tail]).toString('utf8');
      const [first, last] = [Buffer.concat(head).toString('utf8'), Buffer.concat(tail).toString('utf8')];
      return `${first}\n[${leftOut} characters left out]\n${last}`;
    },
  };
}

/** UTF-8 characters: every byte that does not continue one. */
function characters(bytes: Buffer): number {
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count += 1;
  return count;
}
