import { answerBlocks } from '../src/slack/builders/answers.ts';
import { answers as words } from '../src/slack/words.ts';
import type { TurnAwayDeps } from './deps.ts';

export interface Attempt {
  readonly intent: string;
  readonly team: string;
  readonly user: string;
  /** Where it was tried; "" for a form, which is answered by direct message. */
  readonly channel: string;
  /** The button's or form's name. */
  readonly what: string;
  /** What it was said to be about. */
  readonly value: string;
}

/**
 * Somebody tried something on what is not there, or belongs to another workspace: nothing changes, the audit has it,
 * and they are told. Which of the two it was they are not told: of other workspaces nobody learns anything.
 */
export async function turnAway(
  { intent, team, user, channel, what, value }: Attempt,
  why: 'unknown' | 'other_team',
  deps: TurnAwayDeps,
): Promise<void> {
  await deps.audit.turnedAway({ team, user, place: channel, what, value, why }, deps.now());
  await deps.answers.send({ intent, team, user, channel }, answerBlocks(words.runGone, deps.rehearsal));
}
