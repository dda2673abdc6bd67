import type { RunEvent, StoredEvent } from '../src/domain/events.ts';
import { and, eq, gt, lt, lte } from './drizzle.ts';
import type { EventLog } from './event-log.ts';
import { carryMessages } from './fork-messages.ts';
import { runs, steps } from './tables/runs.ts';
import type { Tx } from './transaction.ts';

/**
 * What the other run's events still say of the one that goes on from there: plan, worktree, work done and its cost. What
 * was asked of people, sent to it or counted for an agent's health is the other run's own and stays there.
 */
const TAKEN_ALONG: ReadonlySet<RunEvent['type']> = new Set([
  'plan.ready',
  'plan.started',
  'workspace.ready',
  'node.started',
  'node.finished',
  'usage.added',
  'budget.raised',
  'command.finished',
  'loop.round',
  'handoff',
  'snapshot.taken',
]);

/** What holds of a run however far it is taken back. */
const SPENT: ReadonlySet<RunEvent['type']> = new Set(['usage.added', 'budget.raised']);

/** More than any run has. */
const MAX_EVENTS = 10_000_000;

/**
 * Gives a new run the beginning of another one's journal, up to its event `seq`: outcomes in their order, each with its
 * event, and what those events tell. The other run's rows are only read. Call it inside the transaction that stores the
 * new run. Times are moved on by what has passed since, so that work done counts as long as it took.
 * What was used after that moment, and by its parts, was used all the same, and what people raised stays raised: both are
 * told, too.
 * Messages that were sent and not taken by then wait for it, too.
 * @returns the number of the last event written; 0 when there was none
 */
export function copyBeginning(
  tx: Tx,
  log: EventLog,
  {
    from,
    to,
    seq,
    now,
  }: { readonly from: string; readonly to: string; readonly seq: number; readonly now: number },
): number {
  const settled = tx
    .select()
    .from(steps)
    .where(and(eq(steps.runId, from), lte(steps.settledSeq, seq)))
    .all();
  const outcomes = new Map(settled.map((row) => [row.settledSeq, row]));
  const told = log.after(from, 0, seq).filter((each) => each.seq <= seq);
  const at = told.at(-1)?.at ?? now;
  const passed = now - at;
  carryMessages(tx, { from, to }, { at, keys: new Set([...outcomes.values()].map(({ key }) => key)) });
  let last = 0;
  for (const { seq: number, at: then, event } of told) {
    const row = outcomes.get(number);
    if (row === undefined && !TAKEN_ALONG.has(event.type)) continue;
    last = log.append(to, event, then + passed);
    if (row !== undefined)
      tx.insert(steps)
        .values({ ...row, runId: to, settledSeq: last })
        .run();
  }
  for (const { event } of [...log.after(from, seq, MAX_EVENTS), ...ofParts(tx, log, from)])
    if (SPENT.has(event.type)) last = log.append(to, event, now);
  return last;
}

function ofParts(tx: Tx, log: EventLog, from: string): StoredEvent[] {
  const parts = tx
    .select({ id: runs.id })
    .from(runs)
    .where(and(gt(runs.id, `${from}.`), lt(runs.id, `${from}/`)))
    .all();
  return parts.flatMap(({ id }) => log.after(id, 0, MAX_EVENTS));
}
