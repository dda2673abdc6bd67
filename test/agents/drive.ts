import type { RunEvent } from '../../src/domain/events.ts';
import { toFailure } from '../../src/domain/failure.ts';
import { asJson, type Json } from '../../src/domain/json.ts';
import type { Usage } from '../../src/domain/usage.ts';
import { createFlow } from '../../src/engine/flow.ts';
import type { Activity } from '../../src/ports/activity.ts';
import type { Flow, Operation } from '../../src/ports/flow.ts';

/** What a run left behind; give its `journal` to the next drive and it is replayed from it. */
export interface Trace {
  readonly journal: Map<string, Json>;
  readonly labels: string[];
  readonly keys: string[];
  readonly events: RunEvent[];
  readonly usage: Usage[];
  /** How often each effect was begun. */
  readonly performed: string[];
  /** Milliseconds that would have been waited between attempts. */
  readonly waited: number[];
  /** Number of the first attempt at what is not in the journal yet: 2 after a crash in the middle of it. */
  attempt: number;
}

export function newTrace(journal = new Map<string, Json>(), attempt = 1): Trace {
  return { journal, labels: [], keys: [], events: [], usage: [], performed: [], waited: [], attempt };
}

export class Crash extends Error {}

/**
 * Drives a generator that asks for steps and events only. Transient failures are tried again at once (the wait is noted);
 * a value already in the journal is given back without the effect.
 * @param crashAt the effect, counted from 1, before whose recording the process dies
 */
export async function drive<T>(
  body: (flow: Flow) => Operation<T>,
  activities: readonly Activity[],
  trace: Trace = newTrace(),
  crashAt = Number.POSITIVE_INFINITY,
): Promise<T> {
  const byType = new Map(activities.map((activity) => [activity.type, activity]));
  const generator = body(createFlow('test'));
  let next = generator.next();
  while (next.done !== true) {
    const op = next.value;
    if (op.op === 'emit') {
      trace.events.push(...op.events);
      next = generator.next(undefined);
      continue;
    }
    if (op.op !== 'step') throw new Error(`no ${op.op} here`);
    const activity = byType.get(op.activity);
    if (activity === undefined) throw new Error(`no activity ${op.activity}`);
    if (trace.keys.includes(op.name)) throw new Error(`key ${op.name} twice`);
    trace.keys.push(op.name);
    trace.labels.push(op.label);
    let outcome:
      | { readonly ok: true; readonly value: Json }
      | { readonly ok: false; readonly error: unknown }
      | null = null;
    const known = trace.journal.get(op.name);
    if (known !== undefined) outcome = { ok: true, value: known };
    for (let attempt = known === undefined ? takeAttempt(trace) : 1; outcome === null; attempt += 1) {
      trace.performed.push(op.name);
      const events: RunEvent[] = [];
      try {
        const value = asJson(
          await activity.perform(structuredClone(op.input), {
            runId: 'run-1',
            key: op.name,
            attempt,
            idempotencyKey: `run-1/${op.name}`,
            signal: new AbortController().signal,
            emit: (event) => events.push(event),
            use: (usage) => trace.usage.push(usage),
          }),
        );
        if (trace.performed.length >= crashAt) throw new Crash('killed');
        trace.events.push(...events);
        trace.journal.set(op.name, structuredClone(value));
        outcome = { ok: true, value };
      } catch (error) {
        if (error instanceof Crash) throw error;
        const failure = toFailure(error);
        if (failure.class !== 'transient' || attempt >= op.retry.tries) outcome = { ok: false, error };
        else trace.waited.push(failure.retryAfterMs ?? 0);
      }
    }
    next = outcome.ok ? generator.next(outcome.value) : generator.throw(outcome.error);
  }
  return next.value;
}

function takeAttempt(trace: Trace): number {
  const { attempt } = trace;
  trace.attempt = 1;
  return attempt;
}

/** The failure a drive ends with, as its code; fails the test where there is none. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return `${toFailure(error).class} ${toFailure(error).code}`;
  }
  throw new Error('it did not fail');
}
