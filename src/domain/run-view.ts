import type { Done } from './escalation.ts';
import { type DeedEvent, deedOf } from './escalation-events.ts';
import type { DiffStat, Plan, RunEvent, StoredEvent } from './events.ts';
import type { Failure } from './failure.ts';
import type { Measure } from './rubric.ts';
import type { RunStatus } from './run.ts';
import type { SandboxKind } from './sandbox-kind.ts';

/** One node as far as people care. */
export interface NodeView {
  readonly node: string;
  readonly kind: string;
  readonly agent: string | null;
  status: 'running' | 'done' | 'failed' | 'skipped' | 'stalled';
  doing: string | null;
  /** Time spent in earlier rounds, and when the present one began. */
  spentMs: number;
  since: number | null;
  rounds: number;
  summary: string | null;
}

export interface AgentUsage {
  /** Null once a part of it has no known price. */
  costUsd: number | null;
  tokens: number;
}

/** A question, with whom it was put to beside its thread. */
export interface QuestionView {
  open: boolean;
  /** By DM. */
  readonly asked: string[];
  /** In other channels. */
  readonly raised: string[];
  /** What was done so that it reaches somebody, in order. */
  readonly deeds: Done[];
}

/**
 * A run as told by its events: the one state that the epic, `status` and the command line draw. Folding is pure but
 * for the object itself, which is built anew from the first event whenever it is not at hand.
 */
export interface RunView {
  readonly runId: string;
  seq: number;
  status: RunStatus;
  failure: Failure | null;
  createdAt: number;
  /** When somebody pressed Start. */
  startedAt: number | null;
  startedBy: string | null;
  endedAt: number | null;
  lastAt: number;
  plan: Plan | null;
  branch: string | null;
  sandbox: SandboxKind | null;
  readonly nodes: Map<string, NodeView>;
  readonly usage: Map<string, AgentUsage>;
  costUsd: number | null;
  /** US dollars it may cost before people are asked, as raised since; null: no bound. */
  budgetUsd: number | null;
  /** Approvals that wait, and those that were answered, by id. */
  readonly approvals: Map<string, QuestionView>;
  rounds: number;
  /** The last round that was judged by a weighted rubric. */
  rubric: { readonly quality: number; readonly measures: readonly Measure[] } | null;
  tests: { passed: number; failed: number } | null;
  /** Steps that failed and are tried again or wait for help, by key. */
  readonly steps: Map<string, string | null>;
  /** Pieces of work that people have taken over, each with whoever did. */
  readonly taken: Map<string, string>;
  /** Tasks for people that are open, by id: for which node, and whose. */
  readonly tasks: Map<string, { readonly node: string; readonly to: string }>;
  /** The pull request of its branch, as it was handed over last. */
  handedOver: { readonly number: number; readonly url: string; readonly commit: string } | null;
  /** How often people's words were given to the agents. */
  guidance: number;
  result: {
    status: 'completed' | 'delivered' | 'failed' | 'cancelled';
    summary: string;
    commit: string | null;
    diff: DiffStat | null;
    /** Who cancelled the plan. */
    by: string | null;
  } | null;
}

/** The code with which a run ends whose work people took as it was at its budget. */
export const BUDGET_DELIVERED = 'budget_delivered';

export function emptyRunView(runId: string): RunView {
  return {
    runId,
    seq: 0,
    status: 'queued',
    failure: null,
    createdAt: 0,
    startedAt: null,
    startedBy: null,
    endedAt: null,
    lastAt: 0,
    plan: null,
    branch: null,
    sandbox: null,
    nodes: new Map(),
    usage: new Map(),
    costUsd: 0,
    budgetUsd: null,
    approvals: new Map(),
    rounds: 0,
    rubric: null,
    tests: null,
    steps: new Map(),
    taken: new Map(),
    tasks: new Map(),
    guidance: 0,
    result: null,
    handedOver: null,
  };
}

/** Adds one event. Events already seen are ignored. */
export function fold(view: RunView, stored: StoredEvent): void {
  if (stored.seq <= view.seq) return;
  view.seq = stored.seq;
  view.lastAt = stored.at;
  if (view.createdAt === 0) view.createdAt = stored.at;
  const { event, at } = stored;
  foldRun(view, event, at);
  foldNode(view, event, at);
}

function foldRun(view: RunView, event: RunEvent, at: number): void {
  switch (event.type) {
    case 'run.status':
      view.status = event.status;
      view.failure = event.failure ?? null;
      if (event.status === 'completed' || event.status === 'failed' || event.status === 'cancelled')
        view.endedAt = at;
      return;
    case 'plan.ready':
      view.plan = event.plan;
      view.budgetUsd = event.plan.budgetUsd ?? null;
      return;
    case 'budget.raised':
      if (event.unit === 'usd') view.budgetUsd = event.to;
      return;
    case 'plan.started':
      view.startedAt = at;
      view.startedBy = event.by;
      return;
    case 'workspace.ready':
      view.branch = event.branch;
      view.sandbox = event.sandbox;
      return;
    case 'usage.added':
      addUsage(view, event.agent, event.costUsd, event.tokens);
      return;
    case 'loop.round':
      view.rounds += 1;
      if (event.measures !== undefined && event.quality !== null)
        view.rubric = { quality: event.quality, measures: event.measures };
      return;
    case 'command.finished':
      if (event.passed !== null) view.tests = { passed: event.passed, failed: event.failed ?? 0 };
      return;
    case 'approval.requested':
      view.approvals.set(event.approvalId, { open: true, asked: [], raised: [], deeds: [] });
      return;
    case 'approval.reminded':
    case 'approval.escalated':
    case 'approval.raised':
    case 'approval.called':
      foldDeed(view, event, at);
      return;
    case 'approval.closed': {
      const approval = view.approvals.get(event.approvalId);
      if (approval !== undefined) approval.open = false;
      return;
    }
    case 'guidance.given':
      view.guidance += 1;
      return;
    case 'work.taken':
      if (event.open) view.taken.set(event.node, event.by);
      else view.taken.delete(event.node);
      return;
    case 'person.asked':
    case 'person.given':
      view.tasks.set(event.taskId, { node: event.node, to: event.to });
      return;
    case 'person.ended':
      view.tasks.delete(event.taskId);
      return;
    case 'handed.over':
      view.handedOver = { number: event.number, url: event.url, commit: event.commit };
      return;
    case 'result':
      view.result = {
        status: event.status,
        summary: event.summary,
        commit: event.commit,
        diff: event.diff,
        by: event.by ?? null,
      };
      return;
    default:
  }
}

function foldDeed(view: RunView, event: DeedEvent, at: number): void {
  const question = view.approvals.get(event.approvalId);
  if (question === undefined) return;
  const deed = deedOf(event);
  question.deeds.push({ deed, at });
  if (deed.kind === 'direct') question.asked.push(deed.to);
  if (deed.kind === 'channel') question.raised.push(deed.channel);
}

function foldNode(view: RunView, event: RunEvent, at: number): void {
  switch (event.type) {
    case 'node.started': {
      const before = view.nodes.get(event.node);
      view.nodes.set(event.node, {
        node: event.node,
        kind: event.kind,
        agent: event.agent ?? null,
        status: 'running',
        doing: null,
        spentMs: before?.spentMs ?? 0,
        since: at,
        rounds: (before?.rounds ?? 0) + 1,
        summary: before?.summary ?? null,
      });
      return;
    }
    case 'node.finished': {
      const node = view.nodes.get(event.node);
      if (node === undefined) return;
      node.status = event.status;
      node.summary = event.summary;
      node.doing = null;
      if (node.since !== null) node.spentMs += at - node.since;
      node.since = null;
      return;
    }
    case 'node.doing':
      setDoing(view, event.node, event.text);
      return;
    case 'step.started':
      view.steps.set(event.key, event.node ?? null);
      if (event.node !== undefined) setDoing(view, event.node, event.label);
      return;
    case 'step.completed':
    case 'step.cancelled':
      view.steps.delete(event.key);
      return;
    case 'step.failed': {
      const name = view.steps.get(event.key);
      const node = name === null || name === undefined ? undefined : view.nodes.get(name);
      if (node === undefined) return;
      if (event.retryInMs === undefined) node.status = 'stalled';
      else node.doing = `${event.failure.message}; trying again`;
      return;
    }
    default:
  }
}

function setDoing(view: RunView, name: string, text: string): void {
  const node = view.nodes.get(name);
  // What tidies up after a node, such as its snapshot, does not begin it again.
  if (node === undefined || (node.status !== 'running' && node.status !== 'stalled')) return;
  node.doing = text;
  node.status = 'running';
}

function addUsage(view: RunView, agent: string | null, costUsd: number | null, tokens: number): void {
  view.costUsd = view.costUsd === null || costUsd === null ? null : view.costUsd + costUsd;
  const name = agent ?? '';
  const before = view.usage.get(name) ?? { costUsd: 0, tokens: 0 };
  view.usage.set(name, {
    costUsd: before.costUsd === null || costUsd === null ? null : before.costUsd + costUsd,
    tokens: before.tokens + tokens,
  });
}

/** Whether people took what was there when its budget was used up: an end of its own, and no failure. */
export function isDelivered({ status, failure }: Pick<RunView, 'status' | 'failure'>): boolean {
  return status === 'failed' && failure?.code === BUDGET_DELIVERED;
}

/** 0-1: finished nodes over those the plan names. Never 1 before the end: something always remains to be said. */
export function progressOf(view: RunView): number {
  if (view.status === 'completed') return 1;
  const planned = view.plan?.agents.reduce((sum, { tasks }) => sum + tasks.length, 0) ?? 0;
  if (planned === 0) return 0;
  const done = [...view.nodes.values()].filter(
    ({ agent, status }) => agent !== null && status === 'done',
  ).length;
  return Math.min(0.95, done / planned);
}

/** Milliseconds the work has taken so far. */
export function elapsedOf(view: RunView, now: number): number {
  return view.startedAt === null ? 0 : Math.max(0, (view.endedAt ?? now) - view.startedAt);
}
