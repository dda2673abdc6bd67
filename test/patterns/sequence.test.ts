import { expect, test } from 'vitest';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { handoffsSchema, validate } from '../../src/patterns/handoffs.ts';
import { restoreSnapshot } from '../../src/ports/activities.ts';
import { play } from './driver.ts';

const stage = (id: string, agent = 'backend'): Node => ({ kind: 'agent', id, agent, task: 'Do it' });
const sequence = (handoffs: object): Node => ({
  kind: 'sequence',
  id: 'all',
  stages: [stage('design'), stage('build'), stage('judge', 'reviewer')],
  handoffs,
});

/** The trees that were gone back to. */
function played(handoffs: object, agents: NonNullable<Parameters<typeof play>[1]>['agents']) {
  const restored: string[] = [];
  const end = play(
    sequence(handoffs),
    { agents: agents ?? {} },
    {
      effects: {
        'workspace.restore': (input) => {
          restored.push(restoreSnapshot.input.parse(input).tree);
          return {};
        },
      },
    },
  );
  const handed = end.events.flatMap((event) => (event.type === 'handoff' ? [event] : []));
  return { ...end, restored, handed };
}

test('each of the four validators refuses what it looks at, and all speak at once', () => {
  const rules = handoffsSchema.parse({
    outputs: { a: ['plan', 'files'] },
    inputs: { b: { files: 'list' } },
    quality: 80,
  });
  const good = {
    ...emptyHandoff,
    result: { plan: 'p', files: ['x'] },
    validation: { passed: true, quality: 80, findings: [] },
  };
  const looked = (of: object) => validate(stage('a'), stage('b'), { ...good, ...of }, rules);
  expect(looked({})).toEqual([]);
  expect(looked({ result: { files: ['x'] } })).toEqual(['The result has no "plan"']);
  expect(looked({ validation: { passed: true, quality: 79, findings: [] } })).toEqual([
    'The quality is 79, below 80',
  ]);
  expect(looked({ result: { plan: 'p', files: 'x' } })).toEqual([
    '"b" needs "files" (list) and cannot work with what it is given',
  ]);
  expect(looked({ validation: { passed: false, quality: null, findings: ['broken'] } })).toEqual([
    'It did not pass: broken',
  ]);
  expect(looked({ result: null, validation: { passed: false, quality: 1, findings: [] } })).toHaveLength(5);
});

test('a refused handoff goes back to the last validated snapshot, and the stage works again with what was found', () => {
  const end = played(
    { outputs: { build: ['lines'] } },
    { build: [{ result: null }, { result: { lines: 3 } }], judge: [{ quality: 90, approved: true }] },
  );
  expect(end.outcome.ok).toBe(true);
  expect(end.tasks.map(({ node }) => node)).toEqual(['design', 'build', 'build', 'judge']);
  expect(end.tasks[2]?.feedback).toEqual(['The result has no "lines"']);
  // Not the state the refused build left, nor the one before the design.
  expect(end.restored).toEqual(['t-all/validated#2']);
  expect(end.handed.map(({ from, to, rework, refused }) => [from, to, rework, refused?.length])).toEqual([
    ['design', 'build', 0, 0],
    ['build', 'judge', 0, 1],
    ['build', 'judge', 1, 0],
    ['judge', 'all', 0, 0],
  ]);
  expect(end.handed.every(({ bytes }) => (bytes ?? 0) > 50)).toBe(true);
});

test('when the rework is used up it fails, and the files are as the last validated stage left them', () => {
  const end = played({ quality: 70, rework: 2 }, { judge: [{ quality: 40, approved: true }] });
  expect(end.outcome).toMatchObject({ ok: false, failure: { class: 'terminal', code: 'handoff_refused' } });
  expect(end.tasks.map(({ node }) => node)).toEqual(['design', 'build', 'judge', 'judge', 'judge']);
  expect(end.restored).toEqual(['t-all/validated#3', 't-all/validated#3', 't-all/validated#3']);
});
