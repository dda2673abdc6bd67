import type { Approval } from '../domain/approval.ts';
import { namedDeciders } from '../domain/approval-rules.ts';
import type { PersonTask } from '../domain/person-task.ts';
import { isTerminal } from '../domain/run.ts';
import { elapsedOf, isDelivered, type NodeView, progressOf, type RunView } from '../domain/run-view.ts';
import type { Decision } from '../ports/decisions.ts';
import type { Session } from '../ports/store.ts';
import type { Sign } from './format.ts';
import type {
  AgentLine,
  EndView,
  EpicEnd,
  EpicState,
  EpicView,
  PlanView,
  RunDetail,
  RunLine,
  ShownStatus,
} from './views.ts';

/** What the builders need beside the run itself. */
export interface Setting {
  readonly session: Session;
  readonly rehearsal: boolean;
  readonly approvals: readonly Approval[];
  /** What people were asked to do. */
  readonly tasks: readonly PersonTask[];
  readonly now: number;
}

export function planView(view: RunView, { session, rehearsal }: Setting): PlanView | null {
  if (view.plan === null) return null;
  return {
    runId: view.runId,
    requester: session.requester,
    plan: view.plan,
    rehearsal,
    open: view.startedAt === null && !isTerminal(view.status),
  };
}

export function epicView(view: RunView, setting: Setting): EpicView {
  const elapsedMs = elapsedOf(view, setting.now);
  const expected = view.plan?.durationMs.mid ?? null;
  return {
    ...base(view, setting),
    progress: progressOf(view),
    // While people are asked, nobody can say how long it takes.
    leftMs:
      expected === null ||
      setting.approvals.some(({ status }) => status === 'pending') ||
      setting.tasks.some(({ status }) => status === 'open')
        ? null
        : Math.max(0, expected - elapsedMs),
    budgetUsd: view.budgetUsd,
    state: stateOf(view, setting),
  };
}

export function endView(view: RunView, setting: Setting): EndView {
  const { plan, result } = view;
  const diff = result?.diff ?? null;
  return {
    ...base(view, setting),
    end: endOf(view, setting.approvals),
    summary: result?.summary ?? view.failure?.message ?? '',
    estimate: plan === null ? null : { costUsd: plan.costUsd, durationMs: plan.durationMs },
    branch: view.branch,
    diff: diff === null ? null : { files: diff.files.length, added: diff.added, removed: diff.removed },
    tests: view.tests,
    approvals: setting.approvals.flatMap(({ status, decidedBy }) =>
      (status === 'approved' || status === 'taken') && decidedBy !== null ? [decidedBy] : [],
    ),
    rounds: view.rounds,
    rubric: view.rubric,
    pullRequest: view.handedOver,
  };
}

export function runLine(view: RunView, { session, now }: Setting): RunLine {
  const doing = [...view.nodes.values()]
    .filter(({ status }) => status === 'running')
    .map(({ agent, node, doing }) => `${agent ?? node}: ${doing ?? 'working'}`);
  return {
    runId: view.runId,
    title: session.request.split('\n')[0] ?? session.request,
    repository: view.plan?.repository ?? session.repository,
    requester: session.requester,
    status: shownStatus(view),
    progress: view.startedAt === null ? null : progressOf(view),
    elapsedMs: elapsedOf(view, now),
    costUsd: view.costUsd,
    doing: view.failure?.message ?? (doing.length === 0 ? null : doing.join(', ')),
    createdAt: session.createdAt,
  };
}

/** A plan that was cancelled ends its run in order, and a run that waits for a clock needs nobody's answer. */
function shownStatus(view: RunView): ShownStatus {
  if (isDelivered(view)) return 'delivered';
  if (view.status === 'completed' && view.result?.status === 'cancelled') return 'cancelled';
  const asks =
    view.startedAt === null || view.tasks.size > 0 || [...view.approvals.values()].some(({ open }) => open);
  return view.status === 'waiting' && !asks ? 'running' : view.status;
}

export function runDetail(view: RunView, setting: Setting, decisions: readonly Decision[]): RunDetail {
  return {
    ...runLine(view, setting),
    pattern: view.plan?.pattern ?? '',
    agents: agentLines(view, setting.now),
    branch: view.branch,
    decisions: decisions.map(({ at, actor, actorKind, choice }) => ({
      at,
      actor,
      byPerson: actorKind === 'person',
      choice,
    })),
  };
}

function base(view: RunView, { session, rehearsal, now }: Setting) {
  return {
    runId: view.runId,
    title: view.plan?.title ?? session.request,
    repository: view.plan?.repository ?? session.repository,
    requester: session.requester,
    rehearsal,
    unsandboxed: view.sandbox === 'none',
    elapsedMs: elapsedOf(view, now),
    costUsd: view.costUsd,
    agents: agentLines(view, now),
  };
}

function stateOf(view: RunView, { approvals, tasks }: Setting): EpicState {
  const open = approvals.filter(({ status }) => status === 'pending');
  const first = open[0];
  // At its budget a run is paused and asks: what it asks is what people need to see.
  if (view.status === 'paused' && !(view.failure?.class === 'budget' && first !== undefined)) {
    return {
      status: 'paused',
      reason: view.failure?.message ?? 'Paused',
      hint: view.failure?.hint ?? null,
      canRetry: true,
      byPerson: view.failure?.code === 'paused_by_person',
    };
  }
  if (first !== undefined)
    return { status: 'waiting', what: first.subject.title, people: namedDeciders(first) };
  const task = tasks.find(({ status }) => status === 'open');
  if (task !== undefined) return { status: 'waiting', what: task.task, people: [task.assignee] };
  return view.status === 'queued' ? { status: 'queued' } : { status: 'running' };
}

function endOf(view: RunView, approvals: readonly Approval[]): EpicEnd {
  const kept = view.branch === null ? [] : [`branch ${view.branch}`, 'a snapshot after each agent'];
  if (view.status === 'cancelled' || view.result?.status === 'cancelled')
    return { status: 'cancelled', by: view.result?.by ?? null, kept };
  if (view.status === 'completed') return { status: 'completed' };
  if (isDelivered(view)) {
    const chosen = approvals.findLast(
      ({ status, subject }) => status === 'changes_requested' && subject.raise !== undefined,
    );
    return { status: 'delivered', by: chosen?.decidedBy ?? null, kept, hint: view.failure?.hint ?? null };
  }
  const tried = [...view.nodes.values()]
    .filter(({ rounds }) => rounds > 1)
    .map(({ agent, node, rounds }) => `${agent ?? node}: ${rounds} rounds`);
  return {
    status: 'failed',
    what: view.failure?.message ?? 'It did not work',
    tried,
    kept,
    hint: view.failure?.hint ?? null,
  };
}

/** A line per agent of the plan, in the plan's order, out of all nodes it works on. */
export function agentLines(view: RunView, now: number): AgentLine[] {
  return (view.plan?.agents ?? []).map(({ agent }) => {
    const nodes = [...view.nodes.values()].filter((node) => node.agent === agent);
    const current = nodes.find(({ status }) => status === 'running' || status === 'stalled') ?? nodes.at(-1);
    const elapsed = nodes.reduce(
      (sum, { spentMs, since }) =>
        sum + spentMs + (since === null || view.endedAt !== null ? 0 : Math.max(0, now - since)),
      0,
    );
    return {
      agent,
      sign: signOf(view, current),
      doing: current === undefined ? null : (current.doing ?? current.summary),
      needs: [],
      elapsedMs: nodes.length === 0 ? null : elapsed,
      costUsd: view.usage.get(agent)?.costUsd,
    };
  });
}

function signOf(view: RunView, node: NodeView | undefined): Sign {
  if (node === undefined) return isTerminal(view.status) ? 'skipped' : 'waiting';
  switch (node.status) {
    case 'done':
      return 'done';
    case 'skipped':
      return 'skipped';
    case 'failed':
      return 'failed';
    case 'stalled':
      if (isDelivered(view)) return 'skipped';
      return isTerminal(view.status) ? 'failed' : 'needs_person';
    case 'running':
      if (isDelivered(view)) return 'skipped';
      if (view.status === 'failed') return 'failed';
      if (view.status === 'cancelled') return 'skipped';
      return view.status === 'paused' ? 'paused' : 'in_progress';
    default:
      return node.status satisfies never;
  }
}
