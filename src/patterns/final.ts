import { toFailure } from '../domain/failure.ts';

/** Whether a failure may not be passed over by going on with other work: the definition is wrong, or it was stopped. */
export function isFinal(error: unknown): boolean {
  const { class: of } = toFailure(error);
  return of === 'structural' || of === 'cancelled';
}
