import { type Failure, toFailure } from '../domain/failure.ts';

/** A person said no, asked for what was not done, or did not answer: no chain may take that for a mere mishap. */
const PEOPLE_DECIDED: ReadonlySet<string> = new Set([
  'approval_rejected',
  'approval_changes',
  'approval_timeout',
  'person_timeout',
  'budget_delivered',
]);

/**
 * Whether a failure may not be passed over by trying again or by going on with other work: the definition is wrong, it
 * was stopped, or people did not allow it.
 */
export function isFinal(error: unknown): boolean {
  return isFinalFailure(toFailure(error));
}

export function isFinalFailure({ class: of, code }: Failure): boolean {
  return of === 'structural' || of === 'cancelled' || PEOPLE_DECIDED.has(code);
}
