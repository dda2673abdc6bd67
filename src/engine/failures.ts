import type { Failure } from '../domain/failure.ts';
import type { Outcome } from '../domain/run.ts';

/** Whether somebody can mend what stopped a step, so that it is worth keeping open. */
export function mendable({ class: kind }: Failure): boolean {
  return kind === 'needs_person' || kind === 'budget' || kind === 'transient' || kind === 'structural';
}

export function cancelledBy(reason: string): Failure {
  return { class: 'cancelled', code: 'cancelled', message: reason };
}

export function poisoned(label: string, crashes: number): Failure {
  return {
    class: 'structural',
    code: 'poison_step',
    message: `Baton stopped ${crashes} times while "${label}" was under way, so it is not tried again by itself`,
    hint: 'Press Retry to try it once more, or cancel the run.',
  };
}

export function noDuration(key: string): Outcome {
  return {
    ok: false,
    failure: { class: 'structural', code: 'bad_duration', message: `${key} has no length of time` },
  };
}
