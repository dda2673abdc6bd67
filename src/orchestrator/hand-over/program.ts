import { type Failure, toFailure } from '../../domain/failure.ts';
import { asJson, type Json } from '../../domain/json.ts';
import type { RunSpec } from '../../domain/run.ts';
import type { Flow, Operation, Program, StepOptions } from '../../ports/flow.ts';
import { decisionInTime } from '../decision-in-time.ts';
import {
  askHandOver,
  type HandOverInput,
  handOverInputSchema,
  openPullRequest,
  pushBranch,
  takeHandOver,
} from './contracts.ts';

export const HAND_OVER_PROGRAM = 'hand-over';
const VERSION = 1;
/** Questions about one hand-over: what changes each time it is shown is not shown for ever. */
const MOST_QUESTIONS = 3;
const CHANGED = 'The branch, or where it goes, changed after it was shown, so the answer does not hold.';

/**
 * Handing a run over, as a run of its own: what was asked, the push and the pull request are steps that may be repeated, so a
 * kill between any two of them leads to one branch and one pull request.
 */
export const handOverProgram: Program = {
  name: HAND_OVER_PROGRAM,
  version: VERSION,
  *run(_definition, input, flow) {
    return yield* handOver(handOverInputSchema.parse(input), flow);
  },
};

export function handOverSpec(input: HandOverInput): RunSpec {
  return {
    program: HAND_OVER_PROGRAM,
    programVersion: VERSION,
    definition: {},
    input: asJson({ ...input }),
    hash: `${HAND_OVER_PROGRAM}@${VERSION}`,
  };
}

function* handOver(request: HandOverInput, flow: Flow): Operation<Json> {
  try {
    const says = yield* asked(request, flow);
    if (says !== null) yield* flow.emit({ type: 'note', text: says });
    return { outcome: says === null ? 'done' : 'not_done' };
  } catch (error) {
    // It never pauses: nobody would look for it, and its button is still there.
    yield* flow.emit({ type: 'note', text: notFinished(toFailure(error)) });
    return { outcome: 'failed' };
  }
}

/** @returns why it was not done, or what was done in place of it; null when there is a pull request */
function* asked(request: HandOverInput, flow: Flow): Operation<string | null> {
  for (let questions = 1; ; questions += 1) {
    const allowed = yield* allow(request, flow);
    if (allowed.status === 'no') return allowed.why;
    if (allowed.status === 'yes') return yield* carriedOut(request, allowed, flow);
    if (questions === MOST_QUESTIONS)
      return `${CHANGED} Nothing was pushed; hand over again when it stays as it is.`;
    yield* flow.emit({
      type: 'note',
      text: `${CHANGED} Nothing was pushed; it is asked again about what it is now.`,
    });
  }
}

type Allowed =
  | { readonly status: 'yes'; readonly commit: string; readonly address?: string | null; readonly at: number }
  | { readonly status: 'no'; readonly why: string }
  | { readonly status: 'changed' };

/** Asks where the policy wants it, and uses the yes. */
function* allow(request: HandOverInput, flow: Flow): Operation<Allowed> {
  const no = (why: string): Allowed => ({ status: 'no', why });
  const at = yield* flow.now('asked-at');
  const looking = step('looking at the branch');
  const { commit, address, asked } = yield* flow.step('ask', askHandOver, { request, at }, looking);
  if (asked === null) return { status: 'yes', commit, ...(address === undefined ? {} : { address }), at };
  const answer = yield* decisionInTime({ ...asked, askedAt: at }, flow);
  if (answer?.verdict === 'content_changed') return { status: 'changed' };
  if (answer?.verdict !== 'approve') return no(whyNot(answer?.comment ?? null, answer === null));
  const taken = { request, approvalId: asked.approvalId, at: yield* flow.now('at') };
  const { refused } = yield* flow.step('take', takeHandOver, taken, step('using the yes'));
  if (refused === 'content_changed') return { status: 'changed' };
  if (refused !== null)
    return no(
      `It was allowed and not handed over: ${WHY[refused] ?? 'the yes does not hold any more'}. Nothing was pushed.`,
    );
  return { status: 'yes', commit, ...(address === undefined ? {} : { address }), at };
}

function* carriedOut(
  request: HandOverInput,
  { commit, address, at }: Extract<Allowed, { status: 'yes' }>,
  flow: Flow,
): Operation<string | null> {
  const shown = { request, commit, address };
  const pushed = yield* flow.step('push', pushBranch, { ...shown, at }, step('pushing the branch'));
  if (pushed.status === 'patch')
    return `Nothing was pushed: ${pushed.why}. ${request.branch} is kept in the repository at ${commit.slice(0, 12)}, and its patch in Baton's folder, under patches/. ${NEXT}`;
  const opened = yield* flow.step('pull-request', openPullRequest, shown, step('opening the pull request'));
  const { number, url } = opened;
  yield* flow.emit({ type: 'handed.over', branch: request.branch, commit, number, url, by: request.by });
  return null;
}

function step(label: string): StepOptions {
  return { label, giveUp: 'throw' };
}

const NEXT = 'Set GITHUB_TOKEN and an origin on GitHub, then hand over again, or apply the patch yourself.';

function whyNot(comment: string | null, isLate: boolean): string {
  if (isLate) return 'Nobody decided in time whether it is handed over. Nothing was pushed.';
  return `It was not allowed to be handed over${comment === null ? '' : ` (${comment})`}. Nothing was pushed.`;
}

function notFinished({ message, hint }: Failure): string {
  return `The hand-over could not be finished: ${message} ${hint ?? 'Hand over again: what is there already is found.'}`;
}

const WHY: Readonly<Record<string, string>> = {
  lapsed: 'the time in which it could be done ran out',
  right_lost: 'those who allowed it may not do so any more',
  already_taken: 'the yes was used already',
  not_approved: 'it was withdrawn',
};
