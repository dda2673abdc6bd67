import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { EventLog } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { openStore } from '../../db/open.ts';
import { createStore } from '../../db/store.ts';
import { openAccess } from '../../src/domain/access.ts';
import type { Approval } from '../../src/domain/approval.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { BatonError } from '../../src/domain/failure.ts';
import { asJson } from '../../src/domain/json.ts';
import type { PersonTask } from '../../src/domain/person-task.ts';
import { isRollbackRun } from '../../src/domain/rollback.ts';
import type { RunSpec } from '../../src/domain/run.ts';
import { EmbeddedEngine } from '../../src/engine/engine.ts';
import { personTaskActivities } from '../../src/orchestrator/activities/person-tasks.ts';
import { closeWorkspace, openWorkspace } from '../../src/orchestrator/contracts.ts';
import { Findings } from '../../src/orchestrator/findings.ts';
import { payloadKind } from '../../src/orchestrator/payloads.ts';
import { PersonDesk } from '../../src/orchestrator/person-desk.ts';
import { Roles } from '../../src/orchestrator/roles.ts';
import { rollbackActivities, rollbackDigest } from '../../src/orchestrator/rollback/activities.ts';
import { rollbackProgram } from '../../src/orchestrator/rollback/program.ts';
import { Rollbacks } from '../../src/orchestrator/rollback/rollbacks.ts';
import { WorkspaceRegistry } from '../../src/orchestrator/workspace-registry.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { expireApproval, nudgeApproval, takeSnapshot } from '../../src/ports/activities.ts';
import { type Activity, contract, implement } from '../../src/ports/activity.ts';
import type { Program } from '../../src/ports/flow.ts';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { BreakableJournal } from '../engine/rig.ts';
import { approvalsOver } from '../support/approvals.ts';
import { everybody, member } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { git, NO_SANDBOX, put } from '../workspace/support.ts';
import { PART, part, photos, stage, tell, write } from './pieces.ts';

export const TARGET = 'run_target';
const BRANCH = 'baton/work';

const fail = contract('fail', z.object({}), z.object({}));

/** What the work of a test is: three files, a good state kept after the first two, then a wait; and perhaps a failure. */
function work({ fails, person, goesOn, notes }: WorldOptions): Program {
  return {
    name: 'session',
    version: 1,
    *run(definition, input, flow) {
      const { runId } = z.object({ runId: z.string() }).parse(input);
      yield* flow.emit({ type: 'plan.started', by: 'U-alice' });
      const at = yield* flow.now('first');
      const base = z.object({ base: z.string() }).parse(definition).base;
      yield* flow.step('open', openWorkspace, { location: '', branch: BRANCH, base });
      yield* flow.emit({ type: 'workspace.ready', branch: BRANCH, base, sandbox: 'none' });
      if (person === 'beside')
        yield* flow.all('beside', [
          { name: 'photos', run: (inner) => photos(inner) },
          { name: 'one', run: (inner) => stage('one', at, inner) },
        ]);
      else yield* stage('one', at, flow);
      if (person === 'between') yield* photos(flow);
      if (notes === true) {
        yield* tell('one', flow);
        yield* flow.child('part', PART, z.null());
      }
      yield* stage('two', at, flow);
      if (person === 'last') yield* photos(flow);
      if (notes === true) yield* tell('two', flow);
      yield* flow.step('three', write, { file: 'three.txt' });
      if (fails === true) yield* flow.step('fail', fail, {}, { giveUp: 'throw' });
      else yield* flow.waitSignal('go', 'go', z.string());
      if (goesOn === true) {
        yield* flow.step('again', write, { file: 'three.txt' });
        yield* flow.waitSignal('end', 'end', z.string());
      }
      return { runId };
    },
  };
}

export interface WorldOptions {
  readonly fails?: boolean;
  /** After its wait it writes the last file once more, as it is, and waits again. */
  readonly goesOn?: boolean;
  readonly policy?: unknown;
  /** After each stage something is told to other agents, and in a part between the two. */
  readonly notes?: boolean;
  /** Where a person does a piece of the work: beside the first stage, between the two, or after both. */
  readonly person?: 'beside' | 'between' | 'last';
}

/** A run in a real repository, with an engine that can be killed at any call that a rollback makes. */
export async function rollbackWorld(options: WorldOptions = {}) {
  const root = mkdtempSync(path.join(tmpdir(), 'rollback-'));
  const repository = path.join(root, 'web');
  await put(repository, { 'README.md': 'hello\n' });
  git(repository, 'init', '-q', '-b', 'main');
  git(repository, 'add', '-A');
  git(repository, 'commit', '-q', '-m', 'First');
  const base = git(repository, 'rev-parse', 'HEAD');
  const clock = new VirtualClock();
  /** Calls left before the process dies: a call beyond them never returns. */
  let left = Number.POSITIVE_INFINITY;
  let counted = 0;
  let dead: (() => void) | null = null;
  const step = async (): Promise<void> => {
    counted += 1;
    left -= 1;
    if (left >= 0) return;
    dead?.();
    await new Promise(() => undefined);
  };
  /** Each call may be the last, just before it or just after. */
  const mortal = <T extends object>(part: T, names: readonly string[]): T =>
    new Proxy(part, {
      get: (from, name, receiver) => {
        const value: unknown = Reflect.get(from, name, receiver);
        if (typeof value !== 'function' || !names.includes(String(name))) return value;
        return async (...args: unknown[]) => {
          await step();
          const result: unknown = await Reflect.apply(value, from, args);
          await step();
          return result;
        };
      },
    });

  function begin(crashed: boolean) {
    const opened = openStore(path.join(root, 'baton.db'));
    const log = new EventLog(opened.raw);
    const real = createStore(opened.db, log);
    const store = {
      ...real,
      sessions: mortal(real.sessions, ['fork']),
      approvals: mortal(real.approvals, ['take', 'voidAll']),
      decisions: mortal(real.decisions, ['record']),
    };
    const plain = createWorkspaces({ home: path.join(root, 'home'), sandbox: NO_SANDBOX });
    const workspaces = mortal(plain, ['close', 'open']);
    const registry = new WorkspaceRegistry({ workspaces, runs: store.runs, projections: store.projections });
    const settings = readPolicy(options.policy ?? { expire_after: '24h' }, {});
    const findings = new Findings(settings);
    const approvals = approvalsOver(store, registry, clock, {
      digestNow: async (approval, now) => {
        if (payloadKind(approval.subject.payload) !== 'rollback') throw new Error('not asked here');
        return rollbackDigest({ store, registry, findings }, approval, now);
      },
      decided: ({ runId }) => engine.wake(runId),
    });
    const journal = new BreakableJournal(new SqliteJournal(opened.raw, log));
    const activities: Activity[] = [
      implement(openWorkspace, async ({ branch }, { runId }) => {
        const { info } = await registry.open(runId, repository, branch, base);
        return { ...info, allowUnsandboxed: true };
      }),
      implement(write, async ({ file }, { runId }) => {
        const { info } = await registry.of(runId, null);
        await writeFile(path.join(info.path, file), `by ${runId}\n`);
        return {};
      }),
      implement(takeSnapshot, async ({ node, at }, step_) => {
        const taken = await (await registry.of(step_.runId, null)).snapshot(`after-${node}`, at);
        step_.emit({ type: 'snapshot.taken', node, ...taken });
        return taken;
      }),
      implement(fail, async () => {
        throw new BatonError({ class: 'terminal', code: 'broken', message: 'It broke' });
      }),
      implement(closeWorkspace, async () => ({})),
      implement(nudgeApproval, async () => ({ told: null })),
      implement(expireApproval, async ({ approvalId, at }) => ({
        expired: await store.approvals.expire(approvalId, at),
      })),
      ...personTaskActivities({
        store,
        registry,
        directory: everybody,
        people: () => ({}),
        here: (ids) => ids,
      }),
      ...rollbackActivities({
        store,
        registry,
        findings,
        approvals,
        defaults: settings.base,
        engine: () =>
          mortal(
            {
              cancel: (id: string, why: string) => engine.cancel(id, why),
              wake: (id: string) => engine.wake(id),
            },
            ['cancel'],
          ),
        redact: (text) => text.replaceAll('hunter2', '[redacted]'),
      }),
    ];
    const engine: EmbeddedEngine = new EmbeddedEngine({
      journal,
      programs: [work(options), part, rollbackProgram],
      activities,
      clock,
      random: () => 0.5,
      crashed,
      onStoreTrouble: () => undefined,
    });
    const rollbacks = new Rollbacks({
      store,
      registry,
      engine,
      clock,
      roles: new Roles({ access: openAccess, directory: everybody }),
      resume: async () => 'done',
    });
    const persons = new PersonDesk({
      tasks: store.personTasks,
      directory: everybody,
      people: () => ({}),
      engine,
      clock,
      redact: (text) => text,
    });
    return { persons, opened, log, store, registry, findings, approvals, journal, engine, rollbacks };
  }

  let life = begin(false);
  const until = async (reached: () => Promise<boolean>, what: string): Promise<void> => {
    for (const end = performance.now() + 20_000; !(await reached()); ) {
      if (performance.now() > end) throw new Error(`Never came: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  };
  const status = async (id: string) => (await life.store.runs.status(id))?.status ?? 'unknown';
  /** Whether a run has written its last file and waits for its word, not for a part of it. */
  const wrote = async (id: string): Promise<boolean> =>
    life.log
      .after(id, 0, 10_000)
      .some(({ event }) => event.type === 'step.completed' && event.key === 'three') &&
    (await status(id)) === 'waiting';
  const input = {
    runId: TARGET,
    sessionId: 'ses_1',
    team: 'T1',
    requester: 'U-alice',
    request: 'Write three files',
    repository,
    branch: BRANCH,
    autoStart: true,
  };
  const spec: RunSpec = {
    program: 'session',
    programVersion: 1,
    definition: { base },
    input: asJson(input),
    hash: 'h',
  };
  const session = {
    id: 'ses_1',
    team: 'T1',
    channel: 'C1',
    requester: 'U-alice',
    request: input.request,
    workflow: 'feature',
    repository,
    createdAt: clock.now(),
    currentRunId: TARGET,
  };
  await life.store.sessions.create(session, spec, {
    id: 'dec_1',
    kind: 'workflow',
    actor: 'U-alice',
    actorKind: 'person',
    choice: 'feature',
    reason: '',
    alternatives: [],
    evidence: {},
  });
  life.engine.wake(TARGET);

  return {
    repository,
    base,
    clock,
    get life() {
      return life;
    },
    status,
    wrote,
    until,
    /** Until the run has written everything and waits, then held; or until it failed. */
    async worked(): Promise<void> {
      if (options.fails === true)
        return until(async () => (await status(TARGET)) === 'failed', 'the failure');
      // A part of it is waited for, too; a person before its files are written.
      const reached =
        options.notes === true ? () => wrote(TARGET) : async () => (await status(TARGET)) === 'waiting';
      await until(reached, 'the wait');
      await life.engine.pause(TARGET, {
        class: 'needs_person',
        code: 'paused_by_person',
        message: 'by hand',
      });
    },
    tasks: (runId: string) => life.store.personTasks.ofRun(runId),
    /** The open task of a run. */
    async asked(runId: string): Promise<PersonTask> {
      let found: PersonTask | undefined;
      await until(async () => {
        found = (await life.store.personTasks.ofRun(runId)).find(({ status: s }) => s === 'open');
        return found !== undefined && (await status(runId)) === 'waiting';
      }, 'the task');
      if (found === undefined) throw new Error('unreachable');
      return found;
    },
    /** Somebody hands in what came of it. */
    done: (task: PersonTask, words: string) =>
      life.persons.finish({ nonce: task.nonce, intent: words, by: member('UBEN', 'T1') }, null, words),
    current: async () => (await life.store.sessions.get('ses_1'))?.currentRunId ?? '',
    ask: (level: 'step' | 'state' | 'snapshot' | 'full', number: number | null = null, intent = 'i') =>
      life.rollbacks.ask({
        runId: TARGET,
        by: 'U-alice',
        level,
        number,
        place: null,
        intent,
        receivedAt: clock.now(),
      }),
    /** The one open question of a rollback. */
    async card(): Promise<Approval> {
      let found: Approval | undefined;
      await until(async () => {
        for (const id of (await life.store.runs.parts(TARGET)).filter(isRollbackRun))
          found = (await life.store.approvals.ofRun(id)).find(({ status: s }) => s === 'pending') ?? found;
        return found !== undefined;
      }, 'the question');
      if (found === undefined) throw new Error('unreachable');
      return found;
    },
    say: (approval: Approval, user = 'U-bob', verdict: 'approve' | 'reject' = 'approve') =>
      life.approvals.decide({ nonce: approval.nonce, by: member(user, 'T1'), place: 'C1' }, verdict, null),
    /** Until the rollback of this approval has ended, in whatever way. @returns what it told */
    async over(approval: Approval): Promise<string> {
      await until(
        async () => ['completed', 'failed', 'cancelled'].includes(await status(approval.runId)),
        'the end of the rollback',
      );
      return notes(life.log.after(approval.runId, 0, 10_000).map(({ event }) => event));
    },
    file: async (runId: string, name: string): Promise<string | null> => {
      const { info } = await life.registry.of(runId, null);
      return readFile(path.join(info.path, name), 'utf8').catch(() => null);
    },
    folder: async (runId: string) => (await life.registry.of(runId, null)).info.path,
    lost: () =>
      git(repository, 'for-each-ref', '--format=%(refname)', 'refs/baton/lost/').split('\n').filter(Boolean),
    /** From here on so many calls are made and then the process is gone; nothing of it is told. */
    async dieAfter(calls: number): Promise<boolean> {
      left = calls;
      counted = 0;
      const died = new Promise<boolean>((resolve) => {
        dead = () => resolve(true);
      });
      const done = until(async () => {
        const [rollback] = (await life.store.runs.parts(TARGET)).filter(isRollbackRun);
        return rollback !== undefined && ['completed', 'failed'].includes(await status(rollback));
      }, 'the end or the death').then(() => false);
      done.catch(() => undefined);
      return Promise.race([died, done]);
    },
    crash(): void {
      left = Number.POSITIVE_INFINITY;
      life.journal.dead = true;
      life.opened.close();
      life = begin(true);
      life.engine.recover();
    },
    get calls() {
      return counted;
    },
    async close(): Promise<void> {
      await life.engine.stop();
      life.opened.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export type RollbackWorld = Awaited<ReturnType<typeof rollbackWorld>>;

function notes(events: readonly RunEvent[]): string {
  return events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n');
}
