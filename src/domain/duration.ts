import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Ten years: longer is a slip of the finger, and numbers beyond it could no longer be added to a time. */
const MAX_MS = 520 * 604_800_000;

/** "90s", "2h", "3w" in whole milliseconds; null for anything else. A bare number is refused: nobody knows its unit. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(text.trim());
  if (match === null) return null;
  const unit = UNITS[match[2] ?? ''];
  const ms = Math.round(Number(match[1]) * (unit ?? Number.NaN));
  return ms <= MAX_MS ? ms : null;
}

/** Milliseconds as {@link parseDuration} reads them, in the largest unit that keeps them whole. */
export function durationText(ms: number): string {
  const unit = Object.entries(UNITS)
    .toReversed()
    .find(([, size]) => ms % size === 0);
  return unit === undefined ? `${Math.round(ms)}ms` : `${ms / unit[1]}${unit[0]}`;
}

/** A duration in a workflow file; parsed where it is used, so that the file's own text is what is pinned. */
export const durationSchema = z
  .string()
  .refine(
    (text) => parseDuration(text) !== null,
    'Write a duration with its unit, such as "90s", "2h" or "3w", at most ten years',
  );

/** Milliseconds of a duration that a schema has already accepted. */
export function durationMs(text: string): number {
  return parseDuration(text) ?? 0;
}
