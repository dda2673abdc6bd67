import { z } from 'zod';
import { timeoutActions } from '../domain/approval.ts';
import type { Json } from '../domain/json.ts';
import { type PersonTask, type TaskResult, taskFieldSchema } from '../domain/person-task.ts';
import type { Hand } from '../domain/person-task-rules.ts';
import { contract } from './activity.ts';

/** What a person does about a task, as the store takes it. */
export interface TaskWord {
  readonly nonce: string;
  readonly by: Hand;
  /** What makes it the same word when it is delivered again: it is taken once. */
  readonly intent: string;
  readonly now: number;
}

export type NewPersonTask = Omit<
  PersonTask,
  'status' | 'declined' | 'endedBy' | 'endedAt' | 'output' | 'words' | 'why'
>;

/**
 * Tasks for people. Each method that changes one is a transaction with its event, its decision and, where it ends the
 * task, the run's signal; together they are the only door. Null where there is no such task. What the run does without
 * ends with the run's own journal: in the transaction in which the wait for it is given up, or the run ends.
 */
export interface PersonTaskStore {
  /** Idempotent by id. Returns what is stored. */
  open(task: NewPersonTask): Promise<PersonTask>;
  byId(id: string): Promise<PersonTask | null>;
  byNonce(nonce: string): Promise<PersonTask | null>;
  finish(word: TaskWord & { readonly output: Json; readonly words: string }): Promise<TaskResult | null>;
  handOver(
    word: TaskWord & { readonly to: string; readonly candidates: readonly string[] },
  ): Promise<TaskResult | null>;
  decline(
    word: TaskWord & { readonly reason: string; readonly next: string | null },
  ): Promise<TaskResult | null>;
  skip(word: TaskWord & { readonly reason: string }): Promise<TaskResult | null>;
  /** The clock's end. False when somebody was faster. */
  expire(id: string, now: number): Promise<boolean>;
  ofRun(runId: string): Promise<PersonTask[]>;
  /** Open ones of a workspace, oldest first: what waits for whom, and so whom to remind. */
  openIn(team: string): Promise<PersonTask[]>;
}

/** How many open tasks each person has. */
export function loadOf(open: readonly PersonTask[]): Map<string, number> {
  const load = new Map<string, number>();
  for (const { assignee } of open) load.set(assignee, (load.get(assignee) ?? 0) + 1);
  return load;
}

/** Gives a task to a person: one of those named, of the groups, or with the skill; else whoever asked for the work. */
export const openPersonTask = contract(
  'person.open',
  z.object({
    node: z.string(),
    task: z.string(),
    about: z.string(),
    people: z.array(z.string()),
    groups: z.array(z.string()),
    skill: z.string().nullable(),
    fields: z.array(taskFieldSchema),
    withinMs: z.number().nullable(),
    onTimeout: z.enum(timeoutActions),
    at: z.number(),
  }),
  z.object({ taskId: z.string(), assignee: z.string() }),
);

/** Ends a task by the clock. When somebody did it in the same moment, that stands. */
export const expirePersonTask = contract(
  'person.expire',
  z.object({ taskId: z.string(), at: z.number() }),
  z.object({ expired: z.boolean() }),
);

/** Nobody did it: pauses the run (`needs_person` / `person_timeout`) until somebody resumes it, and ends then. */
export const holdPersonTask = contract('person.hold', z.object({ taskId: z.string() }), z.object({}));

/** The signal under which a task's end comes. */
export function personSignal(taskId: string): string {
  return `person:${taskId}`;
}
