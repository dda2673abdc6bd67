import { isTerminal } from '../src/domain/run.ts';
import { eq } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { runs } from './tables/runs.ts';
import { atomically } from './transaction.ts';

/** What an agent is doing now, told before its step ends. */
export interface Progress {
  readonly runId: string;
  readonly node: string;
  readonly agent: string;
  readonly text: string;
  readonly now: number;
}

/** Appends what an agent is doing to its run's events; a run that has ended has nothing more to tell. */
export function tellProgress(db: Db, log: EventLog, { runId, node, agent, text, now }: Progress): void {
  atomically(db, log, (tx) => {
    const run = tx.select({ status: runs.status }).from(runs).where(eq(runs.id, runId)).get();
    if (run === undefined || isTerminal(run.status)) return;
    // A node that asks several agents has a line for each.
    log.append(runId, { type: 'node.doing', node, agent, text }, now);
    log.append(runId, { type: 'node.doing', node: `${node}:${agent}`, agent, text }, now);
  });
}
