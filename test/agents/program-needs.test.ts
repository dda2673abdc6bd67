import { describe, expect, test } from 'vitest';
import type { Wanted } from '../../src/ports/runner.ts';
import { Crash, codeOf, newTrace } from './drive.ts';
import { runnerWorld } from './runner-world.ts';

/** Programs that cannot go on without another task say so by their answer, and are heard. */
const done = JSON.stringify({ summary: 'Done.', files: [], warnings: ['%heard%'] });
const need = (task: string) => JSON.stringify({ need: { task, why: 'It shows it.' } });
const scripts = {
  command: [
    { act: 'need', task: 'nobody' },
    { act: 'need', task: 'api' },
    { act: 'print', text: done },
  ],
  acp: [
    [{ act: 'say', text: `Not without it:\n${need('nobody')}` }],
    [{ act: 'say', text: need('api') }],
    [{ act: 'say', text: done }],
  ],
};
const others = [{ id: 'api', task: 'Make the API' }];
/** Says what a run says, and keeps who was asked for. */
function run() {
  const wanted: Wanted[] = [];
  return {
    wanted,
    *need(asked: Wanted) {
      yield* [];
      wanted.push(asked);
      return asked.task === 'api' ? '"api" is done: made.' : 'There is no such task.';
    },
  };
}

describe.each(['command', 'acp'] as const)('a program of kind %s', (kind) => {
  test('waits for a task, is told what came of it, and goes on to its result', async () => {
    const asked = run();
    await using world = await runnerWorld({ kind, script: scripts[kind] }, undefined, asked);
    const result = await world.run({ others });
    expect(result.summary).toBe('Done.');
    const why = 'It shows it.';
    expect(asked.wanted).toEqual([
      { task: 'nobody', why },
      { task: 'api', why },
    ]);
    if (kind === 'command') {
      expect(result.warnings[0]).toContain('nobody: There is no such task. true');
      expect(result.warnings[0]).toContain('api: \\"api\\" is done: made. true');
    }
  });

  test('killed anywhere, it is heard again from where it was', async () => {
    let crashes = 0;
    for (let at = 1; at <= 3; at += 1) {
      await using world = await runnerWorld({ kind, script: scripts[kind] }, undefined, run());
      const first = newTrace();
      await expect(world.run({ others }, first, at)).rejects.toBeInstanceOf(Crash);
      crashes += 1;
      await world.forget();
      const again = newTrace(first.journal, 2);
      // A new process of one that speaks ACP begins its script anew: what it says is another word, its result the same.
      expect((await world.run({ others }, again)).summary).toBe('Done.');
      expect(again.performed.length).toBeGreaterThan(0);
    }
    expect(crashes).toBe(3);
  });

  test('with nobody beside it this is no result', async () => {
    await using world = await runnerWorld({ kind, script: scripts[kind] });
    if (kind === 'command') expect(await codeOf(world.run())).toBe('terminal result_invalid');
    else expect((await world.run()).summary).toBe('Done.');
  });

  test('does not ask for ever', async () => {
    const script =
      kind === 'acp' ? [[{ act: 'say', text: need('api') }]] : [{ act: 'print', text: need('api') }];
    const asked = run();
    await using world = await runnerWorld({ kind, script }, undefined, asked);
    expect(await codeOf(world.run({ others }))).toBe('terminal turn_limit');
    expect(asked.wanted).toHaveLength(16);
  });
});
