import type { Failure } from '../domain/failure.ts';
import { isTerminal } from '../domain/run.ts';
import type { Engine } from '../ports/engine.ts';
import type { Store } from '../ports/store.ts';

/** Why a run stands in whose channel nothing can be said. */
const closed: Failure = {
  class: 'needs_person',
  code: 'channel_closed',
  message: 'Nothing can be said in the channel of this run, so nobody could follow it',
  hint: 'Nothing was lost, and what was to be said there waits. Open the channel again, or invite Baton, then Retry.',
};

export interface ClosedChannelDeps {
  readonly engine: Pick<Engine, 'pause' | 'status'>;
  readonly store: { readonly runs: Pick<Store['runs'], 'parts'> };
}

/** Pauses a run and its parts whose channel was archived, or which Baton was taken out of. What people paused stays theirs. */
export async function holdForChannel({ engine, store }: ClosedChannelDeps, runId: string): Promise<void> {
  for (const id of [runId, ...(await store.runs.parts(runId))]) {
    const run = await engine.status(id);
    if (run !== null && !isTerminal(run.status) && run.status !== 'paused') await engine.pause(id, closed);
  }
}
