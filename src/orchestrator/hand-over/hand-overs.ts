import { createHash } from 'node:crypto';
import {
  type HandOverAnswer,
  type HandOverRefusal,
  handOverRunId,
  isHandOverRun,
} from '../../domain/hand-over.ts';
import { isRollbackRun } from '../../domain/rollback.ts';
import { isTerminal } from '../../domain/run.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Store } from '../../ports/store.ts';
import type { Queries } from '../queries.ts';
import type { Roles } from '../roles.ts';
import { handedOverFrom } from './place.ts';
import { handOverSpec } from './program.ts';

export interface HandOversDeps {
  readonly store: Pick<Store, 'sessions' | 'runs'>;
  readonly queries: Pick<Queries, 'byRun'>;
  readonly engine: Pick<Engine, 'wake'>;
  readonly roles: Roles;
  readonly clock: Pick<Clock, 'now'>;
}

/** Wanting an ended run handed over. Doing it is the business of a run of its own. */
export class HandOvers {
  readonly #deps: HandOversDeps;

  constructor(deps: HandOversDeps) {
    this.#deps = deps;
  }

  /** Begins it; what comes of it is told in the thread and on the card. The same intent begins one. */
  async begin(wish: {
    readonly runId: string;
    readonly by: string;
    readonly intent: string;
  }): Promise<HandOverAnswer> {
    const { store, queries, engine, roles, clock } = this.#deps;
    const { runId: target, by, intent } = wish;
    const no = (why: HandOverRefusal): HandOverAnswer => ({ done: 'refused', why });
    const [session, run] = [await store.sessions.byRun(target), await store.runs.status(target)];
    if (session === null || run === null) return no('unknown');
    const refused = await roles.steers(session, by);
    if (refused !== null) return no(refused);
    if (session.currentRunId !== target) return no('replaced');
    if (!isTerminal(run.status)) return no('under_way');
    const told = await queries.byRun(target);
    if (told?.view.branch == null) return no('nothing');
    const digest = createHash('sha256').update(intent).digest('hex').slice(0, 16);
    const id = handOverRunId(target, digest);
    if ((await store.runs.status(id)) === null && (await this.#isBusy(target))) return no('asked_already');
    const spec = handOverSpec({ target, by, team: session.team, ...handedOverFrom(run.spec) });
    await store.sessions.attach({ sessionId: session.id, runId: id, spec, now: clock.now() });
    engine.wake(id);
    return { done: 'begun' };
  }

  /** Being handed over, or about to be taken back: the branch is not to move under either. */
  async #isBusy(target: string): Promise<boolean> {
    const { runs } = this.#deps.store;
    for (const id of await runs.parts(target)) {
      if (!isHandOverRun(id) && !isRollbackRun(id)) continue;
      const run = await runs.status(id);
      if (run !== null && !isTerminal(run.status)) return true;
    }
    return false;
  }
}
