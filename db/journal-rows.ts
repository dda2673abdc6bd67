import { z } from 'zod';
import { BatonError, failureSchema } from '../src/domain/failure.ts';
import type { Json } from '../src/domain/json.ts';
import { runSpecSchema, runStatuses } from '../src/domain/run.ts';

/** The shapes in which the journal's tables are read. */
export const runRow = z.object({ status: z.enum(runStatuses), spec: z.string(), signalled: z.number() });
export const statusRow = z.object({ status: z.enum(runStatuses), outcome: z.string().nullable() });
export const stepRows = z.array(z.object({ key: z.string(), outcome: z.string() }));
export const timerRows = z.array(z.object({ key: z.string(), fire_at: z.number() }));
export const signalRows = z.array(z.object({ id: z.number(), name: z.string(), payload: z.string() }));
export const idRows = z.array(z.string());
export const momentRow = z.number().nullish();

/**
 * What JSON.parse gave is JSON by construction. Walking all of it once more, as the domain's schema does, costs
 * more than everything else of a load, and overflows the stack on a definition nested a thousand deep.
 */
const parsedJson = z.custom<Json>((value) => value !== undefined);
const specText = runSpecSchema.extend({ definition: parsedJson, input: parsedJson });
const outcomeText = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: parsedJson }),
  z.object({ ok: z.literal(false), failure: failureSchema }),
]);

export function parseSpec(text: string) {
  return specText.parse(JSON.parse(text));
}

export function parseOutcome(text: string) {
  return outcomeText.parse(JSON.parse(text));
}

export function parsePayload(text: string): Json {
  return parsedJson.parse(JSON.parse(text));
}

/**
 * Reads a run's rows. A row that is not what the journal writes is that run's misfortune alone.
 * @throws BatonError `run_unreadable`; what the database itself throws passes through
 */
export function reading<T>(runId: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof z.ZodError || error instanceof SyntaxError)) throw error;
    throw new BatonError(
      {
        class: 'structural',
        code: 'run_unreadable',
        message: `The journal of ${runId} cannot be read`,
        hint: 'Nothing of it was changed. Cancel the run, or restore a backup of the database.',
      },
      error,
    );
  }
}
