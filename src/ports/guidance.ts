import type { KeptNote } from '../domain/agent-note.ts';
import type { Guidance } from '../domain/steering.ts';
import type { NewDecision } from './decisions.ts';

/** Words to the agents of a run, of people and of one another, kept as events of the run. */
export interface GuidanceStore {
  /** Keeps the words and the decision they are recorded with, together. Idempotent by the guidance's id. */
  give(runId: string, guidance: Guidance, why: NewDecision, now: number): Promise<void>;
  /** All that was said to a run so far, oldest first. */
  of(runId: string): Promise<readonly Guidance[]>;
  /** What agents of a run, and of the run that it is a part of with all its parts, told one another so far, oldest first. */
  notes(runId: string): Promise<readonly KeptNote[]>;
}
