import type { Failure } from '../domain/failure.ts';
import type { Outcome } from '../domain/run.ts';
import type { GiveUp } from '../ports/flow.ts';

/**
 * Whether a failed step is kept open and its run paused: where somebody can mend what stopped it, and its pattern has no
 * other way. For money there is none: whatever the pattern did instead would use some, too.
 */
export function pauses({ class: kind }: Failure, giveUp: GiveUp): boolean {
  if (kind === 'budget') return true;
  return giveUp === 'pause' && (kind === 'needs_person' || kind === 'transient' || kind === 'structural');
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
