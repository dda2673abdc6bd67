import { z } from 'zod';
import { agentNoteSchema } from './agent-note.ts';
import { budgetUnits } from './budget.ts';
import { failureSchema } from './failure.ts';
import { jsonSchema } from './json.ts';
import { measureSchema } from './rubric.ts';
import { runStatuses } from './run.ts';
import { sandboxKinds } from './sandbox-kind.ts';
import { guidanceSchema } from './steering.ts';

/**
 * Everything that can happen in a run, append-only and numbered per run. Events are what projections (the epic,
 * the run page, metrics) read; none of them needs another source. Engine events come first, then what
 * patterns and activities tell.
 */
const id = z.string();
const usd = z.number().nullable();

export const diffStatSchema = z.object({
  files: z.array(z.object({ path: z.string(), added: z.number(), removed: z.number() })),
  added: z.number(),
  removed: z.number(),
});
export type DiffStat = z.infer<typeof diffStatSchema>;

export const rangeSchema = z.object({ low: z.number(), mid: z.number(), high: z.number() });
export type Range = z.infer<typeof rangeSchema>;

/** One voter's word. Choice null: abstained, or named no option. */
export const ballotSchema = z.object({
  agent: z.string(),
  weight: z.number(),
  choice: z.string().nullable(),
  reason: z.string(),
});
export type Ballot = z.infer<typeof ballotSchema>;

/** Another workflow for the same request, and what choosing it would mean. */
export const alternativeSchema = z.object({
  workflow: z.string(),
  title: z.string(),
  how: z.string(),
  /** "about 3 min sooner, $0.40 less, asks nobody" */
  tradeOff: z.string(),
});
export type Alternative = z.infer<typeof alternativeSchema>;

/** What is shown before a run starts. Money in US dollars (null: no price known), time in milliseconds. */
export const planSchema = z.object({
  title: z.string(),
  workflow: z.string(),
  repository: z.string(),
  /** One line on how the work goes, and one on why. */
  pattern: z.string(),
  why: z.string(),
  agents: z.array(z.object({ agent: z.string(), tasks: z.array(z.string()) })),
  filesLikely: z.array(z.string()),
  costUsd: rangeSchema.nullable(),
  durationMs: rangeSchema,
  /** How many times people will be asked. */
  asks: z.number().int(),
  warnings: z.array(z.string()),
  /** One line on what the way of coordinating is good for and takes; and what was asked for beside the words. */
  traits: z.string().optional(),
  wanted: z.array(z.string()).optional(),
  /** What people changed since the first plan, and what they said about it. */
  changedBy: z.string().optional(),
  changes: z.array(z.string()).optional(),
  notes: z.array(z.string()).optional(),
  /** US dollars people gave it. */
  budgetUsd: z.number().optional(),
  /** Other ways of doing it, each beside this one. */
  alternatives: z.array(alternativeSchema).optional(),
});
export type Plan = z.infer<typeof planSchema>;

export const runEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run.created'), program: z.string(), hash: z.string() }),
  z.object({ type: z.literal('run.status'), status: z.enum(runStatuses), failure: failureSchema.optional() }),
  z.object({
    type: z.literal('step.started'),
    key: z.string(),
    label: z.string(),
    attempt: z.number().int(),
    node: z.string().optional(),
    /** Attempts at it that ended with a crash of the process; absent when none did. */
    crashes: z.number().int().optional(),
  }),
  z.object({ type: z.literal('step.completed'), key: z.string() }),
  z.object({
    type: z.literal('step.failed'),
    key: z.string(),
    attempt: z.number().int(),
    failure: failureSchema,
    /** Milliseconds until it is tried again; absent when it is not. */
    retryInMs: z.number().optional(),
  }),
  /** Nobody waits for it any more; why not, in words. */
  z.object({ type: z.literal('step.cancelled'), key: z.string(), why: z.string().optional() }),
  z.object({ type: z.literal('signal.received'), name: z.string() }),
  z.object({ type: z.literal('signal.consumed'), key: z.string(), name: z.string() }),
  z.object({ type: z.literal('timer.set'), key: z.string(), fireAt: z.number() }),
  z.object({ type: z.literal('timer.fired'), key: z.string() }),

  z.object({ type: z.literal('plan.ready'), plan: planSchema }),
  z.object({ type: z.literal('plan.started'), by: z.string() }),
  z.object({
    type: z.literal('workspace.ready'),
    branch: z.string(),
    base: z.string(),
    sandbox: z.enum(sandboxKinds),
  }),
  /** `node` is the id of the node in the workflow; one agent may serve several nodes. */
  z.object({ type: z.literal('node.started'), node: id, kind: z.string(), agent: z.string().optional() }),
  z.object({
    type: z.literal('node.finished'),
    node: id,
    agent: z.string().optional(),
    status: z.enum(['done', 'failed', 'skipped']),
    summary: z.string(),
  }),
  /** An agent's task ended, well, badly by its own fault, or in a way that says nothing of it. */
  z.object({
    type: z.literal('agent.ended'),
    node: id,
    agent: z.string(),
    outcome: z.enum(['success', 'failure', 'neither']),
    /** The one name under which the task asked whether it may begin. */
    holder: z.string(),
    failure: z.object({ code: z.string(), message: z.string() }).optional(),
  }),
  z.object({ type: z.literal('node.doing'), node: id, agent: z.string(), text: z.string() }),
  z.object({
    type: z.literal('usage.added'),
    agent: z.string().nullable(),
    costUsd: usd,
    tokens: z.number(),
  }),
  /** Most of what the run was given is used; told once for each budget. */
  z.object({
    type: z.literal('budget.warned'),
    unit: z.enum(budgetUnits),
    used: z.number(),
    given: z.number(),
  }),
  z.object({
    type: z.literal('budget.raised'),
    unit: z.enum(budgetUnits),
    from: z.number(),
    to: z.number(),
    by: z.string(),
  }),
  z.object({
    type: z.literal('handoff'),
    from: z.string(),
    to: z.string(),
    summary: z.string(),
    warnings: z.array(z.string()),
    /** What the validators had against it; absent where none looked. */
    refused: z.array(z.string()).optional(),
    /** Its size as JSON, and how often the stage had done its work again. */
    bytes: z.number().optional(),
    rework: z.number().int().optional(),
  }),
  z.object({
    type: z.literal('command.finished'),
    node: id,
    command: z.string(),
    exitCode: z.number().nullable(),
    passed: z.number().nullable(),
    failed: z.number().nullable(),
    tail: z.string(),
  }),
  /** A branch works in a worktree of its own; `parent` and `into` null are the run's own. */
  z.object({ type: z.literal('stream.opened'), node: id, stream: z.string(), parent: z.string().nullable() }),
  z.object({
    type: z.literal('stream.merged'),
    node: id,
    stream: z.string(),
    into: z.string().nullable(),
    commit: z.string(),
    files: z.number().int(),
  }),
  /** Two streams changed the same places; seen while both still work. */
  z.object({
    type: z.literal('stream.meets'),
    node: id,
    stream: z.string(),
    other: z.string(),
    paths: z.array(z.string()),
  }),
  /** `first` is what was there, `second` what the stream brought; `edited`: both were joined by hand. */
  z.object({
    type: z.literal('conflict.resolved'),
    node: id,
    stream: z.string(),
    path: z.string(),
    took: z.enum(['first', 'second', 'both', 'edited']),
    by: z.enum(['rule', 'agent', 'person']),
    who: z.string().nullable(),
  }),
  /** Streams came together at a point of their workflow. */
  z.object({
    type: z.literal('sync.reached'),
    node: id,
    point: z.string(),
    kind: z.enum(['start', 'milestone', 'resource', 'integration', 'progress']),
    participants: z.array(z.string()),
  }),
  /** A task said while it ran that it needs another's outcome. `order` is what is left, as it will go now. */
  z.object({
    type: z.literal('dependency.declared'),
    node: id,
    task: z.string(),
    needs: z.string(),
    why: z.string(),
    order: z.array(z.string()),
  }),
  /** The files went back to where a snapshot left them. */
  z.object({ type: z.literal('snapshot.restored'), node: id, tree: z.string() }),
  z.object({ type: z.literal('snapshot.taken'), node: id, commit: z.string(), tree: z.string() }),
  z.object({
    type: z.literal('loop.round'),
    node: id,
    round: z.number().int(),
    max: z.number().int(),
    quality: z.number().nullable(),
    passed: z.boolean(),
    /** What the quality was made of; absent where nobody weighed it. */
    measures: z.array(measureSchema).optional(),
  }),
  z.object({ type: z.literal('approval.requested'), approvalId: id }),
  /** `calling`: those who decide and may be disturbed at that hour; absent: all of them. */
  z.object({
    type: z.literal('approval.reminded'),
    approvalId: id,
    calling: z.array(z.string()).optional(),
  }),
  /**
   * Asked by DM, as somebody who decides or as a deputy, maybe in the place of somebody who is away. `moved`: the question
   * was `from`'s before, and goes on to whoever stands in, or comes back.
   */
  z.object({
    type: z.literal('approval.escalated'),
    approvalId: id,
    to: z.string(),
    as: z.enum(['approver', 'deputy']).optional(),
    inPlaceOf: z.string().optional(),
    moved: z.object({ turn: z.number().int(), from: id }).optional(),
  }),
  /** Said where those look who see to it that questions are answered. */
  z.object({ type: z.literal('approval.raised'), approvalId: id, channel: z.string() }),
  /** A user group was called. */
  z.object({ type: z.literal('approval.called'), approvalId: id, group: z.string() }),
  /** One of several votes; the approval stays open. */
  z.object({ type: z.literal('approval.voted'), approvalId: id, by: z.string() }),
  /** Somebody who may decide wants to know something first. */
  z.object({ type: z.literal('approval.asked'), approvalId: id, by: z.string(), text: z.string() }),
  /** An admin went past who may decide. Followed by `approval.closed`. */
  z.object({ type: z.literal('approval.broke_glass'), approvalId: id, by: z.string(), reason: z.string() }),
  /** Decided, withdrawn or timed out; once more when a yes lapses or is withdrawn before it was used. */
  z.object({ type: z.literal('approval.closed'), approvalId: id }),
  /** The run does without an answer from here on. Followed by `approval.closed` where it was open. */
  z.object({ type: z.literal('approval.given_up'), approvalId: id, why: z.string() }),
  /** What was allowed begins; the yes is used up. */
  z.object({ type: z.literal('approval.taken'), approvalId: id }),
  z.object({ type: z.literal('decision.made'), decisionId: id }),
  z.object({ type: z.literal('note'), text: z.string() }),
  /** A person's words to the agents. Told by the answer in the thread. */
  z.object({ type: z.literal('guidance.given'), guidance: guidanceSchema }),
  /** An agent's conversation took them up, at the next turn it had. */
  z.object({ type: z.literal('guidance.read'), guidanceId: id, node: id, agent: z.string() }),
  /** An agent's words to others of its run; they read them at their next turn. */
  z.object({ type: z.literal('agent.told'), note: agentNoteSchema }),
  /** What an agent carries from step to step became too much for its model; tokens are estimated. */
  z.object({
    type: z.literal('context.compacted'),
    node: id,
    agent: z.string(),
    before: z.number().int(),
    after: z.number().int(),
    /** Messages of which a part was left out; and turns that were left out whole. */
    shortened: z.number().int(),
    dropped: z.number().int(),
  }),
  /** A person took a piece of work over from its agent, or gave it back or ended it. */
  z.object({ type: z.literal('work.taken'), node: id, by: z.string(), open: z.boolean() }),
  /** A person is asked to do a node's work; it is given to another; it has ended, however it did. */
  z.object({ type: z.literal('person.asked'), taskId: id, node: id, to: z.string() }),
  z.object({
    type: z.literal('person.given'),
    taskId: id,
    node: id,
    from: z.string(),
    to: z.string(),
    by: z.string(),
    /** Why whoever had it cannot do it; empty where it was simply handed over. */
    why: z.string(),
  }),
  /** `why`: the run went on, or ended, without it. */
  z.object({ type: z.literal('person.ended'), taskId: id, node: id, why: z.string().optional() }),
  /** A node failed, and this is what was done about it. */
  z.object({
    type: z.literal('error.handled'),
    node: id,
    action: z.enum(['retry', 'failover', 'degrade', 'escalate', 'skip']),
    reason: z.string(),
  }),
  /** A node waits for named resources, holds them, or its lease has been given back. */
  z.object({ type: z.literal('resource.waiting'), node: id, resources: z.array(z.string()) }),
  z.object({ type: z.literal('resource.held'), node: id, resources: z.array(z.string()) }),
  z.object({ type: z.literal('resource.released'), lease: id }),
  /** How the rest of a node's work goes was changed, by which rule and because of what; and somebody took that back. */
  z.object({
    type: z.literal('adaptation.made'),
    node: id,
    change: z.number().int(),
    what: z.string(),
    rule: z.string(),
    reason: z.string(),
  }),
  z.object({
    type: z.literal('adaptation.undone'),
    node: id,
    change: z.number().int(),
    what: z.string(),
    by: z.string(),
  }),
  /** A task was begun before others that could have been, and why. */
  z.object({ type: z.literal('task.scheduled'), node: id, task: id, reason: z.string() }),
  /** A soft constraint could not be kept, and what that costs. */
  z.object({
    type: z.literal('constraint.breached'),
    node: id,
    task: id,
    constraint: z.string(),
    cost: z.number(),
    reason: z.string(),
  }),
  /** A rule was looked at; one over a field that is not there does not match. */
  z.object({
    type: z.literal('rule.evaluated'),
    node: id,
    rule: z.string(),
    outcome: z.enum(['matched', 'false', 'absent']),
  }),
  /** A machine came to a state. `from` null: it began there. */
  z.object({
    type: z.literal('state.entered'),
    node: id,
    state: z.string(),
    from: z.string().nullable(),
    visit: z.number().int(),
    max: z.number().int(),
  }),
  /** Enough of the work side by side has ended; what becomes of the rest. */
  z.object({
    type: z.literal('join.passed'),
    node: id,
    from: z.array(z.string()),
    of: z.number().int(),
    rest: z.enum(['cancel', 'ignore', 'block']),
  }),
  /** Work ended after its join was passed: it no longer counts. */
  z.object({ type: z.literal('join.late'), node: id, branch: z.string() }),
  /** A signal brought one more item to a list under way. */
  z.object({ type: z.literal('item.added'), node: id, item: z.string() }),
  /** Who was given what, and what decided it. */
  z.object({
    type: z.literal('route.chosen'),
    node: id,
    agent: z.string(),
    by: z.enum(['rule', 'expertise', 'conductor', 'hub']),
    reason: z.string(),
  }),
  z.object({
    type: z.literal('vote.counted'),
    node: id,
    question: z.string(),
    method: z.enum(['majority', 'unanimous', 'weighted']),
    threshold: z.number(),
    /** Null: nobody won. */
    winner: z.string().nullable(),
    /** Part of the votes that count which the winner, or else the leader, has. */
    share: z.number(),
    ballots: z.array(ballotSchema),
  }),
  /** The branch of a run that has ended was pushed; what is said of it stands in its pull request. */
  z.object({
    type: z.literal('handed.over'),
    branch: z.string(),
    commit: z.string(),
    number: z.number().int(),
    url: z.string(),
    by: z.string(),
  }),
  z.object({
    type: z.literal('result'),
    /** `delivered`: people took what was there when its budget was used up. Runs before there was that said `failed`. */
    status: z.enum(['completed', 'delivered', 'failed', 'cancelled']),
    summary: z.string(),
    branch: z.string().nullable(),
    commit: z.string().nullable(),
    diff: diffStatSchema.nullable(),
    tests: z.object({ passed: z.number(), failed: z.number() }).nullable(),
    detail: jsonSchema.optional(),
    /** Who cancelled the plan, where somebody did. */
    by: z.string().optional(),
  }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;

/** An event as it is stored: numbered from 1 within its run, `at` in milliseconds since the epoch. */
export interface StoredEvent {
  readonly runId: string;
  readonly seq: number;
  readonly at: number;
  readonly event: RunEvent;
}
