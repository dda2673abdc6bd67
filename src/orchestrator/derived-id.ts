import { createHash } from 'node:crypto';
import { timeOrderedId } from '../domain/ids.ts';

/** An id that the same intent always gets: time-ordered, its tail drawn from the intent instead of chance. */
export function derivedId(prefix: string, at: number, intent: string): string {
  const bytes = createHash('sha256').update(intent).digest();
  let next = 0;
  return timeOrderedId(prefix, at, () => {
    const value = (bytes[next % bytes.length] ?? 0) / 256;
    next += 1;
    return value;
  });
}
