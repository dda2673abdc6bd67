import type { Failure } from '../domain/failure.ts';
import type { RunSpec, RunStatus } from '../domain/run.ts';
import type { Program } from '../ports/flow.ts';
import type { StoredRun } from '../ports/journal.ts';
import { Machine, type Pending } from './machine.ts';
import { Mailbox } from './mailbox.ts';
import { Queue } from './queue.ts';

/** A step between its first attempt and its end. */
export interface StepState {
  readonly pending: Pending;
  attempt: number;
  crashes: number;
  /**
   * `ready` waits for a free place; `running` has an effect under way; `retry` for a timer; `stalled` for a
   * person; `dropped` for nobody: whoever still holds it passes it over.
   */
  phase: 'ready' | 'running' | 'retry' | 'stalled' | 'dropped';
}

/**
 * A run in memory: its machine and what the engine keeps beside it. Nothing here is authoritative: dropping it
 * and loading it again from the journal leads to the same state.
 */
export interface LoadedRun {
  readonly id: string;
  readonly spec: RunSpec;
  readonly machine: Machine;
  status: RunStatus;
  readonly steps: Map<string, StepState>;
  /** Steps that wait for a free place, in order. */
  readonly ready: Queue<StepState>;
  running: number;
  readonly mailbox: Mailbox;
  readonly timers: Map<string, number>;
}

export type LoadResult =
  | { readonly ok: true; readonly run: LoadedRun; readonly fresh: boolean }
  | { readonly ok: false; readonly failure: Failure };

/** Builds a run's machine and brings it, through the live code path, to where the journal says it was. */
export function loadRun(stored: StoredRun, program: Program | undefined): LoadResult {
  const { spec } = stored;
  if (program === undefined) {
    return structural(
      'program_unknown',
      `This version of Baton does not know "${spec.program}" version ${spec.programVersion}, which the run was started with`,
    );
  }
  const machine = new Machine();
  machine.start((flow) => program.run(spec.definition, spec.input, flow));
  const fresh = stored.status === 'queued';
  // One that goes on from where another was has a history before its own first turn.
  if (!fresh || spec.forkedFrom !== undefined) {
    for (const { key, outcome } of stored.settled) {
      if (!machine.settle(key, outcome)) {
        return structural(
          'history_mismatch',
          `The recorded step ${key} is not what the workflow asks for now`,
        );
      }
    }
    // What the replay brought about was journalled when it happened; what is still open is asked of the machine.
    machine.take();
  }
  return {
    ok: true,
    fresh,
    run: {
      id: stored.id,
      spec,
      machine,
      status: stored.status,
      steps: new Map(),
      ready: new Queue(),
      running: 0,
      mailbox: new Mailbox(stored.signals),
      timers: new Map(stored.timers),
    },
  };
}

function structural(code: string, message: string): LoadResult {
  const hint = 'Nothing was changed. Start the version of Baton that began this run, or cancel the run.';
  return { ok: false, failure: { class: 'structural', code, message, hint } };
}
