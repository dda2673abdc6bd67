import type { Failure } from '../domain/failure.ts';
import { isTerminal } from '../domain/run.ts';
import type { Engine } from '../ports/engine.ts';
import type { Store } from '../ports/store.ts';

/** Runs of one workspace that are looked at. */
const MOST_OPEN = 10_000;

/** Why a run stands whose workspace Baton is not in any more. */
const gone: Failure = {
  class: 'needs_person',
  code: 'workspace_gone',
  message: 'Baton was taken out of the workspace of this run, so nobody could follow it',
  hint: 'Nothing was lost. Install it there again at /slack/install: the run goes on by itself.',
};

export interface AbsentWorkspacesDeps {
  readonly engine: Pick<Engine, 'pause' | 'resume' | 'status'>;
  readonly store: {
    readonly sessions: Pick<Store['sessions'], 'recent' | 'teams'>;
    readonly runs: Pick<Store['runs'], 'parts'>;
  };
  /** Whether Baton may speak in a workspace, by its key. */
  readonly isHere: (team: string) => boolean;
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
}

/**
 * Runs of workspaces that took Baton out wait, paused, and go on when it is there again. Looked at anew each time from
 * what is stored, so that a death in between loses nothing; what people paused stays paused.
 */
export class AbsentWorkspaces {
  readonly #deps: AbsentWorkspacesDeps;
  #working = Promise.resolve();

  constructor(deps: AbsentWorkspacesDeps) {
    this.#deps = deps;
  }

  /** Pauses what has to wait, and has go on what waited. One look after the other. */
  look(): Promise<void> {
    const next = this.#working.then(() => this.#look());
    this.#working = next.catch(() => undefined);
    return next;
  }

  async #look(): Promise<void> {
    const { store, isHere, log } = this.#deps;
    for (const team of await store.sessions.teams()) {
      const here = isHere(team);
      let changed = 0;
      for (const { currentRunId } of await store.sessions.recent(team, MOST_OPEN, { open: true }))
        for (const runId of [currentRunId, ...(await store.runs.parts(currentRunId))])
          if (await (here ? this.#goOn(runId) : this.#hold(runId))) changed += 1;
      if (changed === 0) continue;
      if (here) log.info({ team, runs: changed }, 'Baton is in this workspace again; its runs go on');
      else
        log.warn(
          { team, runs: changed },
          'Baton is not in this workspace any more; its runs wait until it is installed there again',
        );
    }
  }

  async #hold(runId: string): Promise<boolean> {
    const { engine } = this.#deps;
    const run = await engine.status(runId);
    if (run === null || isTerminal(run.status) || run.status === 'paused') return false;
    await engine.pause(runId, gone);
    return true;
  }

  async #goOn(runId: string): Promise<boolean> {
    const { engine } = this.#deps;
    const run = await engine.status(runId);
    if (run?.status !== 'paused' || run.outcome === null || run.outcome.ok) return false;
    if (run.outcome.failure.code !== gone.code) return false;
    await engine.resume(runId);
    return true;
  }
}
