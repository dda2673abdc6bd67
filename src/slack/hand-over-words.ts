import type { HandOverAnswer, HandOverRefusal } from '../domain/hand-over.ts';
import { answers } from './words.ts';

/** What a person reads who wants a run handed over. */
export function handOverWords(answer: HandOverAnswer, requester: string): string {
  return answer.done === 'begun' ? BEGUN : refusedWords(answer.why, requester);
}

const BEGUN =
  'Being handed over: the branch is pushed, and a pull request opened or brought up to date. The thread tells what came of it.';

function refusedWords(why: HandOverRefusal, requester: string): string {
  switch (why) {
    case 'unknown':
      return answers.runGone;
    case 'not_yours':
      return answers.onlyRequester(requester);
    case 'not_allowed':
      return answers.mayLook;
    case 'replaced':
      return 'Another run has taken its place. Hand over at the newest message of the epic. Nothing was pushed.';
    case 'under_way':
      return 'It has not ended yet. Hand it over when it has. Nothing was pushed.';
    case 'nothing':
      return 'It has no branch, so there is nothing to hand over.';
    case 'asked_already':
      return 'It is being handed over or taken back just now; the thread tells what comes of it. Nothing more was begun.';
    default:
      return why satisfies never;
  }
}
