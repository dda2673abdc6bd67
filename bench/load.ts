import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { type Snapshot, snapshotSchema, statsSchema } from '../desk/contract.ts';

/**
 * Slack's side of the promise: with 20 runs going and 50 commands in flight, every command is acknowledged within
 * 100 ms (99th percentile, at the desk: envelope out to ack in), nothing is sent faster than Slack allows, and no
 * message overtakes another of its lane and thread. `--check` makes a miss an error.
 */
const RUNS = 20;
const IN_FLIGHT = 50;
const VOLLEYS = 4;

const home = mkdtempSync(path.join(tmpdir(), 'baton-load-'));
const entry = fileURLToPath(new URL('../bin/baton.mjs', import.meta.url));
const baton = spawn(process.execPath, [entry, 'start'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, BATON_HOME: home, PORT: '0' },
});
const desk = await deskOf();
const { alice, channels } = await people();

const before = await stats();
for (let i = 0; i < RUNS; i += 1) void command(`feature Add CSV export, part ${i + 1}`, i);
const started = await startPlans(RUNS);
const idle = await stats();
for (let volley = 0; volley < VOLLEYS; volley += 1) {
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, (_, i) =>
      command(['list', 'status', 'help', 'show', 'lsit'][i % 5] ?? 'help', i),
    ),
  );
}
const after = await stats();
const acks = after.ackMs.slice(idle.ackMs.length).sort((a, b) => a - b);
const all = after.ackMs.slice(before.ackMs.length).sort((a, b) => a - b);
await quiet();
const end = await stats();
const limited = Object.values(end.calls).reduce((sum, { limited: n }) => sum + n, 0);
const disorder = outOfOrder();
baton.kill('SIGTERM');
await new Promise((resolve) => baton.once('exit', resolve));
rmSync(home, { recursive: true, force: true });

const p99 = at(acks, 0.99);
console.log(`runs going            ${started}`);
console.log(`commands in flight    ${IN_FLIGHT} x ${VOLLEYS}; ${acks.length} envelopes acknowledged`);
console.log(
  `ack p50 / p99 / max   ${at(acks, 0.5).toFixed(1)} / ${p99.toFixed(1)} / ${at(acks, 1).toFixed(1)} ms (all envelopes of the run: p99 ${at(all, 0.99).toFixed(1)} ms of ${all.length})`,
);
console.log(`429 from the desk     ${limited}`);
console.log(`posts, doubled        ${end.posts}, ${end.doubledPosts}`);
console.log(`out of order          ${disorder}`);
const good = started === RUNS && p99 < 100 && limited === 0 && end.doubledPosts === 0 && disorder === 0;
if (process.argv.includes('--check') && !good) process.exitCode = 1;

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

async function deskOf(): Promise<string> {
  for (;;) {
    try {
      const { url } = z
        .object({ url: z.string() })
        .parse(JSON.parse(readFileSync(path.join(home, 'desk', 'desk.json'), 'utf8')));
      const snapshot = snapshotSchema.parse(await (await fetch(`${url}/desk/snapshot?user=nobody`)).json());
      if (snapshot.app.connected) return url;
    } catch {
      // Not up yet.
    }
    await pause(100);
  }
}

async function people(): Promise<{ readonly alice: string; readonly channels: readonly string[] }> {
  const snapshot = await look('nobody');
  const person = snapshot.people.find(({ name }) => name === 'alice')?.id ?? '';
  const open = snapshot.channels.filter(
    ({ members, kind }) =>
      kind !== 'im' && members.includes(person) && members.includes(snapshot.app.botUser),
  );
  return { alice: person, channels: open.map(({ id }) => id) };
}

async function look(user: string): Promise<Snapshot> {
  return snapshotSchema.parse(await (await fetch(`${desk}/desk/snapshot?user=${user}`)).json());
}

async function stats() {
  return statsSchema.parse(await (await fetch(`${desk}/desk/stats`)).json());
}

async function post(where: string, body: object): Promise<void> {
  const answer = await fetch(`${desk}${where}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await answer.text();
}

function command(text: string, i: number): Promise<void> {
  return post('/desk/command', {
    user: alice,
    channel: channels[i % channels.length],
    command: '/orchestrate',
    text,
  });
}

/** Presses Start on every plan as it comes, until all have been started. */
async function startPlans(wanted: number): Promise<number> {
  const pressed = new Set<string>();
  for (
    const limit = performance.now() + 180_000;
    pressed.size < wanted && performance.now() < limit;
    await pause(200)
  ) {
    const buttons = z.object({
      type: z.literal('actions'),
      block_id: z.string(),
      elements: z.array(z.looseObject({ action_id: z.string(), value: z.string().optional() })),
    });
    for (const message of (await look(alice)).messages) {
      for (const block of message.blocks) {
        const parsed = buttons.safeParse(block);
        const start = parsed.data?.elements.find(({ action_id: id }) => id === 'plan_start');
        if (parsed.data === undefined || start === undefined || pressed.has(message.ts)) continue;
        pressed.add(message.ts);
        await post('/desk/action', {
          user: alice,
          container: { type: 'message', channel: message.channel, ts: message.ts },
          action: { ...start, type: 'button', block_id: parsed.data.block_id },
        });
      }
    }
  }
  return pressed.size;
}

/** Until nothing has been posted or rewritten for a while: the runs wait for their approvals. */
async function quiet(): Promise<void> {
  let last = -1;
  for (let still = 0, i = 0; still < 8 && i < 240; i += 1) {
    await pause(1_000);
    const { calls } = await stats();
    const sent = Object.values(calls).reduce((sum, { calls: n }) => sum + n, 0);
    still = sent === last ? still + 1 : 0;
    last = sent;
  }
}

/** Pairs of one lane and thread whose order in Slack is not the order in which they were queued. */
function outOfOrder(): number {
  const database = new Database(path.join(home, 'baton.db'), { readonly: true });
  const rows = z
    .array(z.object({ place: z.string(), ts: z.string() }))
    .parse(
      database
        .prepare(
          "select o.lane || ' ' || coalesce(o.thread, o.key) as place, m.ts as ts from outbox o join messages m on m.key = o.key where o.kind = 'post' order by o.id",
        )
        .all(),
    );
  database.close();
  const last = new Map<string, string>();
  let wrong = 0;
  for (const { place, ts } of rows) {
    if ((last.get(place) ?? '') > ts) wrong += 1;
    last.set(place, ts);
  }
  return wrong;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
