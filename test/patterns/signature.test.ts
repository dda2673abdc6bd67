import { expect, test } from 'vitest';
import { emptyHandoff, type Handoff } from '../../src/domain/handoff.ts';
import type { Json } from '../../src/domain/json.ts';
import { signatureOf } from '../../src/patterns/signature.ts';

const round = (finding: string, result: Json = { passed: 1, failed: 2 }): Handoff => ({
  ...emptyHandoff,
  result,
  validation: { passed: false, quality: null, findings: [finding] },
});

test.each([
  ['durations', 'not ok 1 - case (12 ms)', 'not ok 1 - case (340 ms)'],
  ['decimals', 'duration_ms 12.331', 'duration_ms 9.08'],
  ['moments', 'at 2026-11-20T10:00:00.123Z it failed', 'at 2026-11-21T11:30:09.9Z it failed'],
  ['temporary names', 'open /tmp/abc-12/x failed', 'open /tmp/def-99/x failed'],
  ['digests and addresses', 'object 0xfe12 of 1234567890abcdef', 'object 0x1 of fedcba0987654321'],
  ['white space', 'a  b\n c', 'a b c'],
])('%s make no failure another', (_what, one, other) => {
  expect(signatureOf(round(one))).toBe(signatureOf(round(other)));
});

test.each([
  ['another value', round('expected 3, got 4'), round('expected 3, got 5')],
  ['another line', round('src/a.js:12'), round('src/a.js:13')],
  ['one test more that passes', round('x'), round('x', { passed: 2, failed: 1 })],
])('%s is another failure', (_what, one, other) => {
  expect(signatureOf(one)).not.toBe(signatureOf(other));
});
