import type { Control, StartRefusal } from '../domain/control.ts';
import { answers } from './words.ts';

type Verb = 'start' | 'cancel' | 'plan' | 'stop' | 'pause' | 'resume' | 'retry' | 'undo';

/** What a person reads after a button or command on a run. */
export function controlWords(verb: Verb, done: Control, requester: string): string {
  switch (done) {
    case 'done':
      return doneWords(verb);
    case 'unknown':
      return answers.runGone;
    case 'not_yours':
      return answers.onlyRequester(requester);
    case 'not_allowed':
      return answers.mayLook;
    case 'already':
      return alreadyWords(verb);
    case 'replaced':
      return answers.planReplaced;
    case 'at_budget':
      return answers.atBudget;
    case 'not_paused':
      return answers.notPaused;
    default:
      return done satisfies never;
  }
}

/** Why nothing was started, and whom to ask. */
export function startRefusalWords(refusal: StartRefusal): string {
  switch (refusal) {
    case 'guest':
      return 'Guests cannot start work here. Ask a member of this workspace to start it. Nothing was started.';
    case 'stranger':
      return 'People of other organisations cannot start work here. Ask a member of this workspace. Nothing was started.';
    case 'not_a_person':
      return 'Only people can start work here. Nothing was started.';
    case 'repository':
      return 'Baton may not work in that repository. Whoever runs Baton can allow it under `repositories:` in baton.yaml. Nothing was started.';
    case 'unreadable':
      return 'Nobody can start or look at work here at the moment: the part `access` of baton.yaml cannot be read. Whoever runs Baton has to put it right; it says the line when it starts. Nothing was changed.';
    case 'look':
      return 'You are not among those who may look at work here. Whoever runs Baton can name you under `access:` in baton.yaml. Nothing was changed.';
    case 'role':
      return 'You are not among those who may start work here. Whoever runs Baton can name you under `access:` in baton.yaml. Nothing was started.';
    default:
      return refusal satisfies never;
  }
}

/** Why somebody may not look either. */
export function lookRefusalWords(refusal: StartRefusal): string {
  switch (refusal) {
    case 'guest':
      return 'Guests cannot look at work here, or change it, unless whoever runs Baton allows it under `access:` in baton.yaml. Nothing was changed.';
    case 'stranger':
      return 'People of other organisations cannot look at work here, or change it, unless whoever runs Baton allows it under `access:` in baton.yaml. Nothing was changed.';
    case 'not_a_person':
      return 'Only people can do that. Nothing was changed.';
    case 'unreadable':
      return startRefusalWords(refusal);
    case 'repository':
    case 'role':
    case 'look':
      return startRefusalWords('look');
    default:
      return refusal satisfies never;
  }
}

function doneWords(verb: Verb): string {
  switch (verb) {
    case 'stop':
      return 'Stopped. Its branch and snapshots are kept.';
    case 'pause':
      return 'Paused. What was under way finishes, and nothing new starts. `/orchestrate resume` goes on.';
    case 'resume':
      return 'Going on.';
    case 'undo':
      return 'Noted. What has not begun goes on as before from the next sync point; what was done is kept.';
    default:
      return answers.working;
  }
}

function alreadyWords(verb: Verb): string {
  if (verb === 'start' || verb === 'cancel' || verb === 'plan') return answers.alreadyStarted;
  return verb === 'pause' ? answers.alreadyPaused : answers.alreadyEnded;
}
