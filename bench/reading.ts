import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { historyBlocks } from '../commands/history.ts';
import { EventLog } from '../db/event-log.ts';
import { SqliteJournal } from '../db/journal.ts';
import { openStore } from '../db/open.ts';
import { createStore } from '../db/store.ts';
import { createUsageReader } from '../db/usage.ts';
import { homeOf, spentBy } from '../src/compose/home.ts';
import type { RunEvent } from '../src/domain/events.ts';
import { Queries } from '../src/orchestrator/queries.ts';
import { runListBlocks } from '../src/slack/builders/answers.ts';
import { runLine } from '../src/slack/run-views.ts';

/**
 * What people look at, with 1,000 sessions in the store and one run of 30,000 events: how long each takes, what of it is
 * processor, and the longest that one turn of the event loop was held up by it (processor time, so that other load on
 * the machine counts less). `--check` makes a turn of more than 100 ms an error.
 */
const SESSIONS = 1_000;
const EVENTS = 30_000;
const LONGEST_MS = 100;
const NOW = Date.now();

const folder = mkdtempSync(path.join(tmpdir(), 'baton-reading-'));
const opened = openStore(path.join(folder, 'baton.db'));
const log = new EventLog(opened.raw);
const store = createStore(opened.db, log);
const journal = new SqliteJournal(opened.raw, log);
const asking = { team: 'T1', user: 'U1', channel: 'C1' };

for (let i = 0; i < SESSIONS; i += 1) await begin(i);
for (let done = 0; done < EVENTS; done += 1_000) emit('run_999', notes(1_000));

const rows = [
  await measured('status, first time', async () => {
    const runs = await new Queries(store).underWay(asking);
    return runListBlocks(
      runs.map((run) => runLine(run.view, { ...run, rehearsal: false, now: NOW })),
      false,
    );
  }),
  await measured('App Home, first time', async () =>
    homeOf(
      await new Queries(store).concerning('T1', 'U1'),
      await spentBy(createUsageReader(opened.raw), 'T1', 'U1', NOW),
      NOW,
    ),
  ),
  await measured('history of 30,000 events', async () => {
    const run = await new Queries(store).find(asking, '');
    if ((run?.view.seq ?? 0) < EVENTS)
      throw new Error('The run with the long history was not the one that was read');
    return historyBlocks(await store.audit.ofRun(run?.view.runId ?? ''), false);
  }),
];
for (const { what, wall, cpu, longest } of rows)
  console.log(
    `${what.padEnd(26)} ${wall.toFixed(0).padStart(6)} ms, processor ${cpu.toFixed(0).padStart(5)} ms, longest turn ${longest.toFixed(1).padStart(6)} ms`,
  );
opened.close();
rmSync(folder, { recursive: true, force: true });
if (process.argv.includes('--check') && rows.some(({ longest }) => longest > LONGEST_MS))
  process.exitCode = 1;

async function begin(i: number): Promise<void> {
  const runId = `run_${i}`;
  await store.sessions.create(
    {
      id: `ses_${i}`,
      team: 'T1',
      channel: 'C1',
      requester: 'U1',
      request: `Add CSV export, part ${i}`,
      workflow: 'feature',
      repository: '/r',
      createdAt: NOW + i,
      currentRunId: runId,
    },
    { program: 'session', programVersion: 1, definition: {}, input: {}, hash: 'hash' },
    {
      id: `dec_${i}`,
      kind: 'start',
      actor: 'U1',
      actorKind: 'person',
      choice: 'feature',
      reason: 'asked for',
      alternatives: [],
      evidence: {},
    },
  );
  emit(runId, [
    { type: 'run.status', status: 'running' },
    { type: 'node.started', node: 'build', kind: 'agent', agent: 'backend' },
    ...notes(10),
  ]);
}

function notes(count: number): RunEvent[] {
  return Array.from({ length: count }, (_, i) => ({ type: 'note', text: `note ${i}` }));
}

function emit(runId: string, events: readonly RunEvent[]): void {
  journal.commit(events.map((event) => ({ w: 'event', runId, event, at: NOW })));
}

async function measured(what: string, work: () => Promise<unknown>) {
  const used = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  let longest = 0;
  let last = used();
  let going = true;
  const turn = (): void => {
    const now = used();
    longest = Math.max(longest, now - last);
    last = now;
    if (going) setImmediate(turn);
  };
  setImmediate(turn);
  const before = { wall: performance.now(), cpu: used() };
  await work();
  const end = { wall: performance.now(), cpu: used() };
  going = false;
  longest = Math.max(longest, end.cpu - last);
  return { what, wall: end.wall - before.wall, cpu: end.cpu - before.cpu, longest };
}
