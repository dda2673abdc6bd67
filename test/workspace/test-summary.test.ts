import { expect, it } from 'vitest';
import { summariseTests } from '../../src/workspace/test-summary.ts';

const outputs: [string, string, { passed: number; failed: number } | null][] = [
  [
    'node:test as TAP',
    'TAP version 13\nok 1 - a\n# tests 3\n# pass 2\n# fail 1\n# cancelled 0\n',
    { passed: 2, failed: 1 },
  ],
  [
    'node:test as spec',
    '✔ a (1ms)\nℹ tests 4\nℹ pass 3\nℹ fail 0\nℹ cancelled 1\n',
    { passed: 3, failed: 1 },
  ],
  [
    'vitest with colours',
    '\u001b[2m      Tests \u001b[22m \u001b[31m1 failed\u001b[39m | \u001b[32m4 passed\u001b[39m (5)\n',
    { passed: 4, failed: 1 },
  ],
  ['vitest', ' Test Files  1 passed (1)\n      Tests  4 passed | 1 skipped (5)\n', { passed: 4, failed: 0 }],
  [
    'jest',
    'Test Suites: 1 failed, 1 total\nTests:       2 failed, 1 skipped, 4 passed, 7 total\n',
    { passed: 4, failed: 2 },
  ],
  ['pytest', '==== 1 failed, 4 passed, 1 error in 0.12s ====\n', { passed: 4, failed: 2 }],
  ['pytest -q', '.....\n5 passed in 0.01s\n', { passed: 5, failed: 0 }],
  ['pytest with warnings', '5 passed, 2 warnings in 61.20s (0:01:01)\n', { passed: 5, failed: 0 }],
  [
    'cargo',
    'test result: ok. 3 passed; 0 failed; 0 ignored\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n',
    { passed: 4, failed: 2 },
  ],
  [
    'go -v',
    '=== RUN TestA\n--- PASS: TestA (0.00s)\n    --- FAIL: TestB/x (0.00s)\n--- FAIL: TestB (0.00s)\nFAIL\n',
    { passed: 1, failed: 2 },
  ],
  ['go', 'ok  \texample.com/a\t0.01s\nFAIL\texample.com/b\t0.02s\nFAIL\n', { passed: 1, failed: 1 }],
  ['words about tests', 'All tests passed! 5 passed, I think.\n# pass\n', null],
  ['nothing', '', null],
];

it.each(outputs)('reads %s', (_name, output, summary) => {
  expect(summariseTests(output)).toEqual(summary);
  expect(summariseTests(output.replaceAll('\n', '\r\n'))).toEqual(summary);
});

it('takes the last run and stays quick on floods', () => {
  const flood = `# pass 9\n# fail 9\n${'1 passed, '.repeat(300_000)}\n# pass 1\n# fail 0\n`;
  const started = performance.now();
  expect(summariseTests(flood)).toEqual({ passed: 1, failed: 0 });
  expect(summariseTests('1 passed, '.repeat(300_000))).toBeNull();
  expect(performance.now() - started).toBeLessThan(5_000);
});
