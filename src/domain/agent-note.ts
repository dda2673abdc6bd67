import { z } from 'zod';

export const noteKinds = ['finding', 'question', 'answer', 'warning'] as const;

/** Characters of one note, and how many one piece of work may leave: who has more to say hands it over as its result. */
export const NOTE_CHARS = 1_000;
export const MAX_NOTES = 20;

/** What an agent tells another of its run, or all of them, while it works. It is never told to people's threads. */
export const agentNoteSchema = z.object({
  from: z.string(),
  /** The node at which it was written. */
  node: z.string(),
  /** An agent's name; null: all of the run. */
  to: z.string().nullable(),
  kind: z.enum(noteKinds),
  text: z.string(),
});
export type AgentNote = z.infer<typeof agentNoteSchema>;

/** Whether an agent at a node reads a note: it is for it or for all, and not of that very work's own writing. */
export function isForAgent(note: AgentNote, at: { readonly agent: string; readonly node: string }): boolean {
  if (note.from === at.agent && note.node === at.node) return false;
  return note.to === null || note.to === at.agent;
}
