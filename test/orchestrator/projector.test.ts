import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Plan, RunEvent } from '../../src/domain/events.ts';
import type { Projections, Store } from '../../src/ports/store.ts';
import { SlackProjector } from '../../src/slack/projector.ts';
import { approval, begun, decision, NOW, spec, type TempStore, tempStore, yes } from '../db/support.ts';

const plan: Plan = {
  title: 'Add CSV',
  workflow: 'feature',
  repository: 'acme/web',
  pattern: 'p',
  why: 'w',
  agents: [{ agent: 'backend', tasks: ['build'] }],
  filesLikely: [],
  costUsd: null,
  durationMs: { low: 1, mid: 2, high: 3 },
  asks: 1,
  warnings: [],
};
const failure = {
  class: 'transient',
  code: 'c',
  message: 'The model did not answer',
  hint: 'Check it.',
} as const;

type Deed = (t: TempStore) => unknown;
const emit =
  (...events: RunEvent[]): Deed =>
  (t) =>
    t.emit(...events);

/** All that can happen in a run, in the order of one. */
const story: readonly Deed[] = [
  emit({ type: 'run.status', status: 'running' }),
  emit({ type: 'plan.ready', plan }),
  emit(
    { type: 'plan.started', by: 'U-alice' },
    { type: 'workspace.ready', branch: 'baton/x', base: 'a', sandbox: 'none' },
  ),
  emit(
    { type: 'node.started', node: 'build', kind: 'agent', agent: 'backend' },
    { type: 'node.doing', node: 'build', agent: 'backend', text: 'writing' },
  ),
  emit({
    type: 'command.finished',
    node: 'build',
    command: 'ls',
    exitCode: 0,
    passed: null,
    failed: null,
    tail: '',
  }),
  emit({ type: 'run.status', status: 'paused', failure }),
  emit({ type: 'run.status', status: 'running' }),
  emit({ type: 'node.finished', node: 'build', agent: 'backend', status: 'done', summary: 'built' }),
  emit({ type: 'node.started', node: 'verify', kind: 'command' }),
  emit({
    type: 'command.finished',
    node: 'verify',
    command: 'npm test',
    exitCode: 1,
    passed: 3,
    failed: 1,
    tail: 'x',
  }),
  emit({ type: 'note', text: 'unsandboxed' }),
  (t) => t.store.approvals.open(approval()),
  (t) => t.store.approvals.nudged('apr_1', { kind: 'remind' }, NOW + 10),
  (t) =>
    t.store.approvals.nudged(
      'apr_1',
      { kind: 'direct', to: 'U-carol', as: 'deputy', inPlaceOf: null },
      NOW + 20,
    ),
  (t) => t.store.approvals.decide(yes),
  (t) => t.store.approvals.open(approval({ id: 'apr_2', nonce: 'n2' })),
  (t) => t.store.approvals.voidAll('run_1', NOW + 30),
  emit({
    type: 'result',
    status: 'completed',
    summary: 'The work is on baton/x',
    branch: 'baton/x',
    commit: 'c',
    diff: null,
    tests: null,
  }),
  (t) => t.status('completed'),
];

class Killed extends Error {}

/** A projector as a process would have it; `calls` is how many reads and writes it lives for. */
function projector(t: TempStore, calls = Number.POSITIVE_INFINITY): SlackProjector {
  let left = calls;
  const living =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      left -= 1;
      if (left < 0) throw new Killed('killed');
      return call(...args);
    };
  const { projections, sessions, approvals, personTasks, runs } = t.store;
  const dying: Projections = {
    behind: living(() => projections.behind()),
    events: living((...args) => projections.events(...args)),
    advance: living((input) => projections.advance(input)),
  };
  const store: Pick<Store, 'projections' | 'sessions' | 'approvals' | 'personTasks' | 'runs'> = {
    projections: dying,
    sessions: { ...sessions, get: living((id) => sessions.get(id)) },
    approvals: { ...approvals, ofRun: living((id) => approvals.ofRun(id)) },
    personTasks: { ...personTasks, ofRun: living((id) => personTasks.ofRun(id)) },
    runs: { ...runs, parts: living((id) => runs.parts(id)) },
  };
  return new SlackProjector({ store, rehearsal: false, now: () => NOW + 60_000, queued: () => undefined });
}

/** Posts in order, and what each message says in the end. */
function told(t: TempStore) {
  const rows = t.rows('outbox');
  const text = new Map(
    rows.map(({ key, kind, text: words, blocks, target, thread }) => [
      key,
      { words, blocks, target, thread, kind },
    ]),
  );
  return {
    posts: rows.flatMap(({ kind, key }) => (kind === 'post' ? [key] : [])),
    final: [...text]
      .map(([key, { words, blocks, target }]) => ({ key, words, blocks, target }))
      .sort((a, b) => (String(a.key) < String(b.key) ? -1 : 1)),
  };
}

async function live(cuts: readonly (readonly [after: number, calls: number])[]) {
  const t = tempStore();
  try {
    await begun(t);
    let killed = 0;
    for (const [i, deed] of story.entries()) {
      await deed(t);
      for (const [, calls] of cuts.filter(([after]) => after === i)) {
        await projector(t, calls)
          .catchUp()
          .catch((error: unknown) => {
            if (!(error instanceof Killed)) throw error;
            killed += 1;
          });
      }
    }
    await projector(t).catchUp();
    return { ...told(t), killed, rows: t.rows('runs') };
  } finally {
    t.remove();
  }
}

describe('what people are told of a run', () => {
  test('the epic first, then what matters in its thread, each once', async () => {
    const { posts, final, rows } = await live([]);
    expect(posts).toEqual([
      'epic:ses_1',
      expect.stringMatching(/^event:run_1:/),
      expect.stringMatching(/^event:run_1:/),
      expect.stringMatching(/^event:run_1:/),
      expect.stringMatching(/^event:run_1:/),
      'approval:apr_1',
      expect.stringMatching(/^approval:apr_1:reminder:/),
      'approval:apr_1:dm:U-carol',
      'approval:apr_2',
      expect.stringMatching(/^event:run_1:/),
    ]);
    const of = (key: string) => final.find((each) => each.key === key);
    expect(of('epic:ses_1')?.words).toContain('baton/x');
    expect(of('approval:apr_1')?.words).toContain('approved this');
    expect(of('approval:apr_1:dm:U-carol')).toMatchObject({
      words: expect.stringContaining('approved this'),
      target: expect.stringContaining('U-carol'),
    });
    expect(of('approval:apr_2')?.words).toContain('Withdrawn');
    expect(rows).toMatchObject([{ projection_done: 1 }]);
  });

  test('killed between any two calls, at any moments of the run: nothing doubled, nothing lost, the same in the end', async () => {
    const undisturbed = await live([]);
    let killed = 0;
    const cut = fc.tuple(fc.nat(story.length - 1), fc.integer({ min: 0, max: 8 }));
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 12 }), async (cuts) => {
        const { killed: deaths, ...result } = await live(cuts);
        killed += deaths;
        expect(result.posts).toEqual(undisturbed.posts);
        expect(result.final).toEqual(undisturbed.final);
        expect(new Set(result.posts).size).toBe(result.posts.length);
      }),
      { numRuns: 15 },
    );
    expect(killed).toBeGreaterThan(10);
  });

  test('one process that lives on tells the same as many that die', async () => {
    const t = tempStore();
    try {
      await begun(t);
      const one = projector(t);
      for (const deed of story) {
        await deed(t);
        await one.catchUp();
      }
      await one.catchUp();
      const undisturbed = await live([]);
      expect(told(t).posts).toEqual(undisturbed.posts);
      expect(told(t).final).toEqual(undisturbed.final);
    } finally {
      t.remove();
    }
  });

  test.each([499, 500, 501, 1_000])(
    '%d events at once: the end is told, and that it was told is kept',
    async (count) => {
      const t = tempStore();
      try {
        await begun(t);
        const before = t.events().length;
        t.emit({ type: 'plan.ready', plan }, { type: 'plan.started', by: 'U-alice' });
        t.emit(
          ...Array.from(
            { length: count - before - 4 },
            (_, i): RunEvent => ({ type: 'step.completed', key: `k${i}` }),
          ),
        );
        t.emit({
          type: 'result',
          status: 'failed',
          summary: 'It did not work at all',
          branch: null,
          commit: null,
          diff: null,
          tests: null,
        });
        t.status('failed');
        expect(t.events()).toHaveLength(count);
        await projector(t).catchUp();
        expect(t.rows('runs')).toMatchObject([{ projected_seq: count, projection_done: 1 }]);
        expect(told(t).final.find(({ key }) => key === 'epic:ses_1')?.words).toContain('did not work');
      } finally {
        t.remove();
      }
    },
  );

  test('a question withdrawn only after its run was stopped loses its buttons', async () => {
    const t = tempStore();
    try {
      await begun(t);
      t.emit({ type: 'plan.ready', plan }, { type: 'plan.started', by: 'U-alice' });
      await t.store.approvals.open(approval());
      t.status('cancelled');
      await projector(t).catchUp();
      await t.store.approvals.voidAll('run_1', NOW + 5);
      await projector(t).catchUp();
      expect(told(t).final.find(({ key }) => key === 'approval:apr_1')?.words).toContain('Withdrawn');
      expect(t.rows('runs')).toMatchObject([{ projection_done: 1 }]);
    } finally {
      t.remove();
    }
  });

  test('the epic is the present run’s, whatever is still told of the one before', async () => {
    const t = tempStore();
    try {
      await begun(t);
      t.emit({ type: 'plan.ready', plan }, { type: 'plan.started', by: 'U-alice' });
      await t.store.approvals.open(approval());
      t.status('failed');
      await t.store.sessions.restart('ses_1', 'run_2', spec, decision('dec_2'), NOW + 1);
      const again = { ...plan, title: 'Once more' };
      t.journal.commit([{ w: 'event', runId: 'run_2', event: { type: 'plan.ready', plan: again }, at: NOW }]);
      await projector(t).catchUp();
      await t.store.approvals.voidAll('run_1', NOW + 5);
      await projector(t).catchUp();
      expect(told(t).final.find(({ key }) => key === 'epic:ses_1')?.words).toContain('Once more');
      expect(told(t).final.find(({ key }) => key === 'approval:apr_1')?.words).toContain('Withdrawn');
    } finally {
      t.remove();
    }
  });

  test('a repository that is refused before there is a plan is told too', async () => {
    const t = tempStore();
    try {
      await begun(t);
      await projector(t).catchUp();
      expect(told(t).posts).toEqual([]);
      t.emit({
        type: 'result',
        status: 'failed',
        summary: 'It is bare.',
        branch: null,
        commit: null,
        diff: null,
        tests: null,
      });
      t.journal.commit([
        {
          w: 'event',
          runId: 'run_1',
          event: {
            type: 'run.status',
            status: 'failed',
            failure: { class: 'terminal', code: 'c', message: 'It is bare.' },
          },
          at: NOW,
        },
      ]);
      await projector(t).catchUp();
      expect(told(t).posts[0]).toBe('epic:ses_1');
      expect(told(t).final.find(({ key }) => key === 'epic:ses_1')?.words).toContain('It is bare.');
    } finally {
      t.remove();
    }
  });
});
