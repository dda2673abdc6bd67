import { z } from 'zod';
import { BatonError } from '../../domain/failure.ts';
import type { Flow, Operation } from '../../ports/flow.ts';
import type { Guard, Wanted } from '../../ports/runner.ts';
import { parseJsonObject } from '../results.ts';
import { needSchema } from '../tools.ts';

/** How programs say that they cannot go on without another task: by an answer of this form in place of the result. */
const askedSchema = z.strictObject({ need: needSchema });

/** Times that one task may ask so: there are seldom more tasks beside it that matter. */
const MOST_NEEDS = 16;

/** What a program asked for, and what it is told of it when it goes on. */
export const neededSchema = z.object({ task: z.string(), why: z.string(), answer: z.string() });
export type Needed = z.infer<typeof neededSchema>;

/**
 * Waits for the task that an answer asks for; null where the answer is none of this kind, or no tasks stand beside this one.
 * @param before what was asked for so far
 * @throws BatonError terminal `turn_limit` when that is too much
 */
export function* awaitNeeded(
  answer: string,
  before: readonly Needed[],
  guard: Guard,
  flow: Flow,
): Operation<Needed | null> {
  if (guard.need === undefined) return null;
  const read = askedSchema.safeParse(parseJsonObject(answer));
  if (!read.success) return null;
  if (before.length >= MOST_NEEDS) throw tooMany(before.length);
  const wanted: Wanted = read.data.need;
  return { ...wanted, answer: yield* guard.need(wanted, flow) };
}

function tooMany(times: number): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'turn_limit',
    message: `The program asked ${times} times for other tasks without coming to an end. What it wrote is kept in the worktree.`,
    hint: 'Write what the task needs under `needs`, or ask for a smaller piece of work.',
  });
}
