import { type Activity, implement, type StepContext } from '../../ports/activity.ts';
import {
  closeStreams,
  findMarked,
  followParent,
  mergeStream,
  openStream,
  saveState,
  showSides,
  takeIn,
  undoMerge,
} from '../../ports/stream-activities.ts';
import type { MergeOutcome } from '../../ports/workspace.ts';
import type { WorkspaceRegistry } from '../workspace-registry.ts';
import { tellMeetings } from './meetings.ts';
import { stepLabel } from './workspace.ts';

/** Characters of each side that an agent is shown of a file in conflict; the file itself is in its worktree. */
const SIDE_CHARS = 4_000;

/** Worktrees of streams: opened, saved, joined, closed. All of it may be repeated. */
export function streamActivities({
  registry,
  redact,
}: {
  readonly registry: WorkspaceRegistry;
  readonly redact: (text: string) => string;
}): Activity[] {
  return [
    implement(saveState, async ({ node, stream, at }, step) => {
      const workspace = await registry.of(step.runId, stream);
      const saved = await workspace.line.save(stepLabel(step.idempotencyKey), at);
      if (stream !== null) await tellMeetings(registry, stream, node, step);
      return saved;
    }),

    implement(openStream, async ({ node, stream, parent }, step) => {
      await registry.openStream(step.runId, stream, parent);
      step.emit({ type: 'stream.opened', node, stream, parent });
      return {};
    }),

    implement(mergeStream, async ({ node, stream, into, rules, choices, at }, step) => {
      const workspace = await registry.of(step.runId, into);
      const outcome = await workspace.line.merge({
        stream,
        rules,
        choices,
        label: stepLabel(step.idempotencyKey),
        at,
        idempotencyKey: step.idempotencyKey,
      });
      if (outcome.status === 'conflict') return outcome;
      tellRules(outcome, { node, stream }, step);
      step.emit({ type: 'stream.merged', node, stream, into, commit: outcome.commit, files: outcome.files });
      return outcome;
    }),

    implement(takeIn, async ({ node, stream, rules, choices, at }, step) => {
      const workspace = await registry.of(step.runId, stream);
      const outcome = await workspace.line.merge({
        stream: null,
        rules,
        choices,
        label: stepLabel(step.idempotencyKey),
        at,
        idempotencyKey: step.idempotencyKey,
      });
      if (outcome.status === 'merged') tellRules(outcome, { node, stream }, step);
      return outcome;
    }),

    implement(undoMerge, async ({ into, before }, { runId }) => {
      await (await registry.of(runId, into)).line.undo(before);
      return {};
    }),

    implement(followParent, async ({ stream }, { runId }) => {
      await (await registry.of(runId, stream)).line.follow();
      return {};
    }),

    implement(showSides, async ({ into, before, second, paths }, { runId }) => {
      const { line } = await registry.of(runId, into);
      const files: { path: string; first: string; second: string }[] = [];
      for (const path of paths) {
        const sides = await line.sidesOf({ path, before, second, maxChars: SIDE_CHARS });
        files.push({ path, first: redact(sides.first), second: redact(sides.second) });
      }
      return { files };
    }),

    implement(findMarked, async ({ stream, paths }, { runId }) => ({
      paths: await (await registry.of(runId, stream)).line.marked(paths),
    })),

    implement(closeStreams, async ({ streams, at }, { runId }) => {
      await registry.saveStreams(runId, at, streams);
      for (const stream of streams) await registry.closeStream(runId, stream);
      return {};
    }),
  ];
}

/** What people and agents decided is told by who asked them. */
function tellRules(
  { resolutions }: Extract<MergeOutcome, { status: 'merged' }>,
  { node, stream }: { readonly node: string; readonly stream: string },
  step: StepContext,
): void {
  for (const { path, took, by } of resolutions)
    if (by === 'rule' && took !== 'marked')
      step.emit({ type: 'conflict.resolved', node, stream, path, took, by: 'rule', who: null });
}
