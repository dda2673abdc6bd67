import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Message } from '../../desk/contract.ts';
import { probeCgroups } from '../../src/workspace/sandbox/cgroups.ts';
import { Desk, hasButton } from '../e2e/support/desk.ts';
import { deskFileOf } from '../e2e/support/desk-file.ts';
import { ready, World } from '../e2e/support/processes.ts';
import { until } from '../e2e/support/wait.ts';
import { type Bomb, bombs } from './bombs.ts';

/**
 * `npm run bombs`: every bomb as a command of a run in a Baton started by `npm start`. While they go off `/orchestrate status`
 * is asked again and again: how long each answer took is printed, and one above a second fails. `npm run bombs -- NAME ...` only
 * those.
 */
const SLOWEST_MS = 1_000;
/** Milliseconds for one bomb from command to end; its own time is a few seconds. */
const END_MS = 90_000;
const DONE = /^(?:✅|❌|🛑|⏸|⚠️|⛔|🟥|🚫)/u;

const wanted = process.argv.slice(2);
const chosen = wanted.length === 0 ? bombs : bombs.filter(({ name }) => wanted.includes(name));
const world = new World();

function workflowOf({ name, argv, timeoutMs }: Bomb): string {
  return stringify({
    name,
    title: `Bomb ${name}`,
    description: 'Takes what it can get',
    how: 'It is set off',
    why: 'To see that it is held',
    flow: {
      kind: 'sequence',
      id: 'all',
      stages: [{ kind: 'command', id: 'bomb', run: [...argv], timeout: `${timeoutMs / 1_000}s` }],
    },
  });
}

/** Processes that have their folder in a worktree of this home, wherever they hang. */
function livingIn(home: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(path.join(home, 'worktrees'));
      } catch {
        return false;
      }
    });
}

/** Milliseconds between two questions: a channel takes one post a second, whoever asks. */
const PAUSE_MS = 1_300;

/** How long an answer to `status` takes, from the command to the message, in a channel where nothing else is told. */
async function askStatus(desk: Desk): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const answers = async () =>
    (await desk.snapshot('bob')).messages.filter(({ ephemeralFor }) => ephemeralFor !== null).length;
  const before = await answers();
  const asked = performance.now();
  await desk.orchestrate('bob', 'status', 'general');
  await until('An answer to status', async () => ((await answers()) > before ? true : null));
  return performance.now() - asked;
}

interface Row {
  readonly name: string;
  readonly end: string;
  readonly tookMs: number;
  readonly statusMs: number[];
}

async function setOff(desk: Desk, bomb: Bomb): Promise<Row> {
  const begun = performance.now();
  const answer = await desk.orchestrate('alice', `${bomb.name} set off ${bomb.name}`);
  if (!answer.ok) throw new Error(`${bomb.name} was not taken: ${answer.error}`);
  const names = ({ text }: Message): boolean => text.includes(`set off ${bomb.name} `);
  const card = await desk.message(
    'alice',
    `The plan of ${bomb.name}`,
    (each) => names(each) && hasButton(each, 'plan_start'),
  );
  await desk.click('alice', card, 'plan_start');
  const statusMs: number[] = [];
  let end: Message | null = null;
  const seen = new Set<string>();
  while (end === null) {
    if (performance.now() - begun > END_MS) throw new Error(`${bomb.name} did not end`);
    statusMs.push(await askStatus(desk));
    const { messages } = await desk.snapshot('alice');
    const approval = messages.findLast((each) => hasButton(each, 'approval_approve') && !seen.has(each.ts));
    if (approval !== undefined) {
      seen.add(approval.ts);
      await desk.click('bob', approval, 'approval_approve');
    }
    end = messages.find(({ ts, text }) => ts === card.ts && DONE.test(text)) ?? null;
  }
  return { name: bomb.name, end: end.text.split('\n')[0] ?? '', tookMs: performance.now() - begun, statusMs };
}

const failures: string[] = [];
try {
  const home = world.folder('home');
  const repository = world.folder('shop');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: repository,
    });
  git('init', '-q', '-b', 'main');
  writeFileSync(path.join(repository, 'README.md'), 'shop\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'First');
  mkdirSync(path.join(home, 'workflows'), { recursive: true });
  for (const bomb of chosen)
    writeFileSync(path.join(home, 'workflows', `${bomb.name}.yaml`), workflowOf(bomb));
  world.keepsServices(home);
  const baton = world.run({
    program: 'npm',
    args: ['start'],
    group: true,
    env: { BATON_HOME: home, PORT: '0', BATON_REPOSITORY: repository, CAST_DELAY_MS: '0' },
  });
  await ready(baton);
  const desk = new Desk(deskFileOf(home).url);
  const all: number[] = [];
  for (const bomb of chosen) {
    const row = await setOff(desk, bomb).catch((error: unknown) => {
      failures.push(`${bomb.name}: ${String(error).slice(0, 300)}`);
      return null;
    });
    if (row === null) continue;
    const slowest = Math.max(...row.statusMs);
    all.push(...row.statusMs);
    console.log(
      `${row.name.padEnd(22)} ${String(Math.round(row.tookMs)).padStart(6)} ms   status ${String(Math.round(slowest)).padStart(5)} ms at most of ${row.statusMs.length}   ${row.end.slice(0, 90)}`,
    );
    if (slowest > SLOWEST_MS) failures.push(`${row.name}: status took ${Math.round(slowest)} ms`);
  }
  const orphans = livingIn(home);
  if (orphans.length > 0) failures.push(`processes in worktrees: ${orphans.join(', ')}`);
  const { folders } = await probeCgroups();
  const groups = [...new Set(folders.values())].flatMap((folder) =>
    readdirSync(folder).filter((name) => name.startsWith('baton-')),
  );
  if (groups.length > 0) failures.push(`control groups that are left: ${groups.join(', ')}`);
  const sorted = all.toSorted((a, b) => a - b);
  console.log(
    `${chosen.length} bombs; status asked ${all.length} times: median ${Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)} ms, slowest ${Math.round(sorted.at(-1) ?? 0)} ms; processes left: ${orphans.length}`,
  );
  await baton.end('SIGTERM');
} finally {
  await world.clear();
}
for (const failure of failures) console.error(`FAILED ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
