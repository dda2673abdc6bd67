import { z } from 'zod';

/**
 * The class of a failure says what happens next:
 * transient: try again; terminal: do not; needs_person: pause and ask; budget: pause and ask for money;
 * cancelled: somebody stopped it; structural: the definition or the history is wrong, pause the run.
 */
export const failureClasses = [
  'transient',
  'terminal',
  'needs_person',
  'budget',
  'cancelled',
  'structural',
] as const;
export type FailureClass = (typeof failureClasses)[number];

/** A failure as data: what is journalled, shown to people and thrown into a pattern. */
export const failureSchema = z.object({
  class: z.enum(failureClasses),
  /** From the closed list of codes in docs/errors.md, or `unknown`. */
  code: z.string(),
  /** What happened, in words for people. */
  message: z.string(),
  /** What to do next, in words for people. */
  hint: z.string().optional(),
  /** Milliseconds the other side asked us to wait (Retry-After). */
  retryAfterMs: z.number().optional(),
});
export type Failure = z.infer<typeof failureSchema>;

/** The only error thrown on purpose: it carries its failure as data. */
export class BatonError extends Error {
  override readonly name = 'BatonError';
  readonly failure: Failure;
  constructor(failure: Failure, cause?: unknown) {
    super(failure.message, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}

/** Any thrown value as a failure. What nobody classified is terminal, and its text is kept short. */
export function toFailure(error: unknown): Failure {
  if (error instanceof BatonError) return error.failure;
  const message = error instanceof Error ? error.message : String(error);
  return { class: 'terminal', code: 'unknown', message: message.slice(0, 2_000) };
}
