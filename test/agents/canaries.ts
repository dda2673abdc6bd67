import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { type Core, createCore } from '../../src/compose/core.ts';
import { mcpSchema } from '../../src/domain/mcp-settings.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import type { Redact } from '../../src/ports/redactor.ts';
import { SlackProjector } from '../../src/slack/projector.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody } from '../support/directory.ts';
import { httpTools } from './mcp-world.ts';
import { type Asked, startModelServer, type Turn, turnEvents } from './model-server.ts';

/**
 * Secrets planted wherever a run meets text, in ten encodings, and a search for any of them wherever a run leaves text.
 * The search knows nothing of the redactor: it looks for pieces of each secret that every encoding keeps.
 */
export interface Canary {
  /** Letters and digits that plain, URL, JSON and HTML forms all hold unchanged. */
  readonly core: string;
  readonly secret: string;
}

export function canary(index: number): Canary {
  const core = `cnry${index}x${randomBytes(12).toString('hex')}`;
  return { core, secret: `${core}/+&"<\\${index % 10}=` };
}

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
export const encodings: readonly (readonly [string, (secret: string) => string])[] = [
  ['plain', (secret) => secret],
  ['base64', (secret) => bytes(secret).toString('base64')],
  ['base64 within more', (secret) => bytes(`user:${secret}:more`).toString('base64')],
  ['base64url', (secret) => bytes(secret).toString('base64url')],
  ['hex', (secret) => bytes(secret).toString('hex')],
  ['upper-case hex', (secret) => bytes(secret).toString('hex').toUpperCase()],
  ['URL-encoded', encodeURIComponent],
  ['JSON-escaped', (secret) => JSON.stringify(secret).slice(1, -1)],
  ['HTML-escaped', (secret) => secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;')],
  ['broken over lines', (secret) => `${secret.slice(0, 14)}\n${secret.slice(14)}`],
];

/** What each secret cannot be told of without. */
function needles({ core }: Canary): string[] {
  const hex = bytes(core).toString('hex');
  const inBase64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes(core)]).toString('base64');
    return text.slice(4, 28);
  });
  return [core, hex, hex.toUpperCase(), ...inBase64];
}

const KEY_CHARS = 16;

/** Finds canaries in text, also broken over lines; linear in the text however many there are. */
export function finder(canaries: readonly Canary[]): (text: string) => Set<string> {
  const byStart = new Map<string, { readonly needle: string; readonly core: string }[]>();
  for (const each of canaries)
    for (const needle of needles(each)) {
      const start = needle.slice(0, KEY_CHARS);
      byStart.set(start, [...(byStart.get(start) ?? []), { needle, core: each.core }]);
    }
  const scan = (text: string, found: Set<string>): void => {
    for (let at = 0; at + KEY_CHARS <= text.length; at += 1)
      for (const { needle, core } of byStart.get(text.slice(at, at + KEY_CHARS)) ?? [])
        if (text.startsWith(needle, at)) found.add(core);
  };
  return (text) => {
    const found = new Set<string>();
    scan(text, found);
    scan(text.replace(/\\n|\s/g, ''), found);
    return found;
  };
}

export interface CanaryWorld {
  readonly runs: number;
  readonly canaries: readonly Canary[];
  readonly redact: Redact;
}

export interface Leaks {
  /** Which canaries were found where. */
  readonly found: Readonly<Record<'prompts' | 'database' | 'git', ReadonlySet<string>>>;
  /** That something was really looked at. */
  readonly seen: {
    readonly prompts: number;
    readonly rows: number;
    readonly objects: number;
    readonly posts: number;
    /** Calls of the tool server. */
    readonly tools: number;
    readonly marks: number;
  };
  readonly ended: readonly string[];
}

/** Plays the runs, all at once, in a repository that holds the canaries, against a model that tells them too. */
export async function playCanaries({ runs, canaries, redact }: CanaryWorld): Promise<Leaks> {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-canary-'));
  const repository = plantRepository(path.join(home, 'repo'), runs, canaries);
  const before = objectsOf(repository);
  const share = (run: number): Canary[] => canaries.filter((_, index) => index % runs === run);
  const tools = await httpTools({
    tools: Array.from({ length: runs }, (_, run) => ({ name: `notes_${run}`, says: notesOf(share(run)) })),
  });
  const server = await startModelServer((asked) => ({ events: turnEvents('chat', turnOf(asked, share)) }));
  const core = await createCore({
    home: path.join(home, 'baton'),
    clock: systemClock,
    redact,
    model: { api: 'chat', apiKey: canaries[0]?.secret ?? 'k', baseUrl: server.url, model: 'm' },
    rehearsal: false,
    repository,
    repositories: null,
    policy: readPolicy({ remind_after: '1000s', escalate_after: '2000s', expire_after: '3000s' }, {}),
    directory: everybody,
    prices: {},
    mcp: {
      servers: mcpSchema.parse({
        notes: {
          kind: 'http',
          url: tools.url,
          agents: ['backend'],
          tools: Object.fromEntries(Array.from({ length: runs }, (_, run) => [`notes_${run}`, 'read'])),
        },
      }),
      values: {},
    },
    extraWorkflows: [
      {
        name: 'canary',
        title: 'Canary',
        description: 'reads everything',
        how: 'one agent',
        why: 'to see what it tells',
        flow: { kind: 'agent', id: 'build', agent: 'backend', task: 'Look at everything' },
      },
    ],
    onStoreTrouble: () => undefined,
  });
  try {
    core.engine.recover();
    const ended = await Promise.all(Array.from({ length: runs }, (_, run) => play(core, run)));
    await new SlackProjector({
      store: core.store,
      rehearsal: false,
      now: Date.now,
      queued: () => undefined,
    }).catchUp();
    const find = finder(canaries);
    const rows = rowsOf(path.join(home, 'baton', 'baton.db'));
    const prompts = server.asked.map(({ body }) => JSON.stringify(body));
    const fresh = [...objectsOf(repository)].filter((id) => !before.has(id));
    return {
      found: {
        prompts: find(prompts.join('\n')),
        database: find(rows.join('\n')),
        git: find(contentsOf(repository, fresh)),
      },
      seen: {
        prompts: prompts.length,
        rows: rows.length,
        objects: fresh.length,
        posts: rows.filter((row) => row.startsWith('outbox ')).length,
        tools: tools.calls.length,
        marks: prompts.join('\n').split('[redacted]').length - 1,
      },
      ended,
    };
  } finally {
    await core.stop();
    await server.close();
    await tools.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/** What the tool server knows: each secret in one of the encodings, and the last few in all of them. */
function notesOf(canaries: readonly Canary[]): string {
  const each = canaries.map(({ secret }, at) => encodings[at % encodings.length]?.[1](secret) ?? secret);
  const last = canaries.slice(-5).flatMap(({ secret }) => encodings.map(([, encode]) => encode(secret)));
  return [...each, ...last].map((text, at) => `note ${at}: ${text} end`).join('\n');
}

/** Files by run, names, keys, a script that tells its environment; committed, so that what is new later is Baton's. */
function plantRepository(folder: string, runs: number, canaries: readonly Canary[]): string {
  mkdirSync(path.join(folder, 'names'), { recursive: true });
  for (let run = 0; run < runs; run += 1) {
    const mine = canaries.filter((_, index) => index % runs === run);
    const texts = mine.flatMap(({ secret }) =>
      encodings.map(([, encode], n) => `value ${n}: ${encode(secret)} end`),
    );
    const half = Math.ceil(texts.length / 2);
    writeFileSync(path.join(folder, `first-${run}.txt`), `${texts.slice(0, half).join('\n')}\n`);
    writeFileSync(path.join(folder, `second-${run}.txt`), `${texts.slice(half).join('\n')}\n`);
    writeFileSync(
      path.join(folder, `keys-${run}.json`),
      JSON.stringify(Object.fromEntries(mine.map(({ secret }) => [secret, { [secret]: 1 }])), null, 1),
    );
    for (const { secret } of mine.slice(0, 2))
      writeFileSync(path.join(folder, 'names', `${encodeURIComponent(secret)}.txt`), 'x\n');
  }
  writeFileSync(
    path.join(folder, 'environment.js'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the script's own text
    "const fs = require('node:fs');\nfs.writeFileSync(`env-${process.argv[2]}.json`, JSON.stringify(process.env));\nconsole.log(JSON.stringify(process.env));\nconsole.log(fs.readFileSync(`first-${process.argv[2]}.txt`, 'utf8'));\n",
  );
  git(folder, 'init', '-q');
  git(folder, 'add', '-A');
  git(folder, '-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'first');
  return folder;
}

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 256e6,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Ids of every object of the repository. */
function objectsOf(repository: string): Set<string> {
  const listed = git(repository, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)');
  return new Set(listed.trim().split('\n'));
}

/** What objects hold; the names in a tree stand in it as they are. */
function contentsOf(repository: string, ids: readonly string[]): string {
  return execFileSync('git', ['cat-file', '--batch'], {
    cwd: repository,
    input: ids.join('\n'),
    encoding: 'latin1',
    maxBuffer: 256e6,
  });
}

/** What the model does, by how far the conversation has come: reads, runs, writes and tells all its secrets. */
function turnOf(asked: Asked, share: (run: number) => readonly Canary[]): Turn {
  const messages = z
    .array(z.looseObject({ role: z.string(), content: z.unknown() }))
    .parse(asked.body['messages']);
  const run = Number(/number (\d+)/.exec(JSON.stringify(messages))?.[1] ?? 0);
  const turns = messages.filter(({ role }) => role === 'assistant').length;
  const told = share(run).map(
    ({ secret }, index) => encodings[index % encodings.length]?.[1](secret) ?? secret,
  );
  const call = (name: string, args: object) => ({ name, args });
  switch (turns) {
    case 0:
      return {
        text: `I know ${told.slice(0, 3).join(' and ')}`,
        calls: [
          call('list', { path: '.' }),
          call('read', { path: `first-${run}.txt`, from: null, to: null }),
          call('read', { path: `second-${run}.txt`, from: null, to: null }),
          call('read', { path: `keys-${run}.json`, from: null, to: null }),
          call('search', { text: 'value', path: '.' }),
          call(`notes__notes_${run}`, { text: 'all' }),
        ],
      };
    case 1:
      return {
        calls: [
          call('run', { command: `node environment.js ${run}`, timeoutSeconds: 20 }),
          call('write', { path: `told-${run}.txt`, content: told.join('\n') }),
        ],
      };
    default:
      return {
        text: JSON.stringify({
          summary: `Told: ${told.slice(0, 4).join(', ')}`,
          files: [`told-${run}.txt`],
          warnings: told.slice(4, 8),
        }),
      };
  }
}

async function play(core: Core, run: number): Promise<string> {
  const { currentRunId } = await core.orchestrator.start({
    intent: `canary-${run}`,
    receivedAt: Date.now(),
    team: 'T',
    channel: 'C0CANARY',
    requester: 'U0ADA',
    workflow: 'canary',
    request: `Look at everything, number ${run}`,
    repository: null,
    autoStart: true,
  });
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    for (const { status, nonce } of await core.store.approvals.ofRun(currentRunId))
      if (status === 'pending')
        await core.orchestrator.approvals.decide(
          {
            nonce,
            by: { id: 'U0BEN', team: 'T', isBot: false, isGuest: false, isStranger: false },
            place: 'test',
          },
          'approve',
          null,
        );
    const found = await core.store.runs.status(currentRunId);
    const status = found?.status ?? 'queued';
    if (isTerminal(status) || status === 'paused') {
      off();
      const failure =
        found?.outcome === null || found?.outcome.ok !== false ? '' : ` ${found.outcome.failure.code}`;
      return `${status}${failure}`;
    }
    await next.promise;
    off();
  }
}

/** Every row of every table, as the text of its columns. */
function rowsOf(file: string): string[] {
  const raw = new Database(file, { readonly: true });
  try {
    const tables = z
      .array(z.object({ name: z.string() }))
      .parse(raw.prepare("select name from sqlite_master where type = 'table'").all());
    return tables.flatMap(({ name }) =>
      z
        .array(z.record(z.string(), z.unknown()))
        .parse(raw.prepare(`select * from "${name}"`).all())
        .map((row) => `${name} ${Object.values(row).map(String).join('\n')}`),
    );
  } finally {
    raw.close();
  }
}
