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

/**
 * Any thrown value as a failure. A machine that has run out of something is not the work's fault: tried again, then
 * paused. What nobody classified is terminal, and its text is kept short.
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof BatonError) return error.failure;
  if (error instanceof z.ZodError) return { class: 'terminal', code: 'unknown', message: misshapen(error) };
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 2_000);
  const hint =
    error instanceof Error && 'code' in error ? MACHINE_TROUBLE.get(String(error.code)) : undefined;
  if (hint !== undefined) return { class: 'transient', code: 'workspace_trouble', message, hint };
  return { class: 'terminal', code: 'unknown', message };
}

const NO_SPACE = 'The disk is full. Free some space, then press Retry; nothing was lost.';
const NO_DISK = 'The disk cannot be written. Look after it, then press Retry; nothing was lost.';
const TOO_MUCH = 'This machine is out of open files or memory. Close something, then press Retry.';
/** Codes of the system and of SQLite, with what to do about them. */
const MACHINE_TROUBLE: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', NO_SPACE],
  ['EDQUOT', NO_SPACE],
  ['SQLITE_FULL', NO_SPACE],
  ['EIO', NO_DISK],
  ['EROFS', NO_DISK],
  ['SQLITE_IOERR', NO_DISK],
  ['SQLITE_IOERR_WRITE', NO_DISK],
  ['SQLITE_IOERR_FSYNC', NO_DISK],
  ['SQLITE_READONLY', NO_DISK],
  ['SQLITE_BUSY', 'The database is locked by another program. Close it, then press Retry; nothing was lost.'],
  ['EMFILE', TOO_MUCH],
  ['ENFILE', TOO_MUCH],
  ['ENOMEM', TOO_MUCH],
  ['EAGAIN', TOO_MUCH],
]);

/** What zod found, in one line: its own message is JSON. */
function misshapen({ issues }: z.ZodError): string {
  const found = issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.map(String).join('.') || 'it'}: ${message}`);
  return `Something did not have the shape it should have (${found.join('; ')})`.slice(0, 2_000);
}
