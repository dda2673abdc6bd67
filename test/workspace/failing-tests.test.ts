import { expect, test } from 'vitest';
import { failingTests } from '../../src/workspace/test-summary.ts';

test.each([
  [
    'TAP',
    'ok 1 - fine\n    not ok 2 - quotes commas # time=1\nnot ok 3 - /x/test/csv.test.js',
    ['quotes commas'],
  ],
  [
    'spec',
    '✔ fine (1ms)\n✖ quotes commas (0.5ms)\n✖ failing tests:\n✖ quotes commas (0.5ms)',
    ['quotes commas'],
  ],
  ['vitest', ' ✓ fine 1ms\n   × adds up 12ms', ['adds up']],
  ['jest', '  ● page › adds up\n', ['page › adds up']],
  ['pytest', 'FAILED tests/test_a.py::test_b - assert 1', ['tests/test_a.py::test_b']],
  ['cargo', 'test a::b ... FAILED\ntest a::c ... ok', ['a::b']],
  ['go', '--- FAIL: TestX (0.00s)', ['TestX']],
  ['nothing it knows', 'all is well', []],
])('names what failed: %s', (_runner, output, names) => {
  expect(failingTests(output)).toEqual(names);
});

test('many are counted', () => {
  const output = Array.from({ length: 9 }, (_, i) => `not ok ${i} - test ${i}`).join('\n');
  expect(failingTests(output).at(-1)).toBe('and 3 more');
});
