import { createHash } from 'node:crypto';
import { toFailure } from '../../domain/failure.ts';
import type { Handoff } from '../../domain/handoff.ts';
import type { Flow, Operation } from '../../ports/flow.ts';
import { closeStreams, followParent, openStream, saveState } from '../../ports/stream-activities.ts';
import type { ConflictRule } from '../../ports/workspace.ts';
import type { RunContext } from '../pattern.ts';
import { mergeIn, type OnConflict, rulesOf } from './conflicts.ts';
import { stuck } from './merging.ts';

/** Hex digits that keep streams of one name apart: 40 bits, for a few hundred streams of one run. */
const DIGITS = 10;

interface Setting {
  /** The node whose branches these are. */
  readonly node: string;
  /** The path of its fiber: unique in the run, the same in a replay. */
  readonly path: string;
  /** Where it works itself, and what its streams are merged into. */
  readonly into: string | null;
  readonly rules: readonly ConflictRule[];
}

/**
 * The streams of one node while it runs: opened when they are first worked in, merged one at a time. Lives with the run's
 * generators and is never stored; the worktrees themselves are found again by their names.
 */
export class Streams {
  readonly #setting: Setting;
  readonly #open = new Set<string>();
  #merging = false;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  /** What a stream is called in this run. */
  nameOf(label: string): string {
    const { path } = this.#setting;
    return `${label}-${createHash('sha256').update(`${path}/${label}`).digest('hex').slice(0, DIGITS)}`;
  }

  isOpen(label: string): boolean {
    return this.#open.has(label);
  }

  /** Saves what the streams fork from. */
  *fork(flow: Flow): Operation<void> {
    yield* this.#save('fork', this.#setting.into, flow);
  }

  *open(label: string, flow: Flow): Operation<void> {
    const { node, into } = this.#setting;
    // Before it is asked for: an opening that fails may have made a part of it.
    this.#open.add(label);
    yield* flow.step(
      'open-stream',
      openStream,
      { node, stream: this.nameOf(label), parent: into },
      { label: `making a worktree for ${label}` },
    );
  }

  /** A branch in a worktree of its own, from the last fork to the end of its work, which is what a merge takes. */
  *branch(label: string, flow: Flow, work: (stream: string) => Operation<Handoff>): Operation<Handoff> {
    yield* this.open(label, flow);
    const end = yield* work(this.nameOf(label));
    yield* this.save(label, flow);
    return end;
  }

  /** What was worked in a stream is what a merge takes from now on. */
  *save(label: string, flow: Flow): Operation<void> {
    yield* this.#save('save', this.nameOf(label), flow);
  }

  *#save(name: string, stream: string | null, flow: Flow): Operation<void> {
    const at = yield* flow.now('at');
    yield* flow.step(
      name,
      saveState,
      { node: this.#setting.node, stream, at },
      { label: 'saving the state' },
    );
  }

  /** Joins streams into where the node works, in the order given, and does `then` before anything else is merged. */
  *merge(
    labels: readonly string[],
    input: Handoff,
    flow: Flow,
    context: RunContext,
    then: (inner: Flow) => Operation<void> = nothing,
  ): Operation<void> {
    if (!(yield* flow.until(() => !this.#merging))) throw stuck(this.#setting.node);
    this.#merging = true;
    try {
      const { node, into, rules } = this.#setting;
      for (const label of labels)
        if (this.#open.has(label))
          yield* flow.call(`merge-${label}`, (inner) =>
            mergeIn({ node, into, rules, stream: this.nameOf(label) }, input, inner, context),
          );
      yield* then(flow);
    } finally {
      this.#merging = false;
    }
  }

  /** Brings what was merged into a stream that is in the middle of its work. */
  *takeIn(label: string, input: Handoff, flow: Flow, context: RunContext): Operation<void> {
    const { node, rules } = this.#setting;
    const into = this.nameOf(label);
    yield* flow.call('take-in', (inner) =>
      mergeIn({ node, into, rules, stream: null }, input, inner, context),
    );
  }

  /** Has a stream that was just merged go on from all that was. */
  *follow(label: string, flow: Flow): Operation<void> {
    yield* flow.step(
      'follow',
      followParent,
      { stream: this.nameOf(label) },
      { label: `taking in what was merged, for ${label}` },
    );
  }

  /** Removes all worktrees; what they hold is saved. */
  *close(flow: Flow): Operation<void> {
    if (this.#open.size === 0) return;
    const at = yield* flow.now('closed-at');
    const streams = [...this.#open].map((label) => this.nameOf(label));
    yield* flow.step('close-streams', closeStreams, { streams, at }, { label: 'tidying up' });
    this.#open.clear();
  }
}

/** The streams of a node that is being run in this flow. */
export function streamsOf(
  { id, on_conflict }: { readonly id: string; readonly on_conflict?: OnConflict | undefined },
  { path }: Flow,
  { stream }: RunContext,
): Streams {
  return new Streams({ node: id, path, into: stream, rules: rulesOf(on_conflict) });
}

/** Removes the worktrees when the work has ended, also when it failed: what was not merged stays as it was saved. */
export function* closing<T>(streams: Streams, flow: Flow, work: () => Operation<T>): Operation<T> {
  try {
    const done = yield* work();
    yield* streams.close(flow);
    return done;
  } catch (error) {
    yield* closedAfter(error, streams, flow);
    throw error;
  }
}

/** What failed is told, whatever becomes of the tidying up; worktrees that stay go with the run. */
function* closedAfter(error: unknown, streams: Streams, flow: Flow): Operation<void> {
  if (toFailure(error).class === 'cancelled') return;
  try {
    yield* streams.close(flow);
  } catch {
    return;
  }
}

/** For where there is nothing to do. */
export function* nothing(): Operation<void> {
  yield* [];
}
