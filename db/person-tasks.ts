import { createHash } from 'node:crypto';
import {
  type PersonSignal,
  type PersonTask,
  personTaskSchema,
  type TaskResult,
} from '../src/domain/person-task.ts';
import { decline, expire, finish, handOver, skip } from '../src/domain/person-task-rules.ts';
import { type PersonTaskStore, personSignal, type TaskWord } from '../src/ports/person-tasks.ts';
import { recordDecision } from './decisions.ts';
import { and, asc, eq, sql } from './drizzle.ts';
import { refuseEnded } from './ended.ts';
import type { EventLog } from './event-log.ts';
import type { Db } from './open.ts';
import { decisions, personTasks } from './tables/people.ts';
import { signals } from './tables/runs.ts';
import { atomically, type Tx } from './transaction.ts';

/** The only doors to the state of a task for a person. */
export function createPersonTaskStore(db: Db, log: EventLog): PersonTaskStore {
  // Asked for each run of every list: built once.
  const ofRun = db
    .select()
    .from(personTasks)
    .where(eq(personTasks.runId, sql.placeholder('runId')))
    .orderBy(asc(personTasks.askedAt))
    .prepare();
  const one = (of: typeof personTasks.id | typeof personTasks.nonce, value: string): PersonTask | null => {
    const row = db.select().from(personTasks).where(eq(of, value)).get();
    return row === undefined ? null : toTask(row);
  };

  /** A person's word: what the rules make of it is written. */
  const say = (
    { nonce, intent, now }: Pick<TaskWord, 'nonce' | 'intent' | 'now'>,
    rule: (task: PersonTask) => TaskResult,
    about: (next: PersonTask) => Said,
  ): TaskResult | null =>
    atomically(db, log, (tx) => {
      const task = one(personTasks.nonce, nonce);
      if (task === null) return null;
      const id = `dec_task_${createHash('sha256').update(intent).digest('hex').slice(0, 20)}`;
      if (known(tx, id)) return { ok: true, task };
      const result = rule(task);
      if (!result.ok) return result;
      const next = result.task;
      write(tx, next);
      const { by, choice, reason, signal } = about(next);
      recordDecision(tx, log, task.runId, decisionOf(id, next, { by, choice, reason }), now);
      if (next.status === 'open') {
        const { id: taskId, node, runId, assignee: to } = next;
        log.append(
          runId,
          {
            type: 'person.given',
            taskId,
            node,
            from: task.assignee,
            to,
            by,
            why: choice === 'cannot' ? reason : '',
          },
          now,
        );
      } else ended(tx, log, next, signal, now);
      return result;
    });

  return {
    async open(given) {
      return atomically(db, log, (tx) => {
        refuseEnded(tx, given.runId);
        const task: PersonTask = {
          ...given,
          status: 'open',
          declined: [],
          endedBy: null,
          endedAt: null,
          output: null,
          words: null,
          why: null,
        };
        const inserted = tx.insert(personTasks).values(toRow(task)).onConflictDoNothing().run();
        const stored = one(personTasks.id, task.id);
        if (stored === null) throw new Error(`The task ${task.id} could not be stored`);
        if (inserted.changes === 0) return stored;
        const { id: taskId, node, runId, assignee: to, because } = stored;
        log.append(runId, { type: 'person.asked', taskId, node, to }, stored.askedAt);
        recordDecision(
          tx,
          log,
          runId,
          {
            ...decisionOf(`dec_${taskId}`, stored, { by: 'baton', choice: to, reason: because }),
            actorKind: 'baton',
          },
          stored.askedAt,
        );
        return stored;
      });
    },
    async byId(id) {
      return one(personTasks.id, id);
    },
    async byNonce(nonce) {
      return one(personTasks.nonce, nonce);
    },
    async finish(word) {
      const { by, now, output, words } = word;
      return say(
        word,
        (task) => finish(task, by, { output, words }, now),
        () => ({
          by: by.id,
          choice: 'done',
          reason: words,
          signal: { ended: 'done', by: by.id, output, words },
        }),
      );
    },
    async handOver(word) {
      const { by, to, candidates } = word;
      return say(
        word,
        (task) => handOver(task, by, to, candidates),
        () => ({ by: by.id, choice: 'hand_over', reason: `given to ${to}`, signal: null }),
      );
    },
    async decline(word) {
      const { by, now, reason, next } = word;
      return say(
        word,
        (task) => decline(task, by, { reason, next }, now),
        ({ declined }) => ({
          by: by.id,
          choice: 'cannot',
          reason,
          signal: { ended: 'declined', reasons: declined },
        }),
      );
    },
    async skip(word) {
      const { by, now, reason } = word;
      return say(
        word,
        (task) => skip(task, by, reason, now),
        () => ({
          by: by.id,
          choice: 'skip',
          reason,
          signal: { ended: 'skipped', by: by.id, reason },
        }),
      );
    },
    async expire(id, now) {
      return atomically(db, log, (tx) => {
        const task = one(personTasks.id, id);
        const next = task === null ? null : expire(task, now);
        if (next === null) return task?.status === 'expired';
        write(tx, next);
        ended(tx, log, next, null, now);
        return true;
      });
    },
    async ofRun(runId) {
      return ofRun.all({ runId }).map(toTask);
    },
    async openIn(team) {
      return db
        .select()
        .from(personTasks)
        .where(and(eq(personTasks.team, team), eq(personTasks.status, 'open')))
        .orderBy(asc(personTasks.askedAt))
        .all()
        .map(toTask);
    },
  };
}

interface Said {
  readonly by: string;
  readonly choice: string;
  readonly reason: string;
  /** What the run is told when this ends the task. */
  readonly signal: PersonSignal | null;
}

function decisionOf(
  id: string,
  { id: task, node, people, groups }: PersonTask,
  { by, choice, reason }: Omit<Said, 'signal'>,
) {
  return {
    id,
    kind: 'person_task',
    actor: by,
    actorKind: 'person',
    choice,
    reason,
    alternatives: people.filter((each) => each !== choice),
    evidence: { task, node, groups },
  } as const;
}

/** Whether this very word was taken before: handlers may run again. */
function known(tx: Tx, decision: string): boolean {
  return (
    tx.select({ id: decisions.id }).from(decisions).where(eq(decisions.id, decision)).get() !== undefined
  );
}

function write(tx: Tx, task: PersonTask): void {
  tx.update(personTasks).set(toRow(task)).where(eq(personTasks.id, task.id)).run();
}

/** Tells the run's events that a task has ended, and the run itself where a person ended it. */
function ended(
  tx: Tx,
  log: EventLog,
  { id: taskId, runId, node }: PersonTask,
  signal: PersonSignal | null,
  now: number,
): void {
  log.append(runId, { type: 'person.ended', taskId, node }, now);
  if (signal === null) return;
  const name = personSignal(taskId);
  tx.insert(signals)
    .values({ runId, name, payload: JSON.stringify(signal), idempotencyKey: name, at: now })
    .onConflictDoNothing()
    .run();
  log.append(runId, { type: 'signal.received', name }, now);
}

function toRow(task: PersonTask): typeof personTasks.$inferInsert {
  const { id, nonce, runId, team, status, assignee, askedAt } = task;
  return { id, nonce, runId, team, status, assignee, askedAt, detail: JSON.stringify(task) };
}

function toTask({ detail }: { readonly detail: string }): PersonTask {
  return personTaskSchema.parse(JSON.parse(detail));
}
