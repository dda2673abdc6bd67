import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';

const eventSchema = z.looseObject({ type: z.string() });
/** A row holds one event, or a list whose last has the row's number. */
const eventRow = z.object({
  run_id: z.string(),
  seq: z.number(),
  at: z.number(),
  data: z.string().transform((text) => {
    const data: unknown = JSON.parse(text);
    return z.array(eventSchema).parse(Array.isArray(data) ? data : [data]);
  }),
});
const stepSchema = z.object({
  run_id: z.string(),
  key: z.string(),
  kind: z.string(),
  status: z.string(),
  settled_seq: z.number(),
});
const rows = {
  sessions: z.object({ id: z.string(), current_run_id: z.string() }),
  runs: z.object({
    id: z.string(),
    session_id: z.string().nullable(),
    status: z.string(),
    projection_done: z.number(),
  }),
  decisions: z.object({ id: z.string(), run_id: z.string(), kind: z.string(), choice: z.string() }),
  approvals: z.object({ id: z.string(), run_id: z.string(), status: z.string() }),
  outbox: z.object({
    id: z.number(),
    key: z.string(),
    kind: z.string(),
    status: z.string(),
    error: z.string().nullable(),
  }),
  messages: z.object({ key: z.string(), channel: z.string(), ts: z.string(), outbox_id: z.number() }),
  deliveries: z.object({
    intent: z.string(),
    kind: z.string(),
    handled_at: z.number().nullable(),
    error: z.string().nullable(),
  }),
  signals: z.object({ run_id: z.string(), name: z.string(), consumed_by: z.string().nullable() }),
  timers: z.object({ run_id: z.string(), key: z.string() }),
  usage: z.object({ run_id: z.string(), key: z.string() }),
};
type Rows = { readonly [Table in keyof typeof rows]: z.infer<(typeof rows)[Table]>[] };

export interface StoredEvent {
  readonly run_id: string;
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}
/** Everything Baton's database says, once Baton has stopped. */
export interface Kept extends Rows {
  readonly events: readonly StoredEvent[];
  readonly steps: readonly z.infer<typeof stepSchema>[];
  readonly integrity: string;
}

/** Reads a stopped Baton's database; changes nothing. */
export function readDatabase(home: string): Kept {
  const raw = new Database(path.join(home, 'baton.db'), { readonly: true, fileMustExist: true });
  try {
    const all = <T>(table: string, schema: z.ZodType<T>, order = '1'): T[] =>
      z.array(schema).parse(raw.prepare(`select * from ${table} order by ${order}`).all());
    return {
      sessions: all('sessions', rows.sessions),
      runs: all('runs', rows.runs),
      decisions: all('decisions', rows.decisions),
      approvals: all('approvals', rows.approvals),
      outbox: all('outbox', rows.outbox),
      messages: all('messages', rows.messages),
      deliveries: all('deliveries', rows.deliveries),
      signals: all('signals', rows.signals),
      timers: all('timers', rows.timers),
      usage: all('usage', rows.usage),
      events: all('events', eventRow, 'run_id, seq').flatMap(({ run_id, seq, at, data }) =>
        data.map((event, i) => ({
          run_id,
          seq: seq - data.length + 1 + i,
          at,
          type: event.type,
          data: event,
        })),
      ),
      steps: all('steps', stepSchema, 'run_id, key'),
      integrity: String(raw.pragma('integrity_check', { simple: true })),
    };
  } finally {
    raw.close();
  }
}

export interface Repository {
  readonly branches: readonly { readonly name: string; readonly tree: string; readonly commits: number }[];
  readonly worktrees: number;
  /** What `git status` says of the user's own checkout. */
  readonly checkout: string;
  readonly locks: readonly string[];
  /** What was left in Baton's own folders. */
  readonly folders: readonly string[];
}

/** What the sample repository and Baton's folders look like. */
export function readRepository(home: string): Repository {
  const repository = path.join(home, 'sample', 'reports');
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', repository, '-c', 'safe.directory=*', ...args], {
      encoding: 'utf8',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    }).trim();
  const names = git('for-each-ref', '--format=%(refname:short)', 'refs/heads/baton/')
    .split('\n')
    .filter((name) => name !== '');
  return {
    branches: names.map((name) => ({
      name,
      tree: git('rev-parse', `${name}^{tree}`),
      commits: Number(git('rev-list', '--count', `main..${name}`)),
    })),
    worktrees: git('worktree', 'list', '--porcelain')
      .split('\n')
      .filter((line) => line.startsWith('worktree ')).length,
    checkout: git('status', '--porcelain'),
    locks: readdirSync(path.join(repository, '.git'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.lock'),
    ),
    folders: ['worktrees', 'workspaces'].flatMap((name) =>
      list(path.join(home, name)).map((each) => `${name}/${each}`),
    ),
  };
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
