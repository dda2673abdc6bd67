import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '../db/open.ts';
import { createModelClient } from '../src/agents/model/model-client.ts';
import { toolDefinitions } from '../src/agents/tools.ts';
import { isTerminal } from '../src/domain/run.ts';
import { systemClock } from '../src/system-clock.ts';
import { turnEvents } from '../test/agents/model-server.ts';
import { coreAt, startRun, workflowOf } from '../test/support/core.ts';

/**
 * What the loop of an agent adds to the bare call of a model, per turn: prompt, limits, circuit, redaction, journal with
 * a synchronous commit, usage, events. The same server answers both, one after the other, in this one process.
 */
const TURNS = 300;
/** Turns of one task: as many as a task may take by itself. */
const PER_TASK = 30;
const SHORT_TASK = 5;
const BUDGET_MS = 5;
/** Turns of the tasks that are being measured. */
let perTask = PER_TASK;

/** Milliseconds between the end of an answer and the next question: what is not the model's own time. */
let gaps: number[] = [];
let endedAt: number | null = null;
const server = createServer((request, response) => {
  if (endedAt !== null) gaps.push(performance.now() - endedAt);
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    const turn = body.split('"role":"assistant"').length - 1;
    const last = turn >= perTask - 1;
    const events = turnEvents(
      'chat',
      last
        ? { text: JSON.stringify({ summary: 'Done', files: [], warnings: [] }) }
        : { calls: [{ name: `nothing-${turn}`, args: {} }] },
    );
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
    response.end('data: [DONE]\n\n');
    // The first turn of a task comes after a worktree was made, which is no turn's cost.
    endedAt = last ? null : performance.now();
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const baseUrl = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1`;

const home = mkdtempSync(path.join(tmpdir(), 'baton-bench-agents-'));
const limits = { turns: PER_TASK + 5, tokens: 1e7, timeout: '1h' };
const core = await coreAt(
  { home, url: baseUrl },
  {
    extraWorkflows: [
      workflowOf('loop', { kind: 'agent', id: 'build', agent: 'backend', task: 'Turn', limits }),
    ],
  },
);
core.engine.recover();
const client = createModelClient({ api: 'chat', apiKey: null, baseUrl, model: 'm', clock: systemClock });

try {
  await task(0);
  gaps = [];
  const cpu = process.cpuUsage();
  for (let n = 1; n <= TURNS / PER_TASK; n += 1) await task(n);
  const used = process.cpuUsage(cpu);
  const loop = gaps;
  // The same tasks with fewer turns: what is left of the difference is the turns' alone.
  perTask = SHORT_TASK;
  const shortCpu = process.cpuUsage();
  for (let n = 1; n <= TURNS / PER_TASK; n += 1) await task(TURNS + n);
  const shortUsed = process.cpuUsage(shortCpu);
  const ms = (of: NodeJS.CpuUsage): number => (of.user + of.system) / 1_000;
  const turnCpu = (ms(used) - ms(shortUsed)) / ((TURNS / PER_TASK) * (PER_TASK - SHORT_TASK));
  gaps = [];
  endedAt = null;
  const bareCpu = process.cpuUsage();
  const callMs = await bareCalls();
  const bareUsed = process.cpuUsage(bareCpu);
  const cpuOf = (of: NodeJS.CpuUsage): number => (of.user + of.system) / 1_000 / TURNS;
  const bare = gaps;
  console.log(`bare model call, whole            ${callMs.toFixed(2)} ms`);
  console.log(`between two bare calls            ${median(bare).toFixed(2)} ms (median of ${bare.length})`);
  console.log(
    `between two calls of the loop     ${median(loop).toFixed(2)} ms (median of ${loop.length}, worst ${Math.max(...loop).toFixed(1)})`,
  );
  console.log(
    `processor time of a turn          ${turnCpu.toFixed(2)} ms (user and system; ${cpuOf(used).toFixed(2)} with worktrees and ends of tasks)`,
  );
  console.log(
    `processor time of a bare call     ${cpuOf(bareUsed).toFixed(2)} ms (the model server's included in both)`,
  );
  console.log(`a durable commit of one row here  ${commitMs().toFixed(2)} ms (median; a turn makes one)`);
  const overhead = median(loop) - median(bare);
  const overheadCpu = turnCpu - cpuOf(bareUsed);
  console.log(
    `overhead of the loop, by the clock ${overhead.toFixed(2)} ms per turn, a durable commit included`,
  );
  console.log(
    `overhead of the loop, processor   ${overheadCpu.toFixed(2)} ms per turn (${BUDGET_MS} allowed; what else runs here does not count)`,
  );
  if (overheadCpu >= BUDGET_MS) process.exitCode = 1;
} finally {
  await core.stop();
  server.close();
  server.closeAllConnections();
  rmSync(home, { recursive: true, force: true });
}

/** The same transcripts, sent by the client alone. */
async function bareCalls(): Promise<number> {
  const signal = new AbortController().signal;
  const tools = toolDefinitions(['list', 'read', 'search', 'write', 'edit', 'run']);
  const startedAt = performance.now();
  for (let n = 0; n < TURNS; n += 1)
    await client.complete(
      {
        model: 'm',
        messages: [{ role: 'user', text: 'x'.repeat(8_000) }],
        tools,
        toolChoice: 'none',
        format: null,
        maxOutputTokens: 100,
      },
      signal,
    );
  return (performance.now() - startedAt) / TURNS;
}

async function task(n: number): Promise<void> {
  const runId = await startRun(core, 'loop', `bench-${n}`, 'Turn');
  // Only its status is asked for: reading what it tells would be measured, too.
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const status = (await core.store.runs.status(runId))?.status ?? 'queued';
    if (isTerminal(status) || status === 'paused') {
      off();
      if (status !== 'completed') throw new Error(`the task ended as ${status}`);
      break;
    }
    await next.promise;
    off();
  }
}

/** What the disk takes for the one thing that a turn cannot do without. */
function commitMs(): number {
  const store = openStore(path.join(home, 'commits', 'commits.db'));
  const insert = store.raw.prepare("insert into settings (key, value, at) values (?, '', 0)");
  const times = Array.from({ length: 200 }, (_, n) => {
    const startedAt = performance.now();
    insert.run(`key-${n}`);
    return performance.now() - startedAt;
  });
  store.close();
  return median(times);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
