import type { Control } from '../domain/control.ts';
import { isTerminal } from '../domain/run.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Store } from '../ports/store.ts';
import { isMadeBy, personDecision } from './person-decision.ts';
import { commitMessage } from './session-program.ts';
import type { WorkspaceRegistry } from './workspace-registry.ts';

export interface StoppingDeps {
  readonly engine: Pick<Engine, 'cancel'>;
  readonly store: Pick<Store, 'runs' | 'decisions' | 'approvals'>;
  readonly registry: WorkspaceRegistry;
  readonly clock: Clock;
}

/** Ending a run for good: nothing of it asks or works any more, and what was done so far is put on its branch. */
export class Stopping {
  readonly #deps: StoppingDeps;

  constructor(deps: StoppingDeps) {
    this.#deps = deps;
  }

  /**
   * Goes on from wherever a crash cut an earlier call off.
   * @param asking the part that asked for it, which ends by itself; null: a person did
   */
  async end(
    runId: string,
    by: string,
    reason: string,
    { asking, intent }: { readonly asking: string | null; readonly intent: string | null },
  ): Promise<Control> {
    const { store, engine, clock, registry } = this.#deps;
    const run = await store.runs.status(runId);
    if (run === null) return 'unknown';
    const ended = isTerminal(run.status);
    const id = `dec_stop_${runId}`;
    if (!ended) {
      await store.decisions.record(
        runId,
        personDecision(id, 'stop', by, 'stop', reason, intent),
        clock.now(),
      );
      await engine.cancel(runId, reason);
    }
    const parts = (await store.runs.parts(runId)).filter((part) => part !== asking);
    // Who still asks on its behalf has nobody to ask for.
    for (const part of parts) await engine.cancel(part, reason);
    // After the end, so that nothing can be asked anew; and again for a stop that a crash cut off here.
    for (const each of [runId, ...parts]) await store.approvals.voidAll(each, clock.now());
    // The same stop once more, after a crash: it did stop. By another click it had stopped before.
    const decision = (await store.decisions.ofRun(runId)).find((each) => each.id === id) ?? null;
    const ours = !ended || (run.status === 'cancelled' && decision !== null && isMadeBy(decision, intent));
    // Not again where it was kept: people may have merged the branch since, and deleted it.
    if (!ended || (ours && (await this.#hasNothingKept(runId))))
      await this.#keepUnfinished(runId, decision?.reason ?? reason, decision?.at ?? clock.now());
    await registry.close(runId);
    return ours ? 'done' : 'already';
  }

  /** Whether its branch is as it was when the work began. */
  async #hasNothingKept(runId: string): Promise<boolean> {
    try {
      const past = await this.#deps.registry.past(runId);
      return (await past.tip())?.commit === past.base;
    } catch {
      // It never had a worktree, or its repository cannot be read now.
      return false;
    }
  }

  /**
   * Where it fails the snapshots of each step remain, and the stop must not hang on it. Repeated it makes the same commit.
   * @param at when it was decided, in milliseconds
   */
  async #keepUnfinished(runId: string, reason: string, at: number): Promise<void> {
    const { store, registry } = this.#deps;
    // It may have ended by itself in this very moment: then its own commit stands.
    if ((await store.runs.status(runId))?.status !== 'cancelled') return;
    try {
      await registry.saveStreams(runId, at);
      const workspace = await registry.of(runId, null);
      const { tree } = await workspace.snapshot('stopped', at);
      await workspace.commit({ tree, message: commitMessage(await registry.input(runId), reason), at });
    } catch {
      // No worktree yet, a full disk, a branch that somebody else moved: nothing to keep, or kept as snapshots.
    }
  }
}
