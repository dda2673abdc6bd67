import { type KeptNote, namedNote } from '../src/domain/agent-note.ts';
import type { RunEvent, StoredEvent } from '../src/domain/events.ts';
import { and, eq, gt, lt, lte, sql } from './drizzle.ts';
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
  'agent.told',
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
    last = log.append(to, named(event, number), then + passed);
    if (row === undefined) continue;
    tx.insert(steps)
      .values({ ...row, runId: to, settledSeq: last })
      .run();
    if (row.kind === 'child')
      for (const note of notesOfPart(tx, log, { of: from, begunBy: row.key }))
        last = log.append(to, { type: 'agent.told', note }, then + passed);
  }
  for (const { event } of [...log.after(from, seq, MAX_EVENTS), ...ofParts(tx, log, from)])
    if (SPENT.has(event.type)) last = log.append(to, event, now);
  return last;
}

/** Agents remember which notes they have read by their names: none is named anew by its new place. */
function named(event: RunEvent, seq: number): RunEvent {
  return event.type === 'agent.told' ? { ...event, note: namedNote(event.note, '', seq) } : event;
}

/** What the agents of a part that has ended told, and of its own parts, under the names by which others have read it. */
function notesOfPart(
  tx: Tx,
  log: EventLog,
  part: { readonly of: string; readonly begunBy: string },
): KeptNote[] {
  const begun = tx
    .select({ id: runs.id })
    .from(runs)
    .where(and(isPartOf(part.of), sql`json_extract(${runs.spec}, '$.parent.key') = ${part.begunBy}`))
    .all();
  return begun
    .filter(({ id }) => !id.includes('.', part.of.length + 1))
    .flatMap(({ id }) => [id, ...idsOfParts(tx, id)])
    .flatMap((id) => log.after(id, 0, MAX_EVENTS))
    .flatMap(({ runId, seq, event }) =>
      event.type === 'agent.told' ? [namedNote(event.note, runId.slice(part.of.length), seq)] : [],
    );
}

function ofParts(tx: Tx, log: EventLog, from: string): StoredEvent[] {
  return idsOfParts(tx, from).flatMap((id) => log.after(id, 0, MAX_EVENTS));
}

function idsOfParts(tx: Tx, of: string): string[] {
  return tx
    .select({ id: runs.id })
    .from(runs)
    .where(isPartOf(of))
    .all()
    .map(({ id }) => id);
}

/** Parts are named after what they are part of. */
function isPartOf(runId: string) {
  return and(gt(runs.id, `${runId}.`), lt(runs.id, `${runId}/`));
}
