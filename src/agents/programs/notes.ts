import { type KeptNote, MAX_NOTES, unread } from '../../domain/agent-note.ts';
import type { ProgramDependencies } from './program-dependencies.ts';

/**
 * What other agents left for a program, oldest first, the newest where there are more than one prompt takes.
 * @param at.heard ids of notes that it was told before
 */
export async function notesFor(
  { guidance, redact }: Pick<ProgramDependencies, 'guidance' | 'redact'>,
  at: {
    readonly runId: string;
    readonly agent: string;
    readonly node: string;
    readonly heard?: readonly string[];
  },
): Promise<KeptNote[]> {
  const notes = unread(await guidance.notes(at.runId), { heard: [], ...at });
  return notes.slice(-MAX_NOTES).map((note) => ({ ...note, text: redact(note.text) }));
}
