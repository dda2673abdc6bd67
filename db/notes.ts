import { type KeptNote, namedNote } from '../src/domain/agent-note.ts';
import { and, asc, eq, gt, inArray, lt, or } from './drizzle.ts';
import { PACKED, unpack } from './event-log.ts';
import type { Db } from './open.ts';
import { events, runs } from './tables/runs.ts';

/** Runs whose notes are remembered; above it all are forgotten and read again. */
const REMEMBERED_RUNS = 1_000;

interface Read {
  /** Events up to this number were looked through. */
  readonly seq: number;
  readonly notes: readonly (KeptNote & { readonly at: number })[];
}

const NOTHING: Read = { seq: 0, notes: [] };

/**
 * Reads what the agents of a run and of its parts told one another, oldest first. Every turn of every agent asks, and events
 * are only ever appended: each row is looked at once.
 */
export function createNoteReader(db: Db): (runId: string) => KeptNote[] {
  const known = new Map<string, Read>();

  const ofOne = (runId: string, root: string): Read['notes'] => {
    const before = known.get(runId) ?? NOTHING;
    const rows = db
      .select({ seq: events.seq, at: events.at, data: events.data })
      .from(events)
      .where(
        and(
          eq(events.runId, runId),
          gt(events.seq, before.seq),
          inArray(events.type, ['agent.told', PACKED]),
        ),
      )
      .orderBy(asc(events.seq))
      .all();
    const last = rows.at(-1);
    if (last === undefined) return before.notes;
    const part = runId.slice(root.length);
    const found = rows
      .filter(({ data }) => data.includes('"agent.told"'))
      .flatMap((row) => unpack(runId, row))
      .flatMap(({ seq, at, event }) =>
        event.type === 'agent.told' ? [{ ...namedNote(event.note, part, seq), at }] : [],
      );
    const notes = found.length === 0 ? before.notes : [...before.notes, ...found];
    if (known.size >= REMEMBERED_RUNS) known.clear();
    known.set(runId, { seq: last.seq, notes });
    return notes;
  };

  return (runId) => {
    const root = runId.split('.', 1)[0] ?? runId;
    const family = db
      .select({ id: runs.id })
      .from(runs)
      .where(or(eq(runs.id, root), and(gt(runs.id, `${root}.`), lt(runs.id, `${root}/`))))
      .orderBy(asc(runs.id))
      .all();
    const notes = family.flatMap(({ id }) => ofOne(id, root));
    return family.length === 1 ? notes : notes.toSorted((a, b) => a.at - b.at);
  };
}
