import { BatonError } from '../../domain/failure.ts';
import { rootRun } from '../../domain/run.ts';
import { computeUsage } from '../../domain/usage.ts';
import { restoreSnapshot, runCommand, takeSnapshot } from '../../ports/activities.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ApprovalStore } from '../../ports/store.ts';
import type { Workspace, Workspaces } from '../../ports/workspace.ts';
import type { Approvals } from '../approvals.ts';
import type { CommandGate } from '../command-gate.ts';
import { closeWorkspace, inspectRepository, keepApproved, keepWork, openWorkspace } from '../contracts.ts';
import { changesDigest, type PayloadDeps } from '../payloads.ts';
import type { WorkspaceRegistry } from '../workspace-registry.ts';
import { tellMeetings } from './meetings.ts';

export interface WorkspaceDeps {
  readonly workspaces: Workspaces;
  readonly registry: WorkspaceRegistry;
  readonly gate: CommandGate;
  readonly approvals: Approvals;
  readonly store: Pick<ApprovalStore, 'byId'>;
  readonly payloads: PayloadDeps;
  readonly failingTests: (output: string) => readonly string[];
  readonly summariseTests: (output: string) => { readonly passed: number; readonly failed: number } | null;
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  /** US dollars for a second of a command; on one's own machine nothing. */
  readonly computeSecondUsd?: number;
}

/** Characters of output that the journal keeps of a command: the end, where the reason stands. */
const OUTPUT_KEPT = 16_000;
/** Files that are told one by one; the sums count them all. */
const FILES_KEPT = 500;
/** Last lines of output that an event keeps: what a person reads in the thread. */
const TAIL_LINES = 12;

/** Everything runs do to worktrees. All of it may be repeated. */
export function workspaceActivities(deps: WorkspaceDeps): Activity[] {
  const {
    workspaces,
    registry,
    gate,
    failingTests,
    summariseTests,
    redact,
    clock,
    computeSecondUsd = 0,
  } = deps;
  return [
    implement(inspectRepository, async ({ location, commit }) => {
      const report = await workspaces.inspect(location, commit);
      // Names of files are text from outside like any other.
      return { ...report, files: report.files.map(redact), warnings: report.warnings.map(redact) };
    }),

    implement(openWorkspace, async ({ location, branch, base }, { runId }) => {
      const workspace = await registry.open(runId, location, branch, base);
      const { sample } = await workspaces.inspect(location);
      return { ...workspace.info, allowUnsandboxed: sample };
    }),

    implement(takeSnapshot, async ({ node, stream, at }, step) => {
      const workspace = await registry.of(step.runId, stream);
      const snapshot = await workspace.snapshot(stepLabel(step.idempotencyKey), at);
      step.emit({ type: 'snapshot.taken', node, ...snapshot });
      if (stream !== null) await tellMeetings(registry, stream, node, step);
      return snapshot;
    }),

    implement(restoreSnapshot, async ({ node, stream, tree }, step) => {
      await (await registry.of(step.runId, stream)).restore(tree);
      step.emit({ type: 'snapshot.restored', node, tree });
      return {};
    }),

    implement(runCommand, async ({ node, stream, argv, timeoutMs }, step) => {
      const { runId, signal } = step;
      if (argv === null)
        throw new BatonError({
          class: 'structural',
          code: 'command_missing',
          message: 'A command step has no command',
        });
      const workspace = await registry.of(runId, stream);
      const allowUnsandboxed = await gate.pass({ runId, stream, argv, key: step.idempotencyKey });
      const startedAt = clock.monotonic();
      const done = await workspace.run({ argv, timeoutMs, signal, allowUnsandboxed });
      step.use(computeUsage(null, clock.monotonic() - startedAt, computeSecondUsd));
      const output = redact(done.output);
      const counts = summariseTests(output);
      const passed = counts?.passed ?? null;
      const failed = counts?.failed ?? null;
      const tail = done.exitCode === 0 ? '' : whatFailed(failingTests(output), output);
      step.emit({
        type: 'command.finished',
        node,
        command: argv.join(' '),
        exitCode: done.exitCode,
        passed,
        failed,
        tail,
      });
      return {
        ...done,
        output: output.slice(-OUTPUT_KEPT),
        passed,
        failed,
        argv,
      };
    }),

    implement(keepWork, async ({ tree, message, at }, { runId }) => {
      const workspace = await registry.of(runId, null);
      if (tree === null) await registry.saveStreams(runId, at);
      return commitTree(workspace, tree ?? (await workspace.snapshot('end', at)).tree, message, at);
    }),

    implement(keepApproved, async ({ tree, approvalId, message, at }, { runId, idempotencyKey }) => {
      const approval = await deps.store.byId(approvalId);
      // A part of a run may have asked for it.
      if (approval === null || rootRun(approval.runId) !== rootRun(runId)) return { notTaken: 'unknown' };
      const digest = await changesDigest(deps.payloads, approval, tree);
      const taken = await deps.approvals.take(approvalId, idempotencyKey, digest);
      if (!taken.ok) return { notTaken: taken.why };
      const workspace = await registry.of(runId, null);
      const done = await commitTree(workspace, tree, message, at);
      const now = await workspace.snapshot('end', at);
      if (now.tree === tree) return done;
      const { stat } = await (await registry.past(runId)).diff(tree, now.tree, 0);
      return { ...done, left: stat.files.slice(0, FILES_KEPT).map(({ path }) => path) };
    }),

    implement(closeWorkspace, async (_input, { runId }) => {
      await registry.close(runId);
      return {};
    }),
  ];
}

/** Repeated after a crash it makes the same commit. */
async function commitTree(workspace: Workspace, tree: string, message: string, at: number) {
  const { commit } = await workspace.commit({ tree, message, at });
  const { stat } = await workspace.diff(tree, 0);
  return { commit, tree, stat: { ...stat, files: stat.files.slice(0, FILES_KEPT) } };
}

/** A step's key as a part of a ref's name: what git refuses there becomes a dash. */
export function stepLabel(key: string): string {
  return key
    .slice(key.indexOf('/') + 1)
    .replace(/[^A-Za-z0-9/_-]+/g, '-')
    .replace(/\/+/g, '-')
    .slice(-120);
}

/** The names of what failed; where the runner names nothing, the end of what it said. */
function whatFailed(names: readonly string[], output: string): string {
  if (names.length > 0) return names.map((name) => `✖ ${name}`).join('\n');
  return output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
