import type { Handoff } from '../../domain/handoff.ts';
import type { Flow, Operation } from '../../ports/flow.ts';
import { findMarked, showSides, undoMerge } from '../../ports/stream-activities.ts';
import type { MergeOutcome } from '../../ports/workspace.ts';
import { askAgent } from '../ask.ts';
import type { RunContext } from '../pattern.ts';
import { about, incoming, type Merging, unresolved } from './merging.ts';

/** How often an agent may come back to files in which it left markers. */
const AGENT_ROUNDS = 2;

type Merged = Extract<MergeOutcome, { status: 'merged' }>;

interface Left {
  readonly merging: Merging;
  readonly outcome: Merged;
  /** Whose each file in conflict is. */
  readonly agents: ReadonlyMap<string, string>;
}

/** What a merge left marked is given to its agents; where they do not resolve it, the merge is taken back. */
export function* leaveToAgents(left: Left, input: Handoff, flow: Flow, context: RunContext): Operation<void> {
  const { merging, outcome, agents } = left;
  const open = outcome.resolutions.filter(({ took }) => took === 'marked').map(({ path }) => path);
  if (open.length === 0) return;
  const inside: RunContext = { ...context, stream: merging.into };
  try {
    for (const agent of new Set(agents.values())) {
      const paths = open.filter((path) => agents.get(path) === agent);
      if (paths.length > 0) yield* oneAgent(left, agent, paths, input, flow, inside);
    }
  } catch (error) {
    yield* flow.step(
      'undo',
      undoMerge,
      { into: merging.into, before: outcome.before },
      { label: 'taking the merge back' },
    );
    throw error;
  }
}

function* oneAgent(
  { merging, outcome }: Left,
  agent: string,
  paths: readonly string[],
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<void> {
  const { node, into } = merging;
  const { before, second } = outcome;
  const { files } = yield* flow.step(
    'sides',
    showSides,
    { into, before, second, paths: [...paths] },
    { label: 'looking at both sides' },
  );
  let left: readonly string[] = paths;
  for (let round = 1; round <= AGENT_ROUNDS && left.length > 0; round += 1) {
    const findings = round === 1 ? [] : left.map((path) => `${path} still holds conflict markers`);
    yield* askAgent(
      { node, line: `${node}:${agent}`, agent, task: taskFor(incoming(merging), left), output: 'work' },
      { ...input, result: { conflicts: files }, validation: { passed: false, quality: null, findings } },
      flow,
      context,
    );
    left = (yield* flow.step(
      'marked',
      findMarked,
      { stream: into, paths: [...paths] },
      { label: 'looking for conflict markers' },
    )).paths;
  }
  if (left.length > 0) throw unresolved(merging, left, `${agent} left conflict markers`);
  yield* flow.emit(
    ...paths.map((path) => ({
      type: 'conflict.resolved' as const,
      node,
      stream: about(merging),
      path,
      took: 'edited' as const,
      by: 'agent' as const,
      who: agent,
    })),
  );
}

function taskFor(stream: string, paths: readonly string[]): string {
  return [
    `The stream "${stream}" is being merged with what was merged before, and both changed the same places of these files: ${paths.join(', ')}.`,
    'Edit them so that what both sides meant is kept, and no conflict markers (<<<<<<<, =======, >>>>>>>) are left. A file without markers is there as one side has it. Change nothing else.',
    'What each side did stands in the result before: `first` is what was merged before, `second` is the stream.',
  ].join('\n');
}
