import { z } from 'zod';

/** Failures running, after which nothing more is sent for a while. */
export const TRIP_AT = 5;
/** Milliseconds of rest; after them one trial decides. */
export const REST_MS = 300_000;

/**
 * What is kept of one agent or model endpoint that may fail for a while. Closed: `openedAt` is null. Its state follows
 * from it and the time, so that a restart changes nothing: see {@link stateOf}.
 */
export const circuitSchema = z.object({
  /** Counted failures since the last success. */
  failures: z.number().int().nonnegative(),
  openedAt: z.number().nullable(),
  /** Who tries it while it is half-open, and since when; one at a time. */
  trial: z.object({ by: z.string(), at: z.number() }).nullable(),
  /** A person took it out of use; only a person gives it back. */
  quarantine: z.object({ by: z.string(), reason: z.string(), at: z.number() }).nullable(),
});
export type Circuit = z.infer<typeof circuitSchema>;

export const closedCircuit: Circuit = { failures: 0, openedAt: null, trial: null, quarantine: null };

export type CircuitState = 'closed' | 'open' | 'half_open' | 'quarantined';

export function stateOf(circuit: Circuit, now: number): CircuitState {
  if (circuit.quarantine !== null) return 'quarantined';
  if (circuit.openedAt === null) return 'closed';
  return now - circuit.openedAt < REST_MS ? 'open' : 'half_open';
}

export type Admission =
  | { readonly ok: true; readonly circuit: Circuit }
  /** `retryInMs` null: only a person can change it. */
  | { readonly ok: false; readonly retryInMs: number | null };

/**
 * Whether somebody may use it now. Half-open admits one; the same one again as often as it asks (a step that is tried
 * again, or taken up after a crash). A trial nobody ended is given to the next after as long as a rest.
 * @param by names whoever asks, the same at every attempt
 */
export function admit(circuit: Circuit, by: string, now: number): Admission {
  const state = stateOf(circuit, now);
  switch (state) {
    case 'closed':
      return { ok: true, circuit };
    case 'quarantined':
      return { ok: false, retryInMs: null };
    case 'open':
      return { ok: false, retryInMs: (circuit.openedAt ?? now) + REST_MS - now };
    case 'half_open': {
      const { trial } = circuit;
      if (trial !== null && trial.by !== by && now - trial.at < REST_MS)
        return { ok: false, retryInMs: trial.at + REST_MS - now };
      return { ok: true, circuit: { ...circuit, trial: { by, at: trial?.by === by ? trial.at : now } } };
    }
    default:
      return state satisfies never;
  }
}

/** `neither`: it ended in a way that says nothing about it (stopped, a request that could not be answered by anybody). */
export type CircuitOutcome = 'success' | 'failure' | 'neither';

/**
 * The circuit after somebody who was admitted has ended. While it rests, what began before does not count; half-open,
 * only the trial does. Quarantine is a person's, and stays.
 */
export function settle(circuit: Circuit, by: string, outcome: CircuitOutcome, now: number): Circuit {
  if (circuit.openedAt === null) {
    if (outcome === 'neither') return circuit;
    if (outcome === 'success') return circuit.failures === 0 ? circuit : { ...circuit, failures: 0 };
    const failures = circuit.failures + 1;
    return { ...circuit, failures, openedAt: failures >= TRIP_AT ? now : null };
  }
  if (circuit.trial?.by !== by) return circuit;
  switch (outcome) {
    case 'success':
      return { ...closedCircuit, quarantine: circuit.quarantine };
    case 'failure':
      return { ...circuit, failures: circuit.failures + 1, openedAt: now, trial: null };
    case 'neither':
      return { ...circuit, trial: null };
    default:
      return outcome satisfies never;
  }
}

/** A person takes it out of use. The first word stands. */
export function quarantined(circuit: Circuit, by: string, reason: string, now: number): Circuit {
  return circuit.quarantine === null ? { ...circuit, quarantine: { by, reason, at: now } } : circuit;
}

/** A person tries again, so something was mended: the rest is over, and one trial decides. Quarantine stays. */
export function restOver(circuit: Circuit, now: number): Circuit {
  return stateOf(circuit, now) === 'open' ? { ...circuit, openedAt: now - REST_MS, trial: null } : circuit;
}

/** It answers again, as a person or a health check found: closed, whatever it was; from quarantine by a person alone. */
export function restored(circuit: Circuit, by: 'person' | 'check'): Circuit {
  return { ...closedCircuit, quarantine: by === 'person' ? null : circuit.quarantine };
}
