import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/domain/events.ts';
import { asJson } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { createFlow } from '../../src/engine/flow.ts';
import type { PlanLimits } from '../../src/orchestrator/contracts.ts';
import { permitFor } from '../../src/orchestrator/permit.ts';
import { sessionProgram } from '../../src/orchestrator/session-program.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { openApproval } from '../../src/ports/activities.ts';
import {
  answer,
  type Driven,
  drive,
  type Effect,
  failure,
  POLICY,
  result,
  role,
  START,
  type World,
} from '../patterns/driver.ts';

const WEEK_MS = 7 * 86_400_000;
const plan: Plan = {
  title: 't',
  workflow: 'w',
  repository: 'r',
  pattern: 'p',
  why: 'w',
  agents: [],
  filesLikely: [],
  costUsd: null,
  durationMs: { low: 1, mid: 2, high: 3 },
  asks: 0,
  warnings: [],
};
const report = {
  location: '/r',
  name: 'r',
  usable: true,
  warnings: [],
  head: 'abc',
  branch: 'main',
  fileCount: 1,
  files: [],
  testCommand: ['npm', 'test'],
  sample: false,
};
const stat = { files: [], added: 0, removed: 0 };
const builder: Node = { kind: 'agent', id: 'build', agent: 'backend', task: 't' };
const twoBuilders: Node = { kind: 'parallel', id: 'both', branches: [builder, { ...builder, id: 'more' }] };

interface Case extends Partial<World> {
  readonly flow?: Node;
  readonly sandbox?: 'bubblewrap' | 'none';
  readonly sample?: boolean;
  readonly tools?: readonly 'run'[];
  readonly autoStart?: boolean;
  readonly gated?: boolean;
  readonly fail?: boolean;
  readonly limits?: PlanLimits;
}

interface Run extends Driven {
  readonly inputs: [activity: string, input: unknown][];
  readonly told: (string | null)[];
  /** What people were asked: the command, or null for the general question. */
  readonly questions: (string | null)[];
}

/** One run of the session's program over agents that want to run one command each. */
function run(given: Case): Run {
  const inputs: [string, unknown][] = [];
  const told: (string | null)[] = [];
  const questions: (string | null)[] = [];
  const keep =
    (activity: string, effect: Effect): Effect =>
    (input, key, now) => {
      inputs.push([activity, input]);
      return effect(input, key, now);
    };
  const effects: Record<string, Effect> = {
    'repository.inspect': () => report,
    'plan.make': () => plan,
    'workspace.open': () => ({
      path: '/w',
      branch: 'baton/x',
      base: 'abc',
      sandbox: given.sandbox ?? 'bubblewrap',
      allowUnsandboxed: given.sample ?? false,
    }),
    'workspace.snapshot': () => ({ commit: 'c', tree: 't' }),
    'workspace.keep': () => ({ commit: 'kept', tree: 'tree', stat }),
    'workspace.keep-approved': () => ({ commit: 'kept', tree: 'tree', stat }),
    'workspace.close': () => ({}),
    'approval.withdraw': () => ({}),
    'approval.open': (input) => {
      const { subject } = openApproval.input.parse(input);
      questions.push(subject.kind === 'unsandboxed' ? (subject.argv?.join(' ') ?? null) : subject.kind);
      return {
        approvalId: `a${questions.length}`,
        tree: subject.kind === 'changes' ? 'shown' : null,
        commit: null,
        policy: POLICY,
      };
    },
    'approval.nudge': () => ({ told: null }),
    'approval.expire': () => ({ expired: true }),
    ...given.effects,
  };
  const interpreter = new Interpreter(patterns);
  const program = sessionProgram(interpreter, () => ({
    *run(task, flow, guard) {
      told.push(yield* guard.command(['npm', 'run', task.node], flow));
      if (given.fail === true) throw failure('broken');
      return result;
    },
  }));
  const definition = {
    workflow: { name: 'w', title: 't', description: 'd', how: 'h', why: 'w', flow: given.flow ?? builder },
    roles: [{ ...role('backend'), tools: given.tools ?? ['run'] }],
    ...(given.limits === undefined ? {} : { limits: given.limits }),
  };
  const input = {
    runId: 'run_1',
    sessionId: 'ses_1',
    team: 'T',
    requester: 'U-alice',
    request: 'Add CSV\nand more',
    repository: '/r',
    branch: 'baton/x',
    autoStart: given.autoStart ?? true,
    gated: given.gated ?? false,
  };
  const driven = drive((flow) => program.run(asJson(definition), input, flow), {
    effects: Object.fromEntries(Object.entries(effects).map(([name, effect]) => [name, keep(name, effect)])),
    ...(given.signals === undefined ? {} : { signals: given.signals }),
  });
  return { ...driven, inputs, told, questions };
}

const names = ({ inputs }: Run) => inputs.map(([activity]) => activity);
const resultOf = ({ events }: Driven) => events.find((event) => event.type === 'result');

describe('a session', () => {
  test('looks, plans, works, keeps, tidies up, in this order', () => {
    const played = run({});
    expect(names(played)).toEqual([
      'repository.inspect',
      'plan.make',
      'workspace.open',
      'workspace.snapshot',
      'workspace.keep',
      'approval.withdraw',
      'workspace.close',
    ]);
    expect(played.outcome).toEqual({
      ok: true,
      value: { status: 'completed', branch: 'baton/x', commit: 'kept', tree: 'tree' },
    });
    expect(resultOf(played)).toMatchObject({ status: 'completed', branch: 'baton/x', diff: stat });
    const [, kept] = played.inputs.find(([name]) => name === 'workspace.keep') ?? [];
    expect(kept).toMatchObject({ tree: null, message: 'Add CSV\n\nAsked by U-alice in ses_1, run run_1.\n' });
  });

  test('what was approved is what is kept', () => {
    const flow: Node = {
      kind: 'sequence',
      id: 's',
      stages: [builder, { kind: 'approval', id: 'keep', title: 't', why: 'w' }],
    };
    const played = run({ flow, signals: [answer('a1', 'approve', 5)] });
    expect(played.inputs.find(([name]) => name === 'workspace.keep-approved')?.[1]).toMatchObject({
      tree: 'shown',
      approvalId: 'a1',
    });
  });

  test('work after an approval is kept too, unless it can change nothing', () => {
    const flow: Node = {
      kind: 'sequence',
      id: 's',
      stages: [{ kind: 'approval', id: 'spec', title: 't', why: 'w' }, builder],
    };
    const tree = (tools: readonly 'run'[]): unknown =>
      run({ flow, tools, signals: [answer('a1', 'approve', 5)] }).inputs.find(([name]) =>
        name.startsWith('workspace.keep'),
      )?.[1];
    expect(tree(['run'])).toMatchObject({ tree: null });
    expect(tree([])).toMatchObject({ tree: 'shown' });
  });

  test('a yes that does not hold any more puts nothing there as done, and says why', () => {
    const flow: Node = { kind: 'approval', id: 'keep', title: 't', why: 'w' };
    const effects = { 'workspace.keep-approved': () => ({ notTaken: 'right_lost' }) };
    const played = run({ flow, effects, signals: [answer('a1', 'approve', 5)] });
    expect(played.inputs.find(([name]) => name === 'workspace.keep')?.[1]).toMatchObject({
      tree: null,
      message: expect.stringContaining(
        'Unfinished: It was approved, and not done: those who approved it may not',
      ),
    });
    expect(played.outcome).toMatchObject({ ok: false, failure: { code: 'approval_lost' } });
  });

  test('changes that the policy speaks of are asked about where no node did, and only that tree is kept', () => {
    const asked = [{ trigger: 'schema_change', why: 'changes the shape' }];
    const effects = { 'policy.changes': () => ({ asked }), 'policy.command': () => ({ asked: [] }) };
    const played = run({ effects, gated: true, signals: [answer('a1', 'approve', 5)] });
    expect(played.questions).toEqual(['changes']);
    expect(played.inputs.find(([name]) => name === 'workspace.keep-approved')?.[1]).toMatchObject({
      tree: 'shown',
      approvalId: 'a1',
    });
    const refused = run({ effects, gated: true, signals: [answer('a1', 'reject', 5, 'too wide')] });
    expect(refused.outcome).toMatchObject({ ok: false, failure: { message: 'It was rejected: too wide' } });
    expect(names(refused)).toContain('workspace.keep');
    const free = run({ effects: { ...effects, 'policy.changes': () => ({ asked: [] }) }, gated: true });
    expect(free.questions).toEqual([]);
  });

  test('a command that the policy speaks of waits for a yes; without one the agent goes another way', () => {
    const asked = [{ trigger: 'deploy', why: 'deploys' }];
    const effects = { 'policy.command': () => ({ asked }), 'policy.changes': () => ({ asked: [] }) };
    const yes = run({ effects, gated: true, signals: [answer('a1', 'approve', 5)] });
    expect([yes.told, yes.questions]).toEqual([[null], ['command']]);
    const no = run({ effects, gated: true, signals: [answer('a1', 'reject', 5)] });
    expect(no.told).toEqual(['This command was not allowed.']);
    // One that was begun by the first version goes on as it was begun.
    expect(run({ effects }).questions).toEqual([]);
  });

  test('a failure keeps the work so far, says so, and is the run’s failure', () => {
    const played = run({ fail: true });
    expect(names(played).slice(-3)).toEqual(['workspace.keep', 'approval.withdraw', 'workspace.close']);
    expect(played.inputs.find(([name]) => name === 'workspace.keep')?.[1]).toMatchObject({
      tree: null,
      message: expect.stringContaining('Unfinished: it was broken'),
    });
    expect(resultOf(played)).toMatchObject({ status: 'failed', summary: 'it was broken', branch: 'baton/x' });
    expect(played.outcome).toMatchObject({ ok: false, failure: { code: 'broken' } });
  });

  test.each([
    ['unusable', { ...report, usable: false, problem: 'It is bare.' }, 'It is bare.'],
    ['empty', { ...report, head: null }, 'The repository cannot be used'],
  ])('a repository that is %s is said before any plan', (_name, found, problem) => {
    const played = run({ effects: { 'repository.inspect': () => found } });
    expect(names(played)).toEqual(['repository.inspect']);
    expect(resultOf(played)).toMatchObject({ status: 'failed', summary: problem });
    expect(played.outcome).toMatchObject({
      ok: false,
      failure: { code: 'repository_unusable', message: problem },
    });
  });

  test.each([
    ['start', true],
    ['cancel', false],
  ])('the plan waits for its answer: %s', (verdict, goesOn) => {
    const played = run({
      autoStart: false,
      signals: [{ name: 'plan', at: 60_000, payload: { verdict, by: 'U-alice' } }],
    });
    expect(names(played).includes('workspace.open')).toBe(goesOn);
    expect(played.events.some(({ type }) => type === 'plan.started')).toBe(goesOn);
    expect(played.elapsedMs).toBe(60_000);
    if (!goesOn)
      expect(resultOf(played)).toMatchObject({
        status: 'cancelled',
        summary: 'The plan was cancelled; nothing was changed',
        by: 'U-alice',
      });
  });

  test.each([
    ['the start', undefined, 60_000 + 7_200_000],
    ['the request', START + 7_200_000, 7_200_000],
    ['the request, though its plan waited longer', START + 30_000, 60_000],
  ])('the time for the work counts from %s', (_name, dueAt, ends) => {
    const played = run({
      autoStart: false,
      flow: { kind: 'wait', id: 'long', for: '1d' },
      limits: { budgetUsd: null, withinMs: 7_200_000, ...(dueAt === undefined ? {} : { dueAt }) },
      signals: [{ name: 'plan', at: 60_000, payload: { verdict: 'start', by: 'U-alice' } }],
    });
    expect(played.elapsedMs).toBe(ends);
    expect(played.outcome).toMatchObject({ ok: false, failure: { code: 'deadline_passed' } });
  });

  test('a plan nobody answers is let go after a week', () => {
    const played = run({ autoStart: false });
    expect(played.elapsedMs).toBe(WEEK_MS);
    expect(resultOf(played)).toMatchObject({
      status: 'cancelled',
      summary: expect.stringContaining('within a week'),
    });
  });
});

describe('commands where there is no sandbox', () => {
  const yes = (count: number) =>
    Array.from({ length: count }, (_, i) => answer(`a${i + 1}`, 'approve', i + 1));

  test.each([
    ['a sandbox', { sandbox: 'bubblewrap' }],
    ['the rehearsal’s own sample', { sandbox: 'none', sample: true }],
  ] as const)('%s: they just run', (_name, given) => {
    const played = run({ ...given, flow: twoBuilders });
    expect(played.questions).toEqual([]);
    expect(played.told).toEqual([null, null]);
  });

  test('asked once in general, before any work, then for each command', () => {
    const played = run({ sandbox: 'none', signals: yes(2) });
    expect(played.questions).toEqual([null, 'npm run build']);
    expect(played.told).toEqual([null]);
    expect(played.keys.findIndex((key) => key.includes('ask-unsandboxed'))).toBeLessThan(
      played.keys.findIndex((key) => key.startsWith('work')),
    );
  });

  test('two agents side by side: one general question, one for each command', () => {
    const played = run({ sandbox: 'none', flow: twoBuilders, signals: yes(3) });
    expect(played.questions).toEqual([null, 'npm run build', 'npm run more']);
    expect(played.told).toEqual([null, null]);
  });

  test('a general no: no command runs, none is asked about, the agents are told', () => {
    const played = run({ sandbox: 'none', flow: twoBuilders, signals: [answer('a1', 'reject', 1)] });
    expect(played.questions).toEqual([null]);
    expect(played.told).toEqual([
      expect.stringContaining('Commands may not run here'),
      expect.stringContaining('Commands may not run here'),
    ]);
    expect(played.outcome.ok).toBe(true);
  });

  test.each([
    ['a no', [answer('a1', 'approve', 1), answer('a2', 'reject', 2)]],
    ['changes', [answer('a1', 'approve', 1), answer('a2', 'request_changes', 2)]],
    ['nobody', [answer('a1', 'approve', 1)]],
  ])('%s to one command: that one does not run', (_name, signals) => {
    expect(run({ sandbox: 'none', signals }).told).toEqual(['This command was not allowed.']);
  });

  test('nobody answers the general question: no', () => {
    const played = run({ sandbox: 'none' });
    expect(played.questions).toEqual([null]);
    expect(played.told).toEqual([expect.stringContaining('Commands may not run here')]);
  });

  test('a workflow that runs no command asks nothing, and a command of its own is not silent either', () => {
    const idle = run({ sandbox: 'none', tools: [] });
    expect(idle.questions).toEqual([]);
    expect(idle.told).toEqual([expect.stringContaining('Commands may not run here')]);
    const flow: Node = { kind: 'command', id: 'verify', run: 'test' };
    expect(run({ sandbox: 'none', tools: [], flow, signals: [answer('a1', 'reject', 1)] }).questions).toEqual(
      [null],
    );
  });

  test('permission costs nothing where it is not needed', () => {
    const setting = {
      sandbox: 'bubblewrap',
      allowUnsandboxed: false,
      runsCommands: true,
      gated: false,
      node: 'n',
    } as const;
    expect(permitFor(setting, createFlow('x')).next()).toMatchObject({ done: true });
  });
});
