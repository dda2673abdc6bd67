import { isCarried, listensBy } from '../src/domain/messages.ts';
import { eq } from './drizzle.ts';
import { busListeners } from './tables/bus.ts';
import { signals } from './tables/runs.ts';
import type { Tx } from './transaction.ts';

/**
 * Gives a run that goes on from another one the messages that were sent to that one and not taken by then, and lets it
 * listen where that one listened. Call it inside the transaction that copies the beginning of the journal.
 * @param from when the moment was, and the keys of what was done by then
 */
export function carryMessages(
  tx: Tx,
  runs: { readonly from: string; readonly to: string },
  from: { readonly at: number; readonly keys: ReadonlySet<string> },
): void {
  const sent = tx.select().from(signals).where(eq(signals.runId, runs.from)).orderBy(signals.id).all();
  for (const { name, payload, idempotencyKey, at, consumedBy } of sent)
    if (isCarried({ name, at, takenBy: consumedBy }, from))
      tx.insert(signals).values({ runId: runs.to, name, payload, idempotencyKey, at }).run();
  const listeners = tx.select().from(busListeners).where(eq(busListeners.runId, runs.from)).all();
  for (const listener of listeners) {
    const path = listener.id.slice(runs.from.length + 1);
    if (!listensBy(path, from.keys)) continue;
    const id = `${runs.to}/${path}`;
    tx.insert(busListeners)
      .values({ ...listener, id, runId: runs.to })
      .onConflictDoNothing()
      .run();
  }
}
