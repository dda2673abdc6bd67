import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openAccess } from '../../src/domain/access.ts';
import { requestDefaultsSchema } from '../../src/domain/start-options.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts';
import { Roles } from '../../src/orchestrator/roles.ts';
import { WorkspaceRegistry } from '../../src/orchestrator/workspace-registry.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import type { Engine } from '../../src/ports/engine.ts';
import { NOW, type TempStore, tempStore } from '../db/support.ts';
import { role } from '../patterns/driver.ts';
import { approvalsOver } from '../support/approvals.ts';
import { everybody } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type Bench, bench, git } from '../workspace/support.ts';

/** Stopping over real worktrees: what the Stop button says becomes of the work. */
const workflow: Workflow = {
  name: 'feature',
  title: 't',
  description: 'd',
  how: 'h',
  why: 'w',
  flow: { kind: 'agent', id: 'build', agent: 'backend', task: 't' },
};

let t: TempStore;
let b: Bench;
let registry: WorkspaceRegistry;
let orchestrator: Orchestrator;
/** What the engine makes of a cancel: the run may have ended by itself just before. */
let ends: 'cancelled' | 'completed';
/** Whether the process goes down right after the engine has ended the run. */
let dies: boolean;

beforeEach(async () => {
  t = tempStore();
  b = await bench();
  ends = 'cancelled';
  dies = false;
  renew();
});

/** As after a start: nothing is remembered but what is stored. */
function renew(): void {
  const { store } = t;
  registry = new WorkspaceRegistry({
    workspaces: b.workspaces,
    runs: store.runs,
    projections: store.projections,
  });
  const engine: Engine = {
    start: async () => undefined,
    signal: async () => undefined,
    cancel: async (id) => {
      t.status(ends, id);
      if (dies) throw new Error('The process is gone.');
    },
    pause: async () => undefined,
    resume: async () => undefined,
    status: async () => null,
    wake: () => undefined,
    onCommit: () => () => undefined,
  };
  orchestrator = new Orchestrator({
    engine,
    store,
    catalog: { workflows: new Map([['feature', workflow]]), roles: new Map([['backend', role('backend')]]) },
    interpreter: new Interpreter(patterns),
    registry,
    approvals: approvalsOver(store, registry, new VirtualClock(NOW)),
    roles: new Roles({ access: openAccess, directory: everybody }),
    clock: new VirtualClock(NOW),
    defaultRepository: b.repository,
    requests: () => requestDefaultsSchema.parse({}),
    repositories: null,
    redact: (text: string) => text,
  });
}
afterEach(async () => {
  t.remove();
  await b[Symbol.asyncDispose]();
});

/** A run in the middle of its work, with a file that no snapshot holds yet. */
async function underWay() {
  const { currentRunId: runId } = await orchestrator.start({
    intent: 'i',
    receivedAt: NOW,
    team: 'T1',
    channel: 'C1',
    requester: 'U-alice',
    workflow: 'feature',
    request: 'Add CSV export',
    repository: null,
  });
  const { branch } = await registry.input(runId);
  t.status('running', runId);
  const { info } = await registry.open(runId, b.repository, branch, b.head());
  const ready = { type: 'workspace.ready', branch, base: info.base, sandbox: 'none' } as const;
  t.journal.commit([{ w: 'event', runId, event: ready, at: NOW }]);
  await writeFile(path.join(info.path, 'half.txt'), 'half done\n');
  return { runId, branch, folder: info.path };
}

test('what was done so far is on the branch, marked as unfinished, and the worktree is gone', async () => {
  const { runId, branch, folder } = await underWay();
  expect(await orchestrator.stop(runId, 'U-alice')).toBe('done');
  expect(git(b.repository, 'show', `${branch}:half.txt`)).toBe('half done');
  expect(git(b.repository, 'log', '-1', '--format=%B', branch)).toContain('Unfinished: Stopped by hand');
  await expect(rm(folder, { recursive: true })).rejects.toThrow('ENOENT');
});

test('the same stop again changes nothing and is told the same', async () => {
  const { runId, branch } = await underWay();
  await orchestrator.stop(runId, 'U-alice');
  const tip = git(b.repository, 'rev-parse', branch);
  expect(await orchestrator.stop(runId, 'U-alice')).toBe('done');
  expect(git(b.repository, 'rev-parse', branch)).toBe(tip);
});

test('a stop that was cut off between the end of the run and its branch is carried through when it comes again', async () => {
  const { runId, branch, folder } = await underWay();
  dies = true;
  await expect(orchestrator.stop(runId, 'U-alice')).rejects.toThrow('gone');
  expect(git(b.repository, 'rev-parse', branch)).toBe(b.head());
  dies = false;
  renew();
  expect(await orchestrator.stop(runId, 'U-alice')).toBe('done');
  expect(git(b.repository, 'show', `${branch}:half.txt`)).toBe('half done');
  expect(git(b.repository, 'log', '-1', '--format=%B', branch)).toContain('Unfinished: Stopped by hand');
  await expect(rm(folder, { recursive: true })).rejects.toThrow('ENOENT');
});

test('a stop that comes again later does not make a branch anew that people have deleted', async () => {
  const { runId, branch } = await underWay();
  await orchestrator.stop(runId, 'U-alice');
  git(b.repository, 'branch', '-D', branch);
  renew();
  expect(await orchestrator.stop(runId, 'U-alice')).toBe('done');
  expect(git(b.repository, 'for-each-ref', 'refs/heads/baton')).toBe('');
});

test('a run that ended by itself in that moment keeps its own end', async () => {
  const { runId, branch } = await underWay();
  ends = 'completed';
  await orchestrator.stop(runId, 'U-alice');
  expect(git(b.repository, 'rev-parse', branch)).toBe(b.head());
  expect(await orchestrator.stop(runId, 'U-alice')).toBe('already');
});

test('a plan that was not started yet has nothing to keep', async () => {
  const { currentRunId: runId } = await orchestrator.start({
    intent: 'i',
    receivedAt: NOW,
    team: 'T1',
    channel: 'C1',
    requester: 'U-alice',
    workflow: 'feature',
    request: 'Add CSV export',
    repository: null,
  });
  expect(await orchestrator.stop(runId, 'U-alice')).toBe('done');
  expect(git(b.repository, 'for-each-ref', 'refs/heads/baton')).toBe('');
});
