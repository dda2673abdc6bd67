import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Plan, RunEvent, StoredEvent } from '../../src/domain/events.ts';
import { elapsedOf, emptyRunView, fold, progressOf, type RunView } from '../../src/domain/run-view.ts';

const plan: Plan = {
  title: 'CSV',
  workflow: 'feature',
  repository: 'acme/web',
  pattern: 'p',
  why: 'w',
  agents: [
    { agent: 'backend', tasks: ['build', 'repair'] },
    { agent: 'qa', tasks: ['tests'] },
  ],
  filesLikely: [],
  costUsd: null,
  durationMs: { low: 1, mid: 2, high: 3 },
  asks: 1,
  warnings: [],
};
const numbered = (events: readonly RunEvent[]): StoredEvent[] =>
  events.map((event, i) => ({ runId: 'r', seq: i + 1, at: 1_000 * (i + 1), event }));
function viewOf(...events: readonly RunEvent[]): RunView {
  const view = emptyRunView('r');
  for (const stored of numbered(events)) fold(view, stored);
  return view;
}

const failure = { class: 'transient', code: 'c', message: 'the model did not answer' } as const;
const begun: readonly RunEvent[] = [
  { type: 'run.created', program: 'session', hash: 'h' },
  { type: 'plan.ready', plan },
  { type: 'plan.started', by: 'U1' },
  { type: 'run.status', status: 'running' },
  { type: 'node.started', node: 'build', kind: 'agent', agent: 'backend' },
];

describe('a run as told by its events', () => {
  test('rounds of one node add up, and the present one begins anew', () => {
    const finished: RunEvent = {
      type: 'node.finished',
      node: 'build',
      agent: 'backend',
      status: 'done',
      summary: 'built',
    };
    const view = viewOf(...begun, finished, {
      type: 'node.started',
      node: 'build',
      kind: 'agent',
      agent: 'backend',
    });
    expect(view.nodes.get('build')).toMatchObject({
      status: 'running',
      rounds: 2,
      spentMs: 1_000,
      since: 7_000,
      summary: 'built',
      doing: null,
    });
  });

  test('a step that is tried again says why; one that gave up stalls; work after that is work again', () => {
    const step: RunEvent = {
      type: 'step.started',
      key: 'k',
      label: 'asking the model',
      attempt: 1,
      node: 'build',
    };
    expect(viewOf(...begun, step).nodes.get('build')?.doing).toBe('asking the model');
    const again = viewOf(...begun, step, {
      type: 'step.failed',
      key: 'k',
      attempt: 1,
      failure,
      retryInMs: 500,
    });
    expect(again.nodes.get('build')).toMatchObject({
      status: 'running',
      doing: 'the model did not answer; trying again',
    });
    const stalled = viewOf(...begun, step, { type: 'step.failed', key: 'k', attempt: 3, failure });
    expect(stalled.nodes.get('build')?.status).toBe('stalled');
    expect(
      viewOf(...begun, step, { type: 'step.failed', key: 'k', attempt: 3, failure }, step).nodes.get('build')
        ?.status,
    ).toBe('running');
  });

  test('money of unknown price makes the sum unknown, tokens still count', () => {
    const use = (agent: string | null, costUsd: number | null): RunEvent => ({
      type: 'usage.added',
      agent,
      costUsd,
      tokens: 10,
    });
    const view = viewOf(use('backend', 1), use('backend', null), use('qa', 2), use(null, 3));
    expect(view.costUsd).toBeNull();
    expect(Object.fromEntries(view.usage)).toEqual({
      backend: { costUsd: null, tokens: 20 },
      qa: { costUsd: 2, tokens: 10 },
      '': { costUsd: 3, tokens: 10 },
    });
  });

  test('approvals, tests, end', () => {
    const view = viewOf(
      ...begun,
      { type: 'approval.requested', approvalId: 'a' },
      { type: 'approval.escalated', approvalId: 'a', to: 'U2' },
      { type: 'approval.closed', approvalId: 'a' },
      {
        type: 'command.finished',
        node: 'verify',
        command: 'npm test',
        exitCode: 1,
        passed: 3,
        failed: null,
        tail: '',
      },
      {
        type: 'command.finished',
        node: 'verify',
        command: 'ls',
        exitCode: 0,
        passed: null,
        failed: null,
        tail: '',
      },
      { type: 'run.status', status: 'failed', failure },
    );
    expect(view).toMatchObject({
      status: 'failed',
      failure,
      endedAt: 11_000,
      tests: { passed: 3, failed: 0 },
    });
    expect(view.approvals.get('a')).toMatchObject({ open: false, asked: ['U2'] });
    expect(elapsedOf(view, 999_999)).toBe(8_000);
  });

  test('progress: finished over planned, all of it only at the end', () => {
    const done = (node: string, agent: string): RunEvent[] => [
      { type: 'node.started', node, kind: 'agent', agent },
      { type: 'node.finished', node, agent, status: 'done', summary: '' },
    ];
    expect(progressOf(viewOf())).toBe(0);
    expect(progressOf(viewOf(...begun, ...done('build', 'backend')))).toBeCloseTo(1 / 3);
    const all = [...begun, ...done('build', 'backend'), ...done('repair', 'backend'), ...done('tests', 'qa')];
    expect(progressOf(viewOf(...all))).toBe(0.95);
    expect(progressOf(viewOf(...all, { type: 'run.status', status: 'completed' }))).toBe(1);
    expect(elapsedOf(viewOf(), 5)).toBe(0);
  });

  test('read in any pieces, any of them twice, it is the same', () => {
    const event = fc.oneof(
      fc.constantFrom<RunEvent>(
        ...begun,
        { type: 'note', text: 'n' },
        { type: 'step.completed', key: 'k' },
        { type: 'step.cancelled', key: 'k' },
        { type: 'node.doing', node: 'build', agent: 'backend', text: 'writing' },
      ),
      fc
        .constantFrom('k', 'l')
        .map((key): RunEvent => ({ type: 'step.started', key, label: key, attempt: 1, node: 'build' })),
      fc.constantFrom('k', 'l').map((key): RunEvent => ({ type: 'step.failed', key, attempt: 1, failure })),
      fc
        .constantFrom('done', 'failed', 'skipped')
        .map((status): RunEvent => ({ type: 'node.finished', node: 'build', status, summary: status })),
      fc
        .constantFrom('running', 'paused', 'waiting', 'completed')
        .map((status): RunEvent => ({ type: 'run.status', status })),
      fc.nat(9).map((costUsd): RunEvent => ({ type: 'usage.added', agent: 'qa', costUsd, tokens: 1 })),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.array(fc.nat(30)), (events, backs) => {
        const stored = numbered(events);
        const once = emptyRunView('r');
        for (const each of stored) fold(once, each);
        const again = emptyRunView('r');
        for (const back of backs) for (const each of stored.slice(0, back)) fold(again, each);
        for (const each of stored) fold(again, each);
        expect(again).toEqual(once);
        expect(once.seq).toBe(events.length);
      }),
    );
  });
});
