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

/** Why a run stands in whose workspace Baton cannot say anything. */
const mute: Failure = {
  class: 'needs_person',
  code: 'workspace_mute',
  message: "Slack refuses Baton's token for the workspace of this run, so nobody could follow it",
  hint: 'Nothing was lost. Start Baton with a token that Slack accepts: the run goes on by itself.',
};

const WAITING = {
  gone: 'Baton is not in this workspace any more; its runs wait until it is installed there again',
  mute: 'Baton can say nothing in this workspace; its runs wait until it has a token that Slack accepts',
} as const;

/** Whether Baton may speak in a workspace: it was taken out of it, or Slack refuses its token. */
export type Standing = 'here' | 'gone' | 'mute';

export interface AbsentWorkspacesDeps {
  readonly engine: Pick<Engine, 'pause' | 'resume' | 'status'>;
  readonly store: {
    readonly sessions: Pick<Store['sessions'], 'recent' | 'teams'>;
    readonly runs: Pick<Store['runs'], 'parts'>;
  };
  /** By the workspace's key. */
  readonly standing: (team: string) => Standing;
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
}

/**
 * Runs of workspaces that took Baton out, or whose token Slack refuses, wait, paused, and go on when it is there again. Looked at anew each time from
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
    const { store, standing, log } = this.#deps;
    for (const team of await store.sessions.teams()) {
      const now = standing(team);
      let changed = 0;
      for (const { currentRunId } of await store.sessions.recent(team, MOST_OPEN, { open: true }))
        for (const runId of [currentRunId, ...(await store.runs.parts(currentRunId))])
          if (await (now === 'here' ? this.#goOn(runId) : this.#hold(runId, now === 'gone' ? gone : mute)))
            changed += 1;
      if (changed === 0) continue;
      if (now === 'here')
        log.info({ team, runs: changed }, 'Baton is in this workspace again; its runs go on');
      else log.warn({ team, runs: changed }, WAITING[now]);
    }
  }

  async #hold(runId: string, why: Failure): Promise<boolean> {
    const { engine } = this.#deps;
    const run = await engine.status(runId);
    if (run === null || isTerminal(run.status) || run.status === 'paused') return false;
    await engine.pause(runId, why);
    return true;
  }

  async #goOn(runId: string): Promise<boolean> {
    const { engine } = this.#deps;
    const run = await engine.status(runId);
    if (run?.status !== 'paused' || run.outcome === null || run.outcome.ok) return false;
    if (![gone.code, mute.code].includes(run.outcome.failure.code)) return false;
    await engine.resume(runId);
    return true;
  }
}
