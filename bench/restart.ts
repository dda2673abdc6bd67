import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { snapshotSchema } from '../desk/contract.ts';

/**
 * A restart with a thousand open approvals: how soon the first old button is answered, and that all of them work. One
 * question is asked for real, by a run that waits; the others are its copies in the store, each with a button of its own
 * in messages that the desk holds. Baton is killed and started as `npm start` does. `--check` makes a miss an error.
 */
const OPEN = 1_000;
const BUTTONS_A_MESSAGE = 40;
const FIRST_WITHIN_MS = 2_000;

const home = mkdtempSync(path.join(tmpdir(), 'baton-restart-'));
const entry = fileURLToPath(new URL('../bin/baton.mjs', import.meta.url));

function start() {
  const child = spawn(process.execPath, [entry, 'start'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, BATON_HOME: home, PORT: '0' },
  });
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: unknown) => {
      if (/Baton is (ready|connected)/.test(String(chunk))) resolve();
    });
  });
  return { child, ready, ended: new Promise<void>((resolve) => child.once('exit', () => resolve())) };
}

const first = start();
await first.ready;
const {
  url: desk,
  apiUrl,
  botToken,
} = z
  .object({ url: z.string(), apiUrl: z.string(), botToken: z.string() })
  .parse(JSON.parse(readFileSync(path.join(home, 'desk', 'desk.json'), 'utf8')));
const { people, channels } = await look('nobody');
const alice = people.find(({ name }) => name === 'alice')?.id ?? '';
const channel = channels.find(({ members, kind }) => kind !== 'im' && members.includes(alice))?.id ?? '';
await post('/desk/command', {
  user: alice,
  channel,
  command: '/orchestrate',
  text: 'feature Add CSV export',
});
const raw = new Database(path.join(home, 'baton.db'));
await press('plan_start');
await until(() => count('pending') > 0);
first.child.kill('SIGKILL');
await first.ended;

const nonces = copy(OPEN - 1);
const buttons = await hang(nonces);

const began = performance.now();
const second = start();
await second.ready;
const ready = performance.now();
const [one, ...others] = buttons;
if (one === undefined) throw new Error('There is no button');
await click(one);
await until(() => count('pending') === nonces.length);
const decided = performance.now();
await until(async () => (await look(alice)).messages.some(({ ephemeralFor }) => ephemeralFor === alice));
const answered = performance.now();
console.log(`from start to ready        ${Math.round(ready - began)} ms`);
console.log(`from ready to decided      ${Math.round(decided - ready)} ms`);
console.log(`from ready to first answer ${Math.round(answered - ready)} ms`);
console.log(`from start to first answer ${Math.round(answered - began)} ms`);

// One after the other: each is acknowledged before the next, as people's clicks are.
for (const each of others) await click(each);
await until(() => count('pending') === 1 && told() >= nonces.length, 600_000);
const all = performance.now();
console.log(`all ${nonces.length} decided, each with its answer: ${Math.round(all - ready)} ms`);
second.child.kill('SIGTERM');
await second.ended;
raw.close();
rmSync(home, { recursive: true, force: true });
if (process.argv.includes('--check') && answered - ready > FIRST_WITHIN_MS) process.exitCode = 1;

function count(status: string): number {
  return z.number().parse(raw.prepare('select count(*) from approvals where status = ?').pluck().get(status));
}

/** Answers that are written for somebody, sent or on their way. */
function told(): number {
  return z
    .number()
    .parse(
      raw.prepare("select count(*) from outbox where user = ? and key like 'answer:%'").pluck().get(alice),
    );
}

/** So many open approvals beside the one that was asked, equal to it but for id, key and nonce. @returns the nonces */
function copy(n: number): string[] {
  const columns = z
    .array(z.object({ name: z.string() }))
    .parse(raw.pragma('table_info(approvals)'))
    .map(({ name }) => name);
  const changed: Readonly<Record<string, string>> = {
    id: "'apr_copy_' || @i",
    key: "key || '/copy-' || @i",
    nonce: "'nonce-of-copy-' || @i",
  };
  const insert = raw.prepare(
    `insert into approvals (${columns.join(', ')})
      select ${columns.map((name) => changed[name] ?? name).join(', ')} from approvals
      where status = 'pending' and id not like 'apr_copy_%'`,
  );
  const made = Array.from({ length: n }, (_, i) => {
    insert.run({ i: String(i) });
    return `nonce-of-copy-${i}`;
  });
  if (count('pending') !== n + 1) throw new Error(`${count('pending')} approvals are open`);
  return made;
}

interface Hung {
  readonly ts: string;
  readonly block: string;
  readonly nonce: string;
}

/** Puts a button for each into messages of Baton's own, as its cards have them. */
async function hang(values: readonly string[]): Promise<Hung[]> {
  const hung: Hung[] = [];
  for (let at = 0; at < values.length; at += BUTTONS_A_MESSAGE) {
    const some = values.slice(at, at + BUTTONS_A_MESSAGE);
    const blocks = some.map((value, i) => ({
      type: 'actions',
      block_id: `b${at + i}`,
      elements: [
        {
          type: 'button',
          action_id: 'approval_approve',
          text: { type: 'plain_text', text: 'Approve' },
          value,
        },
      ],
    }));
    const ts = await say(blocks);
    hung.push(...some.map((nonce, i) => ({ ts, block: `b${at + i}`, nonce })));
  }
  return hung;
}

/** Posts as Baton, and waits as long as Slack says where it was too fast. */
async function say(blocks: readonly object[]): Promise<string> {
  for (;;) {
    const answer = await fetch(`${apiUrl}chat.postMessage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${botToken}` },
      body: JSON.stringify({ channel, text: 'Open questions', blocks }),
    });
    const { ts } = z.object({ ts: z.string().optional() }).parse(await answer.json());
    if (ts !== undefined) return ts;
    await pause(1_000 * Number(answer.headers.get('retry-after') ?? 1));
  }
}

async function click({ ts, block, nonce }: Hung): Promise<void> {
  const container = { type: 'message', channel, ts };
  const action = { type: 'button', action_id: 'approval_approve', block_id: block, value: nonce };
  await post('/desk/action', { user: alice, container, action });
}

/** Presses the first button of that kind that Alice sees, once there is one. */
async function press(actionId: string): Promise<void> {
  const actions = z.object({
    type: z.literal('actions'),
    block_id: z.string(),
    elements: z.array(z.looseObject({ action_id: z.string() })),
  });
  await until(async () => {
    for (const { blocks, channel: place, ts } of (await look(alice)).messages)
      for (const block of blocks) {
        const found = actions.safeParse(block).data;
        const action = found?.elements.find(({ action_id: id }) => id === actionId);
        if (found === undefined || action === undefined) continue;
        const container = { type: 'message', channel: place, ts };
        await post('/desk/action', {
          user: alice,
          container,
          action: { ...action, type: 'button', block_id: found.block_id },
        });
        return true;
      }
    return false;
  });
}

async function look(user: string) {
  return snapshotSchema.parse(await (await fetch(`${desk}/desk/snapshot?user=${user}`)).json());
}

async function post(where: string, body: object): Promise<void> {
  const answer = await fetch(`${desk}${where}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { ok, error } = z
    .object({ ok: z.boolean(), error: z.string().optional() })
    .parse(await answer.json());
  if (!ok) throw new Error(`${where}: ${error}`);
}

async function until(reached: () => boolean | Promise<boolean>, limitMs = 180_000): Promise<void> {
  for (const end = performance.now() + limitMs; !(await reached()); await pause(10))
    if (performance.now() > end) throw new Error('It took too long');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
