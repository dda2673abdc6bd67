import { createHash } from 'node:crypto';
import type { Control } from '../../domain/control.ts';
import {
  isRollbackRun,
  type OfferedPoint,
  type RollbackAnswer,
  type RollbackLevel,
  type RollbackOffer,
  type RollbackPoint,
  type RollbackRefusal,
  rollbackRunId,
} from '../../domain/rollback.ts';
import { isTerminal } from '../../domain/run.ts';
import { readBack } from '../../planning/back-words.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Engine } from '../../ports/engine.ts';
import { derivedId } from '../derived-id.ts';
import type { Roles, SteerRefusal } from '../roles.ts';
import { type FoundPoint, lastGood } from './points.ts';
import { rollbackSpec } from './program.ts';
import { type NoStanding, type Standing, type StandingDeps, standingOf } from './standing.ts';

export interface RollbacksDeps extends StandingDeps {
  readonly engine: Pick<Engine, 'wake'>;
  readonly clock: Clock;
  readonly roles: Roles;
  /** Lets a paused run go on with the step it stopped at. */
  readonly resume: (runId: string, by: string, intent: string, at: number) => Promise<Control>;
}

/** Who wants a run taken back, and what makes it the same wish when it is delivered again. */
interface Wisher {
  readonly runId: string;
  readonly by: string;
  readonly intent: string;
  readonly receivedAt: number;
}

/** Where somebody wants to go back to; `place` names a piece of work instead of a number. */
export interface RollbackWish {
  readonly level: RollbackLevel;
  readonly number: number | null;
  readonly place: { readonly side: 'after' | 'before'; readonly node: string } | null;
}

/** Points offered; more can be named by their number. */
const MOST_OFFERED = 20;

/** Taking runs back: what there is to go back to, and asking for it. Doing it is the rollback's own run's business. */
export class Rollbacks {
  readonly #deps: RollbacksDeps;

  constructor(deps: RollbacksDeps) {
    this.#deps = deps;
  }

  /** What there is to go back to, for whoever may ask for it. */
  async offer(runId: string, by: string): Promise<RollbackOffer | NoStanding | SteerRefusal> {
    const { clock, roles } = this.#deps;
    const standing = await standingOf(this.#deps, runId, clock.now());
    if (typeof standing === 'string') return standing;
    return (await roles.steers(standing.session, by)) ?? offerOf(runId, standing);
  }

  /** What somebody said: where to, or nothing yet, and then they are told what there is. */
  async request(words: string | null, wisher: Wisher): Promise<RollbackAnswer> {
    const wish = words === null ? null : readBack(words);
    if (wish !== null) return this.ask({ ...wisher, ...wish });
    const offer = await this.offer(wisher.runId, wisher.by);
    return typeof offer === 'string' ? { done: 'refused', why: offer, detail: '' } : { done: 'offer', offer };
  }

  /**
   * Asks for a rollback: opens a run that asks people and does it. The same intent asks once.
   * @param wish without a number or a place: the last good state, where the level needs one
   */
  async ask(wish: RollbackWish & Wisher): Promise<RollbackAnswer> {
    const { store, clock, engine } = this.#deps;
    const { runId: target, by, level, intent, receivedAt } = wish;
    const digest = createHash('sha256').update(intent).digest('hex').slice(0, 16);
    const id = rollbackRunId(target, digest);
    const standing = await standingOf(this.#deps, target, clock.now());
    const no = (why: RollbackRefusal, detail = ''): RollbackAnswer => ({ done: 'refused', why, detail });
    if (typeof standing === 'string') return no(standing);
    const refused = await this.#deps.roles.steers(standing.session, by);
    if (refused !== null) return no(refused);
    if (level === 'step' && !isTerminal(standing.status)) {
      const done = await this.#deps.resume(target, by, intent, receivedAt);
      return done === 'at_budget' ? no('at_budget') : { done: 'resumed' };
    }
    const chosen = choose(standing, wish);
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

async function offerOf(
  runId: string,
  { session, status, points, past, head }: Standing,
): Promise<RollbackOffer> {
  const offered: OfferedPoint[] = [];
  for (const [index, point] of points.states.toReversed().slice(0, MOST_OFFERED).entries()) {
    const { stat } = await past.diff(point.tree, head, 0);
    offered.push({ ...point, number: index + 1, filesSince: stat.files.length });
  }
  const good = lastGood(points.states);
  return {
    runId,
    title: session.request.split('\n')[0] ?? session.request,
    points: offered,
    lastGood: offered.find(({ seq }) => seq === good?.seq) ?? null,
    hasStep: points.step !== null || status === 'paused',
    hasBeginning: points.beginning !== null,
  };
}

type Chosen = { readonly point: RollbackPoint } | { readonly why: RollbackRefusal; readonly detail: string };

function choose(standing: Standing, { level, number, place }: RollbackWish): Chosen {
  const { step, beginning, states } = standing.points;
  if (level === 'step') return step === null ? { why: 'no_step', detail: '' } : { point: step };
  if (level === 'full') return beginning === null ? { why: 'nothing', detail: '' } : { point: beginning };
  const isNamed = number !== null || place !== null;
  const found = isNamed ? named(states, number, place) : usual(level, states);
  if (found === null) return { why: isNamed ? 'not_there' : 'nothing', detail: '' };
  if (level === 'state' && found.filesOnly !== null) return { why: 'files_only', detail: found.filesOnly };
  const { seq, tree, at, label } = found;
  return { point: { seq, tree, at, label } };
}

/** By its number, from the newest; or the newest state after a piece of work, or the one before its first. */
function named(
  states: readonly FoundPoint[],
  number: number | null,
  place: RollbackWish['place'],
): FoundPoint | null {
  if (number !== null) return states.at(-number) ?? null;
  const { side, node } = place ?? { side: 'after', node: '' };
  if (side === 'after') return states.findLast((point) => isOf(point, node)) ?? null;
  const first = states.findIndex((point) => isOf(point, node));
  return first > 0 ? (states[first - 1] ?? null) : null;
}

/** A piece of work goes by its own name and by its agent's. */
function isOf({ node, agent }: FoundPoint, name: string): boolean {
  return node.toLowerCase() === name || agent?.toLowerCase() === name;
}

function usual(level: 'state' | 'snapshot', states: readonly FoundPoint[]): FoundPoint | null {
  return level === 'state' ? lastGood(states) : (states.at(-1) ?? null);
}
