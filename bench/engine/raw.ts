import type Database from 'better-sqlite3';

/** Steps whose rows share a commit: what the engine's turns hold when 500 runs are under way. */
const STEPS_PER_COMMIT = 500;

/**
 * The rows that runs of `steps` no-op steps leave, written by bare prepared statements with group commit: the
 * floor below which no engine on this driver and this schema can go. Returns milliseconds.
 */
export function rawWrites(raw: Database.Database, ids: readonly string[], steps: number): number {
  const sql = {
    run: raw.prepare(
      "insert into runs (id, status, spec, hash, created_at) values (?, 'queued', ?, 'bench', ?)",
    ),
    status: raw.prepare('update runs set status = ?, outcome = ? where id = ?'),
    attempt: raw.prepare(
      "insert into steps (run_id, key, kind, status, attempt, crashes, started_at) values (?, ?, 'step', 'open', 1, 0, ?)",
    ),
    settle: raw.prepare(
      "update steps set status = 'done', settled_seq = ?, outcome = ? where run_id = ? and key = ?",
    ),
    event: raw.prepare('insert into events (run_id, seq, at, type, data) values (?, ?, ?, ?, ?)'),
  };
  const now = Date.now();
  const seqs = new Map<string, number>();
  const event = (id: string, type: string, data: object): number => {
    const seq = (seqs.get(id) ?? 0) + 1;
    seqs.set(id, seq);
    sql.event.run(id, seq, now, type, JSON.stringify({ type, ...data }));
    return seq;
  };
  const spec = JSON.stringify({
    program: 'tree',
    definition: Array.from({ length: steps }, (_, i) => ({ kind: 'noop', id: `s${i}` })),
  });
  const start = (id: string): void => {
    sql.run.run(id, spec, now);
    event(id, 'run.created', { program: 'tree', hash: 'bench' });
    sql.status.run('running', null, id);
    event(id, 'run.status', { status: 'running' });
  };
  const step = (id: string, n: number): void => {
    const key = `root/s${n}/do`;
    sql.attempt.run(id, key, now);
    event(id, 'step.started', { key, label: `s${n}`, attempt: 1, node: `s${n}` });
    sql.settle.run(event(id, 'step.completed', { key }), '{"ok":true,"value":{"n":1}}', id, key);
  };
  const finish = (id: string): void => {
    sql.status.run('completed', '{"ok":true,"value":null}', id);
    event(id, 'run.status', { status: 'completed' });
  };
  const commit = raw.transaction((work: (id: string) => void, chunk: readonly string[]) =>
    chunk.forEach(work),
  );
  const began = performance.now();
  for (let from = 0; from < ids.length; from += STEPS_PER_COMMIT) {
    const chunk = ids.slice(from, from + STEPS_PER_COMMIT);
    commit.immediate(start, chunk);
    for (let n = 0; n < steps; n += 1) commit.immediate((id: string) => step(id, n), chunk);
    commit.immediate(finish, chunk);
  }
  return performance.now() - began;
}
