import { z } from 'zod';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { BatonError, type Failure, toFailure } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import { type Uses, usesSchema } from '../domain/resources.ts';
import { nextRetry, type RetryPolicy } from '../domain/retry.ts';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import { openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { awaitDecision } from './await-decision.ts';
import { controlShape } from './control.ts';
import { isFinalFailure } from './final.ts';
import type { RunContext } from './pattern.ts';
import { throwingFlow } from './throwing-flow.ts';

/** Three tries and 2^n seconds, as the documents ask for, when a chain says only `retry`. */
export const RETRY = { tries: 3, base: '1s', max: '1m' } as const;
/** The same failure this often running is not chance: nobody tries on without a person. */
const SAME_FAILURE = 3;

const words = ['retry', 'failover', 'degrade', 'escalate', 'skip', 'stop'] as const;
const itemSchema = z.union([
  z.enum(words),
  z.strictObject({
    retry: z.strictObject({
      tries: z.number().int().min(1).max(20).default(RETRY.tries),
      base: durationSchema.default(RETRY.base),
      max: durationSchema.default(RETRY.max),
    }),
  }),
  z.strictObject({ failover: z.string() }),
]);
type Item = z.infer<typeof itemSchema>;

/** What happens when a node fails, in order; it ends in `skip` or `stop`, and `stop` is what is meant by silence. */
const onErrorSchema = z
  .union([itemSchema.transform((item) => [item]), z.array(itemSchema).min(1).max(10)])
  .superRefine((chain, context) => {
    const end = chain.findIndex((item) => item === 'skip' || item === 'stop');
    if (end >= 0 && end < chain.length - 1)
      context.addIssue({
        code: 'custom',
        message: `Nothing comes after "${chain[end] === 'skip' ? 'skip' : 'stop'}": it ends the chain. Write it last.`,
      });
  });
export type OnError = z.infer<typeof onErrorSchema>;

/** What every node may say of itself. Patterns spread it into their schema. */
export const commonShape = {
  id: nodeSchema.shape.id,
  /** On a node with nodes below it, the chain is theirs unless they have one of their own. */
  on_error: onErrorSchema.optional(),
  /** The whole node, retries included. */
  timeout: durationSchema.optional(),
  /** Named resources, reserved before the node starts and held until it ends. */
  uses: usesSchema.optional(),
  ...controlShape,
} as const;

const given = z.looseObject({
  on_error: onErrorSchema.optional().catch(undefined),
  timeout: durationSchema.optional().catch(undefined),
  uses: usesSchema.optional().catch(undefined),
});

/** The chain a node has of its own, its time limit in milliseconds, and what it uses. */
export interface Common {
  readonly chain: OnError | null;
  readonly timeoutMs: number | null;
  readonly uses: Uses | null;
}

/** A command's time is its own: it is stopped and says so. The node's comes after, for what stopping may take. */
const COMMAND_GRACE_MS = 60_000;

const nothing: Common = { chain: null, timeoutMs: null, uses: null };

export function commonOf(node: Node): Common {
  if (node['on_error'] === undefined && node['timeout'] === undefined && node['uses'] === undefined)
    return nothing;
  const { on_error: chain, timeout, uses } = given.parse(node);
  const grace = node.kind === 'command' ? COMMAND_GRACE_MS : 0;
  return {
    chain: chain ?? null,
    timeoutMs: timeout === undefined ? null : durationMs(timeout) + grace,
    uses: uses ?? null,
  };
}

/** Agents that a node's chain names as stand-ins. */
export function standInsOf(node: Node): string[] {
  return (commonOf(node).chain ?? []).flatMap((item) =>
    typeof item === 'object' && 'failover' in item ? [item.failover] : [],
  );
}

export interface Attempt {
  /** Runs the node, or the one that stands in for it. `name` keeps attempts apart. */
  readonly run: (node: Node, input: Handoff, flow: Flow, name: string) => Operation<Handoff>;
  /** Who takes over from the node's agent: its backup. Null when there is none. */
  readonly backup: (node: Node) => string | null;
  /** A simpler form of the node. Null when there is none. */
  readonly simpler: (node: Node) => Node | null;
}

/**
 * Runs a node with its chain. Whatever is tried is told. A failure that a person or time must mend (no key, no money,
 * a service that stays away) pauses the run at the end of the chain; any other is thrown.
 */
export function* withChain(
  node: Node,
  chain: OnError,
  input: Handoff,
  flow: Flow,
  context: RunContext,
  attempt: Attempt,
): Operation<Handoff> {
  const bold = throwingFlow(flow);
  const first = yield* tried(attempt.run(node, input, bold, 'try'));
  if (first.ok) return first.handoff;
  let failure = first.failure;
  for (const [index, item] of chain.entries()) {
    if (isFinalFailure(failure)) break;
    const step: Step = { node, input, failure, flow: bold, name: `chain-${index + 1}`, context, attempt };
    const end = yield* oneItem(item, step);
    if (end === null) continue;
    if (end.ok) return end.handoff;
    failure = end.failure;
  }
  const { class: kind } = failure;
  if (kind === 'transient' || kind === 'needs_person') return yield* attempt.run(node, input, flow, 'last');
  throw new BatonError(failure);
}

type End =
  | { readonly ok: true; readonly handoff: Handoff }
  | { readonly ok: false; readonly failure: Failure };

interface Step {
  readonly node: Node;
  readonly input: Handoff;
  readonly failure: Failure;
  readonly flow: Flow;
  readonly name: string;
  readonly context: RunContext;
  readonly attempt: Attempt;
}

/** Null: the item does not apply here, and the next one is looked at. */
function* oneItem(item: Item, step: Step): Operation<End | null> {
  if (typeof item === 'object' && 'retry' in item) return yield* retry(item.retry, step);
  if (typeof item === 'object') return yield* failover(item.failover, step);
  switch (item) {
    case 'retry':
      return yield* retry(RETRY, step);
    case 'failover':
      return yield* failover(step.attempt.backup(step.node), step);
    case 'degrade':
      return yield* degrade(step);
    case 'escalate':
      return yield* escalate(step);
    case 'skip':
      yield* tell(step, 'skip', step.failure.message);
      yield* step.flow.emit({
        type: 'node.finished',
        node: step.node.id,
        status: 'skipped',
        summary: step.failure.message,
      });
      return {
        ok: true,
        handoff: {
          ...step.input,
          warnings: [...step.input.warnings, `${step.node.id} was skipped: ${step.failure.message}`],
        },
      };
    case 'stop':
      return null;
    default:
      return item satisfies never;
  }
}

function* retry(
  how: { readonly tries: number; readonly base: string; readonly max: string },
  step: Step,
): Operation<End> {
  const policy: RetryPolicy = {
    tries: how.tries + 1,
    baseMs: durationMs(how.base),
    maxMs: durationMs(how.max),
  };
  let { failure } = step;
  let same = 1;
  for (let n = 1; n <= how.tries; n += 1) {
    // The pattern decided to try again, whatever the class: what is left to ask is how long to wait.
    const decision = nextRetry(
      { ...failure, class: 'transient' },
      n,
      policy,
      yield* step.flow.random(`${step.name}-jitter-${n}`),
    );
    if (decision.kind === 'give_up') break;
    yield* tell(
      { ...step, failure },
      'retry',
      `try ${n} of ${how.tries} after ${Math.round(decision.delayMs / 100) / 10} s: ${failure.message}`,
    );
    yield* step.flow.sleep(`${step.name}-wait-${n}`, decision.delayMs);
    const end = yield* tried(step.attempt.run(step.node, step.input, step.flow, `${step.name}-retry-${n}`));
    if (end.ok || isFinalFailure(end.failure)) return end;
    same = signature(end.failure) === signature(failure) ? same + 1 : 1;
    failure = end.failure;
    if (same >= SAME_FAILURE) return yield* escalate({ ...step, failure, name: `${step.name}-same` });
  }
  return { ok: false, failure };
}

/** Two failures are the same when code and words are, numbers and hashes aside. */
function signature({ code, message }: Failure): string {
  return `${code} ${message.replace(/\b[0-9a-f]{7,}\b|\d+/g, '#')}`;
}

function* failover(agent: string | null, step: Step): Operation<End | null> {
  if (agent === null || typeof step.node['agent'] !== 'string' || step.node['agent'] === agent) return null;
  yield* tell(step, 'failover', `${agent} takes over: ${step.failure.message}`);
  return yield* tried(step.attempt.run({ ...step.node, agent }, step.input, step.flow, step.name));
}

function* degrade(step: Step): Operation<End | null> {
  const simpler = step.attempt.simpler(step.node);
  if (simpler === null) return null;
  yield* tell(step, 'degrade', `done in a simpler way (${simpler.kind}): ${step.failure.message}`);
  return yield* tried(step.attempt.run(simpler, step.input, step.flow, step.name));
}

/** A person says whether it is tried once more, with words of theirs if they like, or stopped. */
function* escalate(step: Step): Operation<End> {
  yield* tell(step, 'escalate', step.failure.message);
  const at = yield* step.flow.now(`${step.name}-asked-at`);
  const { id } = step.node;
  const opened = yield* step.flow.step(
    `${step.name}-ask`,
    openApproval,
    {
      node: id,
      title: `"${id}" failed. Try it once more?`,
      why: step.failure.message,
      risk: step.failure.hint ?? 'What was done so far is kept either way.',
      round: 1,
      // The yes is used by the very next try; without one the failure stands.
      policy: { onTimeout: 'stop', executeWithinMs: 0 },
      subject: { kind: 'failure', code: step.failure.code, message: step.failure.message },
      at,
    },
    { label: 'asking what to do' },
  );
  const answer = yield* awaitDecision(`${step.name}-answer`, { ...opened, askedAt: at }, step.flow);
  if (answer === null || (answer.verdict !== 'approve' && answer.verdict !== 'request_changes'))
    return { ok: false, failure: { ...step.failure, class: 'terminal' } };
  const wanted = answer.comment === null ? [] : [answer.comment];
  const input: Handoff = {
    ...step.input,
    validation: {
      ...step.input.validation,
      findings: [...step.input.validation.findings, step.failure.message, ...wanted],
    },
  };
  return yield* tried(step.attempt.run(step.node, input, step.flow, `${step.name}-again`));
}

function* tell(
  { node, flow }: Step,
  action: 'retry' | 'failover' | 'degrade' | 'escalate' | 'skip',
  reason: string,
): Operation<void> {
  yield* flow.emit({ type: 'error.handled', node: node.id, action, reason });
}

function* tried(work: Operation<Handoff>): Operation<End> {
  try {
    return { ok: true, handoff: yield* work };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}
