import { createHash } from 'node:crypto';
import {
  isRollbackRun,
  type RollbackLevel,
  type RollbackPoint,
  rollbackRunId,
} from '../../domain/rollback.ts';
import { isTerminal } from '../../domain/run.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Engine } from '../../ports/engine.ts';
import { derivedId } from '../derived-id.ts';
import { type FoundPoint, lastGood } from './points.ts';
import { rollbackSpec } from './program.ts';
import { type NoStanding, type Standing, type StandingDeps, standingOf } from './standing.ts';

export interface RollbacksDeps extends StandingDeps {
  readonly engine: Pick<Engine, 'wake'>;
  readonly clock: Clock;
}

/** A moment as it is offered: numbered from the newest, with how many files differ from it now. */
export interface OfferedPoint extends FoundPoint {
  readonly number: number;
  readonly filesSince: number;
}

export interface Offer {
  readonly runId: string;
  readonly title: string;
  readonly hasEnded: boolean;
  /** Newest first. */
  readonly points: readonly OfferedPoint[];
  /** The one that "the last good state" means; null: there is none to go on from. */
  readonly lastGood: OfferedPoint | null;
  /** Whether a step failed that can be tried again. */
  readonly hasStep: boolean;
  readonly hasBeginning: boolean;
}

export type RollbackRefusal =
  | NoStanding
  /** A rollback of this run waits for an answer. */
  | 'asked_already'
  /** There is no such snapshot. */
  | 'not_there'
  /** Only the files can go back there. */
  | 'files_only'
  | 'no_step'
  /** Other people's commits are on the branch. */
  | 'branch_moved';

export type RollbackAnswer =
  | { readonly done: 'asked'; readonly point: RollbackPoint; readonly level: RollbackLevel }
  /** A paused run goes on with the step it stopped at: nothing is lost by that. */
  | { readonly done: 'resume' }
  | { readonly done: 'refused'; readonly why: RollbackRefusal; readonly detail: string };

/** Points offered; more can be named by their number. */
const MOST_OFFERED = 20;

/** Taking runs back: what there is to go back to, and asking for it. Doing it is the rollback's own run's business. */
export class Rollbacks {
  readonly #deps: RollbacksDeps;

  constructor(deps: RollbacksDeps) {
    this.#deps = deps;
  }

  async offer(runId: string): Promise<Offer | NoStanding> {
    const standing = await standingOf(this.#deps, runId, this.#deps.clock.now());
    return typeof standing === 'string' ? standing : offerOf(runId, standing);
  }

  /**
   * Asks for a rollback: opens a run that asks people and does it. The same intent asks once.
   * @param number of the moment as it was offered; null: the last good state, where the level needs one
   */
  async ask(wish: {
    readonly runId: string;
    readonly by: string;
    readonly level: RollbackLevel;
    readonly number: number | null;
    readonly intent: string;
    readonly receivedAt: number;
  }): Promise<RollbackAnswer> {
    const { store, clock, engine } = this.#deps;
    const { runId: target, by, level, intent, receivedAt } = wish;
    const digest = createHash('sha256').update(intent).digest('hex').slice(0, 16);
    const id = rollbackRunId(target, digest);
    const standing = await standingOf(this.#deps, target, clock.now());
    const no = (why: RollbackRefusal, detail = ''): RollbackAnswer => ({ done: 'refused', why, detail });
    if (typeof standing === 'string') return no(standing);
    if (level === 'step' && !isTerminal(standing.status)) return { done: 'resume' };
    const chosen = await choose(target, standing, level, wish.number);
    if ('why' in chosen) return no(chosen.why, chosen.detail);
    if (!(await standing.past.isFree())) return no('branch_moved', standing.past.branch);
    const mine = await store.runs.status(id);
    if (mine === null && (await this.#isAsked(target))) return no('asked_already');
    const { session } = standing;
    const input = {
      target,
      level,
      point: chosen.point,
      by,
      sessionId: session.id,
      team: session.team,
      next: derivedId('run', receivedAt, `${intent}:next`),
    };
    await store.sessions.attach({
      sessionId: session.id,
      runId: id,
      spec: rollbackSpec(input),
      now: clock.now(),
    });
    engine.wake(id);
    return { done: 'asked', point: chosen.point, level };
  }

  async #isAsked(target: string): Promise<boolean> {
    const { runs, approvals } = this.#deps.store;
    for (const id of (await runs.parts(target)).filter(isRollbackRun)) {
      const run = await runs.status(id);
      if (run === null || isTerminal(run.status)) continue;
      const [approval] = await approvals.ofRun(id);
      if (approval === undefined || ['pending', 'approved', 'taken'].includes(approval.status)) return true;
    }
    return false;
  }
}

async function offerOf(runId: string, { session, status, points, past, head }: Standing): Promise<Offer> {
  const offered: OfferedPoint[] = [];
  for (const [index, point] of points.states.toReversed().slice(0, MOST_OFFERED).entries()) {
    const { stat } = await past.diff(point.tree, head, 0);
    offered.push({ ...point, number: index + 1, filesSince: stat.files.length });
  }
  const good = lastGood(points.states);
  return {
    runId,
    title: session.request.split('\n')[0] ?? session.request,
    hasEnded: isTerminal(status),
    points: offered,
    lastGood: offered.find(({ seq }) => seq === good?.seq) ?? null,
    hasStep: points.step !== null || status === 'paused',
    hasBeginning: points.beginning !== null,
  };
}

type Chosen = { readonly point: RollbackPoint } | { readonly why: RollbackRefusal; readonly detail: string };

async function choose(
  target: string,
  standing: Standing,
  level: RollbackLevel,
  number: number | null,
): Promise<Chosen> {
  const { step, beginning, states } = standing.points;
  if (level === 'step') return step === null ? { why: 'no_step', detail: '' } : { point: step };
  if (level === 'full') return beginning === null ? { why: 'nothing', detail: '' } : { point: beginning };
  const found = number === null ? chosenFor(level, states) : states.at(-number);
  if (found === undefined || found === null)
    return { why: number === null ? 'nothing' : 'not_there', detail: target };
  if (level === 'state' && found.filesOnly !== null) return { why: 'files_only', detail: found.filesOnly };
  const { seq, tree, at, label } = found;
  return { point: { seq, tree, at, label } };
}

function chosenFor(level: 'state' | 'snapshot', states: readonly FoundPoint[]): FoundPoint | null {
  return level === 'state' ? lastGood(states) : (states.at(-1) ?? null);
}
