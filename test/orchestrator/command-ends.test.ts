import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import { coreAt, followRun, openPlace, type Place, startRun, workflowOf } from '../support/core.ts';

/** What the end of a command means for its run: docs/runners.md has the same table. */
const ends: Readonly<Record<string, { readonly run: readonly string[]; readonly timeout?: string }>> = {
  good: { run: ['true'] },
  bad: { run: ['sh', '-c', 'exit 3'] },
  flood: { run: ['sh', '-c', 'yes'] },
  slow: { run: ['sleep', '600'], timeout: '1s' },
};

let place: Place;
let core: Core;
beforeAll(async () => {
  place = await openPlace('name: none\nroles: {}\n');
  core = await coreAt(place, {
    extraWorkflows: [
      ...Object.entries(ends).map(([name, command]) =>
        workflowOf(name, {
          kind: 'sequence',
          id: 'all',
          stages: [{ kind: 'command', id: 'check', ...command }],
        }),
      ),
      workflowOf('late', {
        kind: 'sequence',
        id: 'all',
        stages: [
          { kind: 'command', id: 'before', run: ['sh', '-c', 'echo yes > shown.txt'] },
          { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'It was made.' },
          { kind: 'command', id: 'after', run: ['sh', '-c', 'echo no > late.txt; echo no > shown.txt'] },
        ],
      }),
    ],
  });
  core.engine.recover();
});
afterAll(async () => {
  await core.stop();
  await place.close();
});

test.each([
  ['good', 'completed', 'done'],
  // Its exit code is what it has to say: whoever comes next in the workflow hears it.
  ['bad', 'completed', 'failed'],
  // So it is with one that was stopped: what made it hang is for those to mend who hear of it.
  ['flood', 'completed', 'failed'],
  ['slow', 'completed', 'failed'],
])('a command that is %s leaves its run %s', async (name, status, node) => {
  const ended = await followRun(core, await startRun(core, name, name));
  expect(ended?.status).toBe(status);
  expect(ended?.of('node.finished').find((event) => event.node === 'check')?.status).toBe(node);
  expect(ended?.of('run.status').at(-1)?.failure).toBeUndefined();
});

test('what a command changes after people said yes is not on the branch, and is told', async () => {
  const ended = await followRun(core, await startRun(core, 'late', 'late'));
  const [result] = ended?.of('result') ?? [];
  expect(result).toMatchObject({ status: 'completed', diff: { files: [{ path: 'shown.txt' }] } });
  expect(result?.summary).toBe(
    `The work is on ${ended?.branch} as it was approved. Changed after that, kept in the last snapshot and not on the branch: late.txt, shown.txt`,
  );
});
