import { BatonError } from '../domain/failure.ts';

/** The error of a step that was stopped: the reason given by whoever aborted, or `cancelled`. */
export function cancelled(signal: AbortSignal): BatonError {
  if (signal.reason instanceof BatonError) return signal.reason;
  return new BatonError({ class: 'cancelled', code: 'cancelled', message: 'The step was stopped.' });
}
