import type { Handoff } from '../domain/handoff.ts';
import { canonicalJson } from '../domain/json.ts';

/** What differs between two runs of the same failure: durations, moments, addresses, digests, temporary names. */
const CHANGING: readonly RegExp[] = [
  /\b\d{4}-\d\d-\d\dT[\d:.]+Z?/g,
  /\b\d\d:\d\d:\d\d(?:\.\d+)?/g,
  /\b0x[0-9a-f]+/gi,
  /\b[0-9a-f]{12,}\b/gi,
  /\b\d+\.\d+\b/g,
  /\b\d+ ?(?:ms|s)\b/g,
  /\bpid:? ?\d+/gi,
  /\/tmp\/[^\s'":)]+/g,
];

/**
 * What was found, without what changes by itself: equal for two rounds that met the very same failure. Counts of tests and
 * the lines of the output stay, so that a repair that mends one of three is seen as a step forward.
 */
export function signatureOf({ validation, result }: Handoff): string {
  const counts =
    typeof result === 'object' && result !== null && !Array.isArray(result)
      ? canonicalJson([result['passed'] ?? null, result['failed'] ?? null])
      : '';
  const found = validation.findings.map((finding) =>
    CHANGING.reduce((text, changing) => text.replace(changing, '#'), finding)
      .replace(/\s+/g, ' ')
      .trim(),
  );
  return [counts, ...found].join('\n');
}
