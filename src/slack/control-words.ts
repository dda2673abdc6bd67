import type { Control } from '../domain/control.ts';
import { answers } from './words.ts';

type Verb = 'start' | 'cancel' | 'stop' | 'retry';

/** What a person reads after a button or command on a run. */
export function controlWords(verb: Verb, done: Control, requester: string): string {
  switch (done) {
    case 'done':
      return verb === 'stop' ? 'Stopped. Its branch and snapshots are kept.' : answers.working;
    case 'unknown':
      return answers.runGone;
    case 'not_yours':
      return answers.onlyRequester(requester);
    case 'already':
      return verb === 'start' || verb === 'cancel' ? answers.alreadyStarted : answers.alreadyEnded;
    case 'not_paused':
      return answers.notPaused;
    default:
      return done satisfies never;
  }
}
