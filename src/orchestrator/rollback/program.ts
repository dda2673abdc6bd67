import { type Failure, toFailure } from '../../domain/failure.ts';
import type { Json } from '../../domain/json.ts';
import type { RunSpec } from '../../domain/run.ts';
import type { Flow, Operation, Program, StepOptions } from '../../ports/flow.ts';
import { decisionInTime } from '../decision-in-time.ts';
import {
  askRollback,
  endTarget,
  goOn,
  keepLost,
  openAgain,
  putBack,
  type RollbackInput,
  rollbackInputSchema,
  takeRollback,
} from './contracts.ts';

export const ROLLBACK_PROGRAM = 'rollback';
const VERSION = 1;

/**
 * A rollback from asking to the end, as a run of its own: each deed is a step that may be repeated, so a kill between any
 * two of them leads to one effect. What is lost is kept before the yes is used, and the yes is used before anything changes.
 */
export const rollbackProgram: Program = {
  name: ROLLBACK_PROGRAM,
  version: VERSION,
  *run(_definition, input, flow) {
    return yield* rollback(rollbackInputSchema.parse(input), flow);
  },
};

export function rollbackSpec(input: RollbackInput): RunSpec {
  return {
    program: ROLLBACK_PROGRAM,
    programVersion: VERSION,
    definition: {},
    input: { ...input, point: { ...input.point } },
    hash: `${ROLLBACK_PROGRAM}@${VERSION}`,
  };
}

function* rollback(request: RollbackInput, flow: Flow): Operation<Json> {
  try {
    const { outcome, says } = yield* asked(request, flow);
    yield* flow.emit({ type: 'note', text: says });
    return { outcome };
  } catch (error) {
    // It never pauses: nobody would look for it, and what it is about has buttons of its own.
    yield* flow.emit({ type: 'note', text: notFinished(toFailure(error)) });
    return { outcome: 'failed' };
  }
}

interface End {
  readonly outcome: 'done' | 'not_done';
  readonly says: string;
}

const notDone = (says: string): End => ({ outcome: 'not_done', says });

function* asked(request: RollbackInput, flow: Flow): Operation<End> {
  const at = yield* flow.now('asked-at');
  const options: StepOptions = { label: 'looking at what would be lost', giveUp: 'throw' };
  const opened = yield* flow.step('ask', askRollback, { request, at }, options);
  const { approvalId } = opened;
  const answer = yield* decisionInTime({ ...opened, askedAt: at }, flow);
  if (answer === null) return notDone('Nobody decided on the rollback in time. Nothing was changed.');
  if (answer.verdict === 'content_changed')
    return notDone(
      'The rollback was not done: something changed after it was shown. Nothing was taken back. Ask for it again to see what would be lost now.',
    );
  if (answer.verdict !== 'approve') {
    const why = answer.comment === null ? '' : ` (${answer.comment})`;
    return notDone(`The rollback was not allowed${why}. Nothing was changed.`);
  }
  return yield* carriedOut(request, approvalId, flow);
}

function* carriedOut(request: RollbackInput, approvalId: string, flow: Flow): Operation<End> {
  const at = yield* flow.now('at');
  const step = (label: string): StepOptions => ({ label, giveUp: 'throw' });
  const about = { request, approvalId, at };
  const { ref, after, files } = yield* flow.step('keep', keepLost, about, step('keeping what would be lost'));
  const { refused } = yield* flow.step('take', takeRollback, about, step('using the yes'));
  if (refused !== null)
    return notDone(
      `The rollback was allowed and not done: ${WHY[refused] ?? 'the yes does not hold any more'}. Nothing was taken back.`,
    );
  const deed = { ...about, lost: ref, after };
  if (request.level === 'snapshot') yield* flow.step('files', putBack, deed, step('putting the files back'));
  else {
    yield* flow.step('end', endTarget, deed, step('ending the run as it was'));
    yield* flow.step('worktree', openAgain, deed, step('making the worktree'));
    yield* flow.step('go-on', goOn, deed, step('going on from there'));
  }
  return { outcome: 'done', says: doneWords(request, ref, files) };
}

function doneWords({ level, point, target }: RollbackInput, ref: string, files: number): string {
  const kept = `What was there before is kept: git switch -c before-rollback ${ref} brings it back, and the record of ${target} stays.`;
  const went = files === 1 ? '1 file went back' : `${files} files went back`;
  switch (level) {
    case 'step':
      return `The step that failed is tried again; everything done before it is kept. ${kept}`;
    case 'state':
      return `Rolled back to ${point.label}: ${went}, and the work goes on from there. ${kept}`;
    case 'snapshot':
      return `The files are as they were ${point.label}: ${went}. The run itself stays where it is. ${kept}`;
    case 'full':
      return `Begun anew from its base, on the same plan: ${went}. ${kept}`;
    default:
      return level satisfies never;
  }
}

function notFinished({ message, hint }: Failure): string {
  return `The rollback could not be finished: ${message} Nothing is lost: every state is kept under refs/baton/. ${hint ?? 'Ask for it again.'}`;
}

const WHY: Readonly<Record<string, string>> = {
  lapsed: 'the time in which it could be done ran out',
  content_changed: 'something changed after it was shown',
  right_lost: 'those who allowed it may not do so any more',
  already_taken: 'the yes was used already',
  not_approved: 'it was withdrawn',
};
