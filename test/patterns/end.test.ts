import { expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { play } from './driver.ts';

const work = (id: string): Node => ({ kind: 'agent', id, agent: 'backend', task: 'Do it' });
const end = (fields: object = {}): Node => ({ kind: 'end', id: 'over', ...fields });

test('ends the whole workflow from within: what is under way is given up, what comes after never begins', () => {
  const played = play(
    {
      kind: 'sequence',
      id: 'all',
      stages: [
        { kind: 'parallel', id: 'both', branches: [{ kind: 'wait', id: 'forever', signal: 'never' }, end()] },
        work('after'),
      ],
    },
    {},
  );
  expect(played.outcome.ok).toBe(true);
  expect(played.tasks).toEqual([]);
  expect(played.cancelled).toHaveLength(1);
  expect(
    played.events.flatMap((event) =>
      event.type === 'node.finished' ? [`${event.node} ${event.status}`] : [],
    ),
  ).toEqual(['over done', 'forever skipped']);
  expect(played.handoff?.context.map(({ node }) => node)).toEqual(['over']);
});

test('may end it as failed, in its own words', () => {
  const played = play(end({ status: 'failed', says: 'Nothing to do here.' }));
  expect(played.outcome).toMatchObject({
    ok: false,
    failure: { class: 'terminal', code: 'ended_failed', message: 'Nothing to do here.' },
  });
});

test('ends only the workflow it stands in', () => {
  const played = play({
    kind: 'sequence',
    id: 'outer',
    stages: [
      {
        kind: 'workflow',
        id: 'inner',
        workflow: 'other',
        flow: { kind: 'sequence', id: 'in', stages: [end(), work('never')] },
      },
      work('after'),
    ],
  });
  expect(played.outcome.ok).toBe(true);
  expect(played.tasks.map(({ node }) => node)).toEqual(['after']);
});
