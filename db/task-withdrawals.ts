import type Database from 'better-sqlite3';
import { z } from 'zod';
import type { RunEvent } from '../src/domain/events.ts';
import { type PersonTask, personTaskSchema } from '../src/domain/person-task.ts';
import { withdraw } from '../src/domain/person-task-rules.ts';
import type { Outcome } from '../src/domain/run.ts';

/**
 * Ends tasks for people that their run does without: it went on another way, was late, was cancelled, or has ended. Must
 * be called inside the transaction of the journal that stores what happened, so that no card outlives what asked for it.
 */
export class TaskWithdrawals {
  readonly #one: Database.Statement;
  readonly #ofRun: Database.Statement;
  readonly #write: Database.Statement;

  constructor(raw: Database.Database) {
    this.#one = raw.prepare("select detail from person_tasks where id = ? and status = 'open'");
    this.#ofRun = raw.prepare(
      "select detail from person_tasks where run_id = ? and status = 'open' order by asked_at",
    );
    this.#write = raw.prepare('update person_tasks set status = ?, detail = ? where id = ?');
  }

  /** What an event of the run ends. Returns the events that tell of it beside that one. */
  told(runId: string, event: RunEvent, at: number): RunEvent[] {
    switch (event.type) {
      // The run tells of it itself: only the task's own row is behind.
      case 'person.ended':
        if (event.why !== undefined) this.#end(this.#one.get(event.taskId), event.why, at);
        return [];
      // Given up while it was being asked: whether it came to be asked is to be seen here alone.
      case 'step.cancelled': {
        const asked = this.#ofRun.all(runId).filter((row) => toTask(row).key === event.key);
        return asked.flatMap((row) => this.#end(row, event.why ?? GIVEN_UP, at));
      }
      default:
        return [];
    }
  }

  /** The run has ended: nothing that it asked of people is asked any more. */
  runEnded(runId: string, outcome: Outcome | null, at: number): RunEvent[] {
    const why = outcome === null || outcome.ok ? ENDED : outcome.failure.message;
    return this.#ofRun.all(runId).flatMap((row) => this.#end(row, why, at));
  }

  #end(row: unknown, why: string, at: number): RunEvent[] {
    const task = row === undefined ? null : toTask(row);
    const next = task === null ? null : withdraw(task, why, at);
    if (next === null) return [];
    this.#write.run(next.status, JSON.stringify(next), next.id);
    return [{ type: 'person.ended', taskId: next.id, node: next.node, why }];
  }
}

const GIVEN_UP = 'it was not needed any more';
const ENDED = 'the run ended without it';

const rowSchema = z.object({ detail: z.string() });

function toTask(row: unknown): PersonTask {
  return personTaskSchema.parse(JSON.parse(rowSchema.parse(row).detail));
}
