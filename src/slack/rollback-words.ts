import type { RollbackRefusal } from '../domain/rollback.ts';
import { mk } from './text.ts';
import { answers } from './words.ts';

/** Why a run is not taken back, and what to do. @param detail what the reason is about: a branch, a state */
export function rollbackRefusedWords(why: RollbackRefusal, detail: string, requester: string): string {
  switch (why) {
    case 'unknown':
      return answers.runGone;
    case 'not_yours':
      return answers.onlyRequester(requester);
    case 'not_allowed':
      return answers.mayLook;
    case 'replaced':
      return 'Another run has taken its place. Ask for the rollback at the newest message of the epic. Nothing was changed.';
    case 'under_way':
      return 'It is under way. Pause it first (`/orchestrate pause`), then roll it back. Nothing was changed.';
    case 'nothing':
      return 'There is no state to go back to yet. Nothing was changed.';
    case 'asked_already':
      return 'A rollback of this run waits for an answer already; its card is in the thread. Nothing was changed.';
    case 'not_there':
      return 'There is no such state. `/orchestrate rollback` lists those there are. Nothing was changed.';
    case 'files_only':
      return mk`The run cannot go on from there: ${detail}. Choose an earlier state, or add \`files\` to put back the files alone. Nothing was changed.`;
    case 'at_budget':
      return answers.atBudget;
    case 'no_step':
      return 'No single step failed, so there is none to try again. Choose a state instead. Nothing was changed.';
    case 'branch_moved':
      return mk`Somebody put other commits on ${detail}, and they are not taken back. Move them to another branch, then ask again. Nothing was changed.`;
    default:
      return why satisfies never;
  }
}

export const ROLLBACK_ASKED =
  'Asked for. The card in the thread shows what would be lost; somebody else decides. Until then nothing changes.';
