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
    settle: raw.prepare(
      "insert into steps (run_id, key, kind, status, attempt, settled_seq, outcome) values (?, ?, 'step', 'done', 1, ?, ?)",
    ),
    event: raw.prepare('insert into events (run_id, seq, at, type, data) values (?, ?, ?, ?, ?)'),
  };
  const now = Date.now();
  const seqs = new Map<string, number>();
  // As the engine does: what one commit says of a run is one row, numbered by its last event.
  const events = (id: string, ...data: readonly { readonly type: string }[]): number => {
    const seq = (seqs.get(id) ?? 0) + data.length;
    seqs.set(id, seq);
    const [first] = data;
    const single = data.length === 1 ? first : undefined;
    sql.event.run(id, seq, now, single?.type ?? 'packed', JSON.stringify(single ?? data));
    return seq;
  };
  const spec = JSON.stringify({
    program: 'tree',
    definition: Array.from({ length: steps }, (_, i) => ({ kind: 'noop', id: `s${i}` })),
  });
  const keyOf = (n: number): string => `root/s${n}/do`;
  const started = (n: number) => ({
    type: 'step.started',
    key: keyOf(n),
    label: `s${n}`,
    attempt: 1,
    node: `s${n}`,
  });
  const completed = (n: number) => ({ type: 'step.completed', key: keyOf(n) });
  const settle = (id: string, n: number, seq: number): void => {
    sql.settle.run(id, keyOf(n), seq, '{"ok":true,"value":{"n":1}}');
  };
  const create = (id: string): void => {
    sql.run.run(id, spec, now);
    events(id, { type: 'run.created' });
  };
  const start = (id: string): void => {
    sql.status.run('running', null, id);
    events(id, { type: 'run.status' }, started(0));
  };
  const step = (id: string, n: number): void =>
    settle(id, n - 1, events(id, completed(n - 1), started(n)) - 1);
  const finish = (id: string): void => {
    settle(id, steps - 1, events(id, completed(steps - 1), { type: 'run.status' }) - 1);
    sql.status.run('completed', '{"ok":true,"value":null}', id);
  };
  const commit = raw.transaction((work: (id: string) => void, chunk: readonly string[]) =>
    chunk.forEach(work),
  );
  const began = performance.now();
  for (let from = 0; from < ids.length; from += STEPS_PER_COMMIT) {
    const chunk = ids.slice(from, from + STEPS_PER_COMMIT);
    commit.immediate(create, chunk);
    commit.immediate(start, chunk);
    for (let n = 1; n < steps; n += 1) commit.immediate((id: string) => step(id, n), chunk);
    commit.immediate(finish, chunk);
  }
  return performance.now() - began;
}
