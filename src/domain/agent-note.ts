import { z } from 'zod';

export const noteKinds = ['finding', 'question', 'answer', 'warning'] as const;

/**
 * Characters of one note, and how many one piece of work may leave, and is told at once: who has more to say hands it over
 * as its result.
 */
export const NOTE_CHARS = 1_000;
export const MAX_NOTES = 20;

/** What an agent tells another of its run, or all of them, while it works. It is never told to people's threads. */
export const agentNoteSchema = z.object({
  /**
   * Names it among the notes of its run, and stays what it is where another run goes on from there. Absent in events of
   * versions that numbered notes by their place.
   */
  id: z.string().exactOptional(),
  from: z.string(),
  /** The node at which it was written. */
  node: z.string(),
  /** An agent's name; null: all of the run. */
  to: z.string().nullable(),
  kind: z.enum(noteKinds),
  text: z.string(),
});
export type AgentNote = z.infer<typeof agentNoteSchema>;

/** A note as it is read: `id` names it among all of a run and its parts. */
export type KeptNote = AgentNote & { readonly id: string };

/**
 * A note with its name among those of a run and its parts.
 * @param part the part it was told in, as what follows the run's own id; empty for the run itself
 * @param seq the number of its event
 */
export function namedNote(note: AgentNote, part: string, seq: number): KeptNote {
  return { ...note, id: `${part}${note.id ?? `note_${seq}`}` };
}

/**
 * The notes that an agent at a node has still to read: for it or for all, not of that very work's own writing, and none twice.
 * @param at.heard ids of notes that were read before
 */
export function unread(
  notes: readonly KeptNote[],
  at: { readonly agent: string; readonly node: string; readonly heard: readonly string[] },
): KeptNote[] {
  return notes.filter(
    ({ id, from, node, to }) =>
      !at.heard.includes(id) && !(from === at.agent && node === at.node) && (to === null || to === at.agent),
  );
}
