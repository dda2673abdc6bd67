import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { CastFileError, loadCasts } from '../cast/load.ts';
import { startCast } from '../cast/server.ts';
import { loadCatalog, SHIPPED } from '../compose/catalog.ts';
import { type Core, createCore } from '../compose/core.ts';
import type { Config } from '../config/config.ts';
import type { StoredEvent } from '../domain/events.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { isTerminal } from '../domain/run.ts';
import type { Workflow } from '../domain/workflow.ts';
import { createRedactor } from '../policy/redact.ts';
import type { Directory } from '../ports/directory.ts';
import { systemClock } from '../system-clock.ts';
import { configFromEnvironment } from './environment.ts';
import { readWorkflowFile } from './read-workflow.ts';

const TEAM = 'local';
const REQUESTER = 'you';
/** Whoever answers approvals here: recorded as such, never as a person. */
const ANSWERER = 'command-line';
const PAGE = 500;

/** There is no directory of people at a terminal: whoever answers there is taken at their word, and is in no group. */
const everybody: Directory = {
  person: async (id, team) => ({ id, team, isBot: false, isGuest: false, isStranger: false }),
  members: async () => [],
  zone: async () => null,
};

const inputSchema = z.union([z.string().min(1), z.object({ request: z.string().min(1) }).loose()]);

/**
 * `baton run FILE`: executes a workflow file without Slack, in a home of its own that goes afterwards; branches stay
 * in the repository. With `--cast` the agents' words come from that file. Approvals are answered yes unless
 * `--reject` says otherwise, and the output says so; commands without a sandbox need `--unsandboxed`.
 * @returns 0 completed, 1 failed, 2 wrong arguments
 */
export async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      input: { type: 'string', default: '"Try this workflow"' },
      cast: { type: 'string' },
      repo: { type: 'string' },
      json: { type: 'boolean', default: false },
      reject: { type: 'boolean', default: false },
      unsandboxed: { type: 'boolean', default: false },
    },
  });
  const [file] = positionals;
  if (file === undefined) {
    console.error('Which file? baton run FILE --input \'{"request": "..."}\' --cast CAST.yaml --json');
    return 2;
  }
  const config = configFromEnvironment();
  const workflow = readWorkflowFile(
    file,
    loadCatalog(config.home, {
      runners: config.runners,
      mcp: config.mcp.servers,
      events: config.events.declared,
    }).rules,
  );
  const request = readInput(values.input);
  const cast =
    values.cast === undefined && config.model.mode === 'model'
      ? null
      : await startCast({
          casts: await readCasts(values.cast === undefined ? shippedCasts() : [values.cast]),
          delayMs: 0,
          port: 0,
        });
  const home = mkdtempSync(path.join(tmpdir(), 'baton-run-'));
  const core = await createCore(coreOptions(config, home, workflow, cast?.url ?? null));
  try {
    core.engine.recover();
    const say = values.json
      ? (line: object) => console.log(JSON.stringify(line))
      : (line: object) => console.log(plainLine(line));
    return await follow(
      core,
      {
        workflow: workflow.name,
        request,
        repository: values.repo ?? config.repository,
        answers: { reject: values.reject, unsandboxed: values.unsandboxed },
      },
      say,
    );
  } finally {
    await core.stop();
    await cast?.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function readCasts(files: string[]): Promise<Awaited<ReturnType<typeof loadCasts>>> {
  try {
    return await loadCasts(files);
  } catch (error) {
    if (!(error instanceof CastFileError)) throw error;
    throw new BatonError(
      { class: 'terminal', code: 'cast_invalid', message: error.message, hint: 'Nothing was run.' },
      error,
    );
  }
}

function readInput(text: string): string {
  let data: unknown = text;
  try {
    data = JSON.parse(text);
  } catch {
    // Plain words are a request as they are.
  }
  const input = inputSchema.safeParse(data);
  if (!input.success)
    throw new BatonError({
      class: 'terminal',
      code: 'input_invalid',
      message: '--input is the request, or JSON such as {"request": "Add CSV export"}',
      hint: 'Nothing was run.',
    });
  return typeof input.data === 'string' ? input.data : input.data.request;
}

function shippedCasts(): string[] {
  return ['csv-export.yaml', 'generic.yaml'].map((name) => path.join(SHIPPED, 'casts', name));
}

function coreOptions(config: Config, home: string, workflow: Workflow, castUrl: string | null) {
  const model =
    config.model.mode === 'model' && castUrl === null
      ? config.model
      : { api: 'responses' as const, apiKey: 'rehearsal', baseUrl: castUrl ?? '', model: 'rehearsal' };
  return {
    home,
    clock: systemClock,
    redact: createRedactor(config.secrets),
    model,
    rehearsal: castUrl !== null,
    repository: config.repository,
    policy: config.policy,
    directory: everybody,
    requests: config.requests,
    people: config.people,
    flags: config.flags,
    resources: config.resources,
    // Nothing subscribes to what a single run does.
    events: { ...config.events, subscriptions: [] },
    prices: config.prices,
    runners: config.runners,
    mcp: config.mcp,
    rates: config.rates,
    budget: config.budget,
    stepLimits: config.stepLimits,
    cacheAnswers: config.cacheAnswers,
    ...(castUrl === null ? { backups: config.backups, limits: config.limits } : {}),
    repositories: null,
    catalogHome: config.home,
    sshAuthSock: config.sshAuthSock,
    extraAuthorities: config.extraAuthorities,
    commandMemoryBytes: config.commandMemoryBytes,
    commandDiskBytes: config.commandDiskBytes,
    extraWorkflows: [workflow],
    onStoreTrouble: (error: unknown) => {
      if (error !== null) console.error(`The journal cannot be written: ${toFailure(error).message}`);
    },
  };
}

/** How approvals are answered when nobody is there. */
interface Answers {
  readonly reject: boolean;
  readonly unsandboxed: boolean;
}

interface Job {
  readonly workflow: string;
  readonly request: string;
  readonly repository: string | null;
  readonly answers: Answers;
}

/** Prints every event as it is committed, answers approvals, and ends with the run. */
async function follow(core: Core, job: Job, say: (line: object) => void): Promise<number> {
  const wake: { resolve: () => void } = { resolve: () => undefined };
  const off = core.engine.onCommit(() => wake.resolve());
  const now = systemClock.now();
  const session = await core.orchestrator.start({
    ...job,
    intent: `run:${now}:${process.pid}`,
    receivedAt: now,
    team: TEAM,
    channel: 'terminal',
    requester: REQUESTER,
    autoStart: true,
  });
  const runId = session.currentRunId;
  for (let seq = 0; ; ) {
    const waiting = new Promise<void>((resolve) => {
      wake.resolve = resolve;
    });
    const events = await core.store.projections.events(runId, seq, PAGE);
    for (const stored of events) {
      seq = stored.seq;
      say(lineOf(stored));
      if (stored.event.type === 'approval.requested')
        await answer(core, stored.event.approvalId, job.answers, say);
      if (stored.event.type === 'person.asked') await leaveOut(core, stored.event.taskId, say);
    }
    const run = await core.store.runs.status(runId);
    if (run !== null && events.length === 0 && (isTerminal(run.status) || run.status === 'paused')) {
      off();
      // Nobody can resume it here: its worktree must not stay behind in the person's repository.
      if (run.status === 'paused') await core.orchestrator.stop(runId, REQUESTER);
      say({ type: 'end', status: run.status, outcome: run.outcome });
      return run.status === 'completed' ? 0 : 1;
    }
    if (events.length === 0) await waiting;
  }
}

async function answer(
  core: Core,
  approvalId: string,
  answers: Answers,
  say: (line: object) => void,
): Promise<void> {
  const approval = await core.store.approvals.byId(approvalId);
  if (approval === null) return;
  // Going without a sandbox is never a matter of course, not even here.
  const unsandboxed = approval.subject.payload.includes('"kind":"unsandboxed"');
  const verdict = (unsandboxed ? answers.unsandboxed : !answers.reject) ? 'approve' : 'reject';
  const by = await everybody.person(ANSWERER, TEAM, true);
  const decided = await core.orchestrator.approvals.decide(
    { nonce: approval.nonce, by, place: ANSWERER },
    verdict,
    'Answered by baton run, not by a person',
  );
  say({
    type: 'answered',
    approvalId,
    title: approval.subject.title,
    verdict,
    by: ANSWERER,
    accepted: decided?.ok ?? false,
  });
}

/** Nobody is there to do it: it is left out, which the run's end warns of. */
async function leaveOut(core: Core, taskId: string, say: (line: object) => void): Promise<void> {
  const task = await core.store.personTasks.byId(taskId);
  if (task === null) return;
  const by = await everybody.person(REQUESTER, TEAM, true);
  const about = { nonce: task.nonce, intent: `run:${taskId}`, by };
  const left = await core.persons.skip(about, 'baton run has nobody who could do it');
  say({ type: 'left_out', taskId, task: task.task, accepted: left?.ok ?? false });
}

function lineOf({ seq, at, event }: StoredEvent): object {
  return { seq, at: new Date(at).toISOString(), ...event };
}

/** One short line per event for people; `--json` has it all. */
function plainLine(line: object): string {
  const {
    seq,
    at: _at,
    type,
    ...rest
  } = z.looseObject({ seq: z.number().optional(), at: z.string().optional(), type: z.string() }).parse(line);
  const words = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(seq ?? '').padStart(4)} ${type} ${words.join(' ')}`.slice(0, 200);
}
