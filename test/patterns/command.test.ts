import { expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { play } from './driver.ts';

const check: Node = { kind: 'command', id: 'check', run: ['npm', 'test'] };

test.each([
  ['timeout', 'longer than 10m'],
  ['resource_limit', 'more memory or disk'],
  ['output_limit', 'without an end'],
] as const)('a command that was stopped (%s) said nothing of the work: its node fails', (ended, words) => {
  const world = (more: object) => ({
    effects: {
      'workspace.command': () => ({
        exitCode: null,
        ended,
        output: '',
        durationMs: 1,
        passed: null,
        failed: null,
        argv: [],
        ...more,
      }),
    },
  });
  const played = play(check, {}, world({ stopped: true }));
  const { outcome } = played;
  expect(outcome.ok ? null : outcome.failure).toMatchObject({ class: 'terminal', code: 'command_stopped' });
  expect(JSON.stringify(outcome)).toContain(words);
  const skipped = play({ ...check, on_error: 'skip' }, {}, world({ stopped: true }));
  expect(skipped.outcome.ok).toBe(true);
  // A run of before this was looked at goes on as it began.
  const older = play(check, {}, world({}));
  expect(older.handoff?.validation.passed).toBe(false);
});
