import { z } from 'zod';
import { BatonError } from '../../domain/failure.ts';
import type { Handoff } from '../../domain/handoff.ts';
import { streamLabel } from '../../domain/stream.ts';
import { type DecisionSignal, openApproval } from '../../ports/activities.ts';
import type { Flow, Operation } from '../../ports/flow.ts';
import { mergeStream, takeIn } from '../../ports/stream-activities.ts';
import type { Choice, Conflict, ConflictRule, MergeOutcome } from '../../ports/workspace.ts';
import { awaitDecision } from '../await-decision.ts';
import type { RunContext } from '../pattern.ts';
import { leaveToAgents } from './conflict-agents.ts';
import { about, incoming, type Merging, present, unresolved } from './merging.ts';

/** Files people are asked about in one merge: beyond that the streams were cut wrongly, and somebody should look. */
const MOST_QUESTIONS = 20;
/** A merge is looked at anew when other work came between, but not for ever. */
const MOST_LOOKS = 5;

const waySchema = z.union([
  z.enum(['first', 'second', 'ask', 'stop']),
  z.strictObject({ agent: z.string() }),
]);
const itemSchema = z.union([
  waySchema,
  z.strictObject({ paths: z.array(z.string().min(1).max(200)).min(1).max(50), then: waySchema }),
]);
/** What is done about a file that two streams changed in the same places: the first item that fits its path. */
export const onConflictSchema = z
  .union([itemSchema.transform((item) => [item]), z.array(itemSchema).min(1).max(50)])
  .superRefine((items, context) => {
    const whole = items.findIndex((item) => typeof item === 'string' || !('paths' in item));
    if (whole >= 0 && whole < items.length - 1)
      context.addIssue({
        code: 'custom',
        message: 'Nothing comes after an item without `paths`: it fits every file. Write it last.',
      });
  });
export type OnConflict = z.infer<typeof onConflictSchema>;

/** People are asked unless the workflow says otherwise: neither side is dropped unseen. */
const ASK: ConflictRule = { paths: null, way: 'ask', agent: null };

export function rulesOf(items: OnConflict | undefined): ConflictRule[] {
  const rules = (items ?? []).map((item): ConflictRule => {
    const [paths, way] = typeof item === 'object' && 'paths' in item ? [item.paths, item.then] : [null, item];
    return typeof way === 'string' ? { paths, way, agent: null } : { paths, way: 'agent', agent: way.agent };
  });
  return [...rules, ASK];
}

/** Agents that resolve conflicts. */
export function resolversOf(items: OnConflict | undefined): string[] {
  return rulesOf(items).flatMap(({ agent }) => (agent === null ? [] : [agent]));
}

/**
 * Joins a stream into a worktree. What rules do not settle is asked of people, file by file, then left to agents; where
 * somebody says stop, or nobody could, nothing was changed. Errors: terminal `merge_conflict`, and those of an approval.
 */
export function* mergeIn(merging: Merging, input: Handoff, flow: Flow, context: RunContext): Operation<void> {
  let choices: Choice[] = [];
  const agents = new Map<string, string>();
  for (let looks = 0; looks < MOST_LOOKS; ) {
    const outcome = yield* mergeOnce(merging, choices, flow);
    if (outcome.status === 'merged') {
      if (outcome.files > 0 && merging.into === null) context.approved(null);
      return yield* leaveToAgents({ merging, outcome, agents }, input, flow, context);
    }
    refuseStops(merging, outcome.conflicts);
    for (const { path, agent } of outcome.conflicts) if (agent !== null) agents.set(path, agent);
    const answered = yield* chosen(merging, outcome, flow);
    choices = [...choices, ...answered.choices];
    // Whoever was turned away since a side had changed is there and looks again: that goes on as long as people do.
    if (!answered.outdated) looks += 1;
  }
  throw unresolved(merging, [], 'The files kept changing while it was decided');
}

function* mergeOnce(merging: Merging, choices: readonly Choice[], flow: Flow): Operation<MergeOutcome> {
  const { node, stream, into, rules } = merging;
  const at = yield* flow.now('at');
  const wanted = { node, rules: [...rules], choices: [...choices], at };
  if (stream === null)
    return yield* flow.step(
      'take-in',
      takeIn,
      { ...wanted, stream: about(merging) },
      { label: `taking in what was merged, for ${streamLabel(about(merging))}` },
    );
  return yield* flow.step(
    'merge',
    mergeStream,
    { ...wanted, stream, into },
    { label: `merging ${streamLabel(stream)}` },
  );
}

function refuseStops(merging: Merging, conflicts: readonly Conflict[]): void {
  const stops = conflicts.filter(({ way }) => way === 'stop');
  if (stops.length > 0) throw unresolved(merging, pathsOf(stops), 'The workflow stops at such a conflict');
  const asked = conflicts.filter(({ way }) => way === 'ask');
  if (asked.length > MOST_QUESTIONS)
    throw unresolved(merging, pathsOf(asked), `People are asked about ${MOST_QUESTIONS} files at most`);
}

function pathsOf(conflicts: readonly Conflict[]): string[] {
  return conflicts.map(({ path }) => path);
}

/** A choice for each conflict: of people where they are asked, left marked where an agent follows. `outdated`: not for all. */
function* chosen(
  merging: Merging,
  outcome: Extract<MergeOutcome, { status: 'conflict' }>,
  flow: Flow,
): Operation<{ readonly choices: Choice[]; readonly outdated: boolean }> {
  const choices: Choice[] = [];
  for (const conflict of outcome.conflicts) {
    const { path, first, second } = conflict;
    if (conflict.way === 'agent') choices.push({ path, take: 'marked' });
    else {
      const answer = yield* askPeople(merging, outcome, conflict, flow);
      // What was shown holds no longer: what meets now is looked at before anybody is asked about anything more.
      if (answer === null) return { choices, outdated: true };
      // Bound to what was shown: where a side has changed since, people are asked anew.
      choices.push({ path, ...answer, of: { first, second } });
    }
  }
  return { choices, outdated: false };
}

type Taken = { readonly take: 'first' | 'second' } | { readonly take: 'edited'; readonly text: string };

/** What somebody said of both sides; null: nothing that can be taken. */
function takenBy({ verdict, edited }: DecisionSignal): Taken | null {
  if (verdict === 'approve') return { take: 'first' };
  if (verdict !== 'request_changes') return null;
  return edited === undefined ? { take: 'second' } : { take: 'edited', text: edited };
}

/** Null: a side changed while people looked at it, and nobody's answer counts. */
function* askPeople(
  merging: Merging,
  { before, second }: { readonly before: string; readonly second: string },
  { path, kind }: Conflict,
  flow: Flow,
): Operation<Taken | null> {
  const at = yield* flow.now('asked-at');
  const { node, into, stream: from } = merging;
  const label = incoming(merging);
  const opened = yield* flow.step(
    'ask-side',
    openApproval,
    {
      node,
      title: `Which ${path}?`,
      why: `${label} and ${present(merging)} both changed this file in the same places (${kind}).`,
      risk: 'The side that is not taken stays in its snapshot, under refs/baton/.',
      round: 1,
      // The choice is used by the merge going on.
      policy: { executeWithinMs: 0, onTimeout: 'stop' },
      subject: {
        kind: 'conflict',
        stream: into,
        path,
        what: kind,
        before,
        second,
        firstName: present(merging),
        secondName: label,
        from,
      },
      at,
    },
    { label: `asking which ${path} to keep` },
  );
  const answer = yield* awaitDecision('side', { ...opened, askedAt: at }, flow);
  if (answer?.verdict === 'content_changed') return null;
  const taken = answer === null ? null : takenBy(answer);
  if (answer !== null && taken !== null) {
    yield* flow.emit({
      type: 'conflict.resolved',
      node,
      stream: about(merging),
      path,
      took: taken.take,
      by: 'person',
      who: answer.by,
    });
    return taken;
  }
  throw new BatonError({
    class: 'terminal',
    code: answer === null ? 'approval_timeout' : 'approval_rejected',
    message:
      answer === null
        ? `Nobody chose a side of ${path} in time`
        : `It was stopped at the conflict in ${path}`,
    hint: 'Nothing was overwritten: every stream is kept under refs/baton/tip/.',
  });
}
