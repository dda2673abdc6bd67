import { expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { play } from './driver.ts';

const check: Node = { kind: 'command', id: 'check', run: ['npm', 'test'] };

test.each([
  ['timeout', 'longer than 10m'],
  ['resource_limit', 'more memory or disk'],
  ['output_limit', 'without an end'],
] as const)('a command that was stopped (%s) is a check that does not pass, and says why', (ended, words) => {
  const { handoff } = play(
    check,
    {},
    {
      effects: {
        // A command that was stopped may have ended itself with 0 in that very moment.
        'workspace.command': () => ({
          exitCode: 0,
          ended,
          output: 'half a line',
          durationMs: 1,
          passed: null,
          failed: null,
          argv: [],
        }),
      },
    },
  );
  expect(handoff?.validation.passed).toBe(false);
  expect(handoff?.validation.findings.join()).toContain(words);
  expect(handoff?.validation.findings.join()).toContain('half a line');
});

test('a command that was refused stands as a warning in what is handed over, once', () => {
  const again: Node = { ...check, id: 'again' };
  const { handoff, keys } = play(
    { kind: 'sequence', id: 'all', stages: [check, again] },
    { permit: 'Nobody allowed it.' },
  );
  const warning = 'npm test was not run: Nobody allowed it.';
  expect(handoff?.warnings).toEqual([warning]);
  expect(keys.some((key) => key.includes('check/') || key.includes('again/'))).toBe(false);
});
