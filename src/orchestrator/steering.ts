import type { Control } from '../domain/control.ts';
import type { HandOverAnswer } from '../domain/hand-over.ts';
import type { PersonTask, TaskRefusal } from '../domain/person-task.ts';
import type { RollbackAnswer } from '../domain/rollback.ts';

import { isTerminal } from '../domain/run.ts';
import type { RunView } from '../domain/run-view.ts';
import type { Steering } from '../domain/steering.ts';
import type { Interpreter } from '../patterns/interpreter.ts';
import { readBack } from '../planning/back-words.ts';
import { readSteering } from '../planning/steering-words.ts';
import type { Clock } from '../ports/clock.ts';
import type { Directory } from '../ports/directory.ts';
import type { Engine } from '../ports/engine.ts';
import type { Redact } from '../ports/redactor.ts';
import type { Session, Store } from '../ports/store.ts';
import { waitsForMoney } from './budget/waits.ts';
import type { Catalog } from './catalog.ts';
import { type SessionDefinition, sessionDefinitionSchema } from './contracts.ts';
import type { HandOvers } from './hand-over/hand-overs.ts';
import { Holding } from './holding.ts';
import type { Orchestrator } from './orchestrator.ts';
import type { PersonDesk } from './person-desk.ts';
import { PiecesOfWork, workDeed } from './pieces-of-work.ts';
import type { PlanReviews } from './plan-reviews.ts';
import type { Queries } from './queries.ts';
import type { Roles } from './roles.ts';
import type { Rollbacks } from './rollback/rollbacks.ts';
import { decisionId, decisionOf, steeringOf } from './steering-record.ts';

export interface SteeringDeps {
  readonly engine: Engine;
  readonly store: Store;
  readonly catalog: Catalog;
  readonly interpreter: Interpreter;
  readonly clock: Clock;
  readonly redact: Redact;
  readonly roles: Roles;
  readonly orchestrator: Orchestrator;
  readonly plans: PlanReviews;
  readonly queries: Queries;
  readonly persons: PersonDesk;
  readonly directory: Pick<Directory, 'person'>;
  readonly rollbacks: Rollbacks;
  readonly handOvers: HandOvers;
}

/** A message in an epic's thread. */
export interface Said {
  readonly intent: string;
  readonly receivedAt: number;
  readonly sessionId: string;
  readonly by: string;
  readonly text: string;
  /** Whether Baton was addressed. */
  readonly addressed: boolean;
  /** Whether plain words of whoever asked for the work count as well. */
  readonly plain?: boolean;
  /** When it was said, in milliseconds since the epoch. */
  readonly at: number;
}

/** What came of a message. The words for it are Slack's business. */
export type Steered =
  | {
      readonly did: 'nothing';
      readonly why:
        | 'chatter'
        | 'not_yours'
        | 'not_allowed'
        | 'ended'
        | 'older'
        | 'not_there'
        | 'not_now'
        | 'at_budget';
      readonly steering: Steering;
    }
  /** It was about a task for a person, and the task did not allow it. */
  | {
      readonly did: 'refused';
      readonly steering: Steering;
      readonly refusal: TaskRefusal;
      readonly task: PersonTask;
    }
  | { readonly did: 'told'; readonly steering: Steering; readonly view: RunView }
  | { readonly did: 'done'; readonly steering: Steering; readonly what: string }
  /** Told to whoever asked; the card of the approval tells everybody else. */
  | { readonly did: 'rollback'; readonly steering: Steering; readonly answer: RollbackAnswer }
  /** Told to whoever asked; what comes of it is told to everybody. */
  | { readonly did: 'hand-over'; readonly steering: Steering; readonly answer: HandOverAnswer };

/** What people say to a run, and the buttons that say the same. Each is answered, and recorded with what was done about it. */
export class SteeringDesk {
  readonly #deps: SteeringDeps;
  readonly #holding: Holding;
  readonly #pieces: PiecesOfWork;

  constructor(deps: SteeringDeps) {
    this.#deps = deps;
    this.#holding = new Holding(deps);
    this.#pieces = new PiecesOfWork(deps);
  }

  /** Understands a message and acts on it, once for each intent. Null when there is no such session. */
  async hear(said: Said): Promise<Steered | null> {
    const { store, queries, redact, catalog } = this.#deps;
    const session = await store.sessions.get(said.sessionId);
    if (session === null) return null;
    const run = await queries.byRun(session.currentRunId);
    const definition = await this.#definition(session.currentRunId);
    if (run === null || definition === null) return null;
    const steering = readSteering(redact(said.text), {
      addressed: said.addressed,
      nodes: [...this.#deps.interpreter.walk(definition.workflow.flow)].map(({ id }) => id),
      agents: [...catalog.roles.keys()],
      ended: isTerminal(run.view.status),
      planOpen: run.view.plan !== null && run.view.startedAt === null && !isTerminal(run.view.status),
      taken: [...run.view.taken.keys(), ...[...run.view.tasks.values()].map(({ node }) => node)],
    });
    const plain = said.plain === true && said.by === session.requester;
    const answersUs = steering.kind === 'done' && isTheirs(run.view, steering.target, said.by);
    // Unasked, "go back to tabs" is talk: only where to is plain, it is an instruction.
    const isVague = steering.kind === 'rollback' && !said.addressed && readBack(steering.reason) === null;
    if (steering.kind === 'chatter' || isVague || !(said.addressed || plain || answersUs))
      return { did: 'nothing', why: 'chatter', steering };
    return this.apply(said, steering);
  }

  /** Does what was understood, or what a form says outright. Null when there is no such session. */
  async apply(said: Said, steering: Steering): Promise<Steered | null> {
    const { store, queries } = this.#deps;
    const session = await store.sessions.get(said.sessionId);
    if (session === null) return null;
    const run = await queries.byRun(session.currentRunId);
    const definition = await this.#definition(session.currentRunId);
    if (run === null || definition === null) return null;
    const known = run.decisions.find(({ id }) => id === decisionId(said.intent));
    if (known !== undefined) {
      await this.#holding.carryThrough(session.currentRunId, known.id);
      return { did: 'done', steering, what: known.reason };
    }
    if (steering.kind === 'question')
      return (await this.#deps.roles.sees(session, said.by))
        ? { did: 'told', steering, view: run.view }
        : { did: 'nothing', why: 'not_allowed', steering };
    const task = taskMeant(steering, run.tasks);
    if (task !== null) return this.#task(said, steering, task);
    const no = await this.#deps.roles.steers(session, said.by);
    if (no !== null) return { did: 'nothing', why: no, steering };
    const before = await store.runs.status(session.currentRunId);
    // What was said to an earlier run is not meant for the one that took its place.
    if (before !== null && said.at < before.createdAt) return { did: 'nothing', why: 'older', steering };
    // An ended run can still be taken back.
    if (steering.kind === 'rollback') return this.#back(said, session, steering);
    if (steering.kind === 'hand_over') {
      const { by, intent } = said;
      const answer = await this.#deps.handOvers.begin({ runId: session.currentRunId, by, intent });
      return { did: 'hand-over', steering, answer };
    }
    if (isTerminal(run.view.status)) return { did: 'nothing', why: 'ended', steering };
    return this.#act({ said, session, view: run.view, definition, steering });
  }

  /** No new step starts; what is under way finishes. */
  async pause(
    runId: string,
    by: string,
    intent: string,
  ): Promise<'done' | 'unknown' | 'not_yours' | 'not_allowed' | 'already'> {
    const found = await this.#own(runId, by);
    if (typeof found === 'string') return found;
    if (await this.#holding.carryThrough(runId, decisionId(intent))) return 'done';
    if (found.status === 'paused') return 'already';
    await this.#holding.pause(runId, decisionOf(by, intent, steeringOf('pause'), 'paused', null));
    return 'done';
  }

  async resume(runId: string, by: string, intent: string): Promise<Exclude<Control, 'replaced'>> {
    const found = await this.#own(runId, by);
    if (typeof found === 'string') return found;
    if (await this.#holding.carryThrough(runId, decisionId(intent))) return 'done';
    if (found.status !== 'paused') return 'not_paused';
    if (await waitsForMoney(this.#deps.store, runId)) return 'at_budget';
    // Recorded first: a step that waits for somebody to go on looks whether somebody did.
    await this.#record(runId, by, intent, steeringOf('resume'), 'resumed', null);
    await this.#deps.engine.resume(runId);
    return 'done';
  }

  /** Pieces of work that can be stepped into, in the order of the workflow. */
  async workOf(runId: string): Promise<{ readonly id: string; readonly agent: string | null }[]> {
    const definition = await this.#definition(runId);
    if (definition?.steered !== true) return [];
    return this.#pieces.all(definition).map(({ id, agent }) => ({
      id,
      agent: typeof agent === 'string' ? agent : null,
    }));
  }

  async #own(runId: string, by: string) {
    const { store } = this.#deps;
    const [session, run] = [await store.sessions.byRun(runId), await store.runs.status(runId)];
    if (session === null || run === null) return 'unknown' as const;
    const no = await this.#deps.roles.steers(session, by);
    if (no !== null) return no;
    return isTerminal(run.status) ? ('already' as const) : run;
  }

  async #back(said: Said, session: Session, steering: Steering): Promise<Steered> {
    const { by, intent, receivedAt } = said;
    const runId = session.currentRunId;
    const answer = await this.#deps.rollbacks.request(steering.reason, { runId, by, intent, receivedAt });
    if (answer.done === 'asked' || answer.done === 'resumed') {
      const what =
        answer.done === 'asked' ? `asked to roll back to ${answer.point.label}` : 'going on where it stopped';
      await this.#record(runId, by, intent, steering, what, said.text);
    }
    return { did: 'rollback', steering, answer };
  }

  async #act(call: Call): Promise<Steered> {
    const { orchestrator } = this.#deps;
    const { said, session, steering, view } = call;
    const runId = session.currentRunId;
    const none = (why: 'ended' | 'not_now' | 'at_budget'): Steered => ({ did: 'nothing', why, steering });
    const goesOn = steering.kind === 'resume' || steering.kind === 'retry';
    if (goesOn && (await waitsForMoney(this.#deps.store, runId))) return none('at_budget');
    switch (steering.kind) {
      case 'stop':
        if ((await orchestrator.stop(runId, said.by, said.intent)) !== 'done') return none('ended');
        return this.#done(call, 'the run was stopped; its branch and snapshots are kept');
      case 'pause':
        if (view.status === 'paused') return none('not_now');
        return this.#held(call, 'pause', 'paused; what was under way finishes, nothing new starts');
      case 'resume':
        if (view.status !== 'paused') return none('not_now');
        return this.#held(call, 'resume', 'going on');
      case 'start':
        // Somebody may have answered it in the meantime: that answer stands.
        if ((await orchestrator.answerPlan(runId, 'start', said.by, said.intent)) !== 'done')
          return none('not_now');
        return this.#done(call, 'the plan was started');
      case 'retry':
        if (view.status === 'paused' && steering.target === null)
          return this.#held(call, 'resume', 'going on where it stopped');
        return this.#step(call, steering.kind);
      case 'skip':
      case 'take_over':
      case 'done':
      case 'reassign':
        return this.#step(call, steering.kind);
      case 'feedback':
      case 'direction':
        return this.#words(call, steering.kind);
      case 'question':
      case 'chatter':
      case 'rollback':
      case 'hand_over':
        return { did: 'told', steering, view };
      default:
        return steering.kind satisfies never;
    }
  }

  /** Pausing or going on, by words. */
  async #held(call: Call, how: 'pause' | 'resume', what: string): Promise<Steered> {
    const { said, session, steering } = call;
    const text = this.#deps.redact(said.text);
    await this.#holding[how](session.currentRunId, decisionOf(said.by, said.intent, steering, what, text));
    return { did: 'done', steering, what };
  }

  /** What was said goes to the agents, or to the plan while there is only a plan. */
  async #words(call: Call, kind: 'feedback' | 'direction'): Promise<Steered> {
    const { store, clock, plans, redact } = this.#deps;
    const { said, session, steering, view, definition } = call;
    const runId = session.currentRunId;
    if (view.startedAt === null) {
      const { intent, by, receivedAt } = said;
      const { done } = await plans.sendBack({ runId, by, intent, receivedAt }, said.text);
      if (done !== 'done') return { did: 'nothing', why: 'not_now', steering };
      return this.#done(call, 'a new plan takes it into account');
    }
    const who = steering.target ?? 'every agent';
    const taken = kind === 'direction' ? `instructions changed for ${who}` : `${who} takes it into account`;
    // Who works may be chosen on the way, so it is kept for them all the same.
    const isHere = steering.target === null || this.#hasPart(steering.target, definition, view);
    const what = isHere ? taken : `kept for ${who}, who has no part in this run so far`;
    const text = redact(steering.direction ?? said.text);
    await store.guidance.give(
      runId,
      {
        id: decisionId(said.intent),
        by: said.by,
        kind,
        priority: steering.priority,
        text,
        target: steering.target,
      },
      decisionOf(said.by, said.intent, steering, what, text),
      clock.now(),
    );
    return { did: 'done', steering, what: isHere ? `${what} from the next turn on` : what };
  }

  /** Whether a name is that of a piece of work of this run, or of an agent who works, or worked, in it. */
  #hasPart(name: string, { workflow }: SessionDefinition, { nodes, plan }: RunView): boolean {
    const planned = [...this.#deps.interpreter.walk(workflow.flow)];
    return (
      planned.some(({ id, agent }) => id === name || agent === name) ||
      [...nodes.values()].some(({ node, agent }) => node === name || agent === name) ||
      (plan?.agents ?? []).some(({ agent }) => agent === name)
    );
  }

  /** Words to one piece of work. */
  async #step(call: Call, kind: Parameters<typeof workDeed>[0]['kind']): Promise<Steered> {
    const { said, session, steering, view, definition } = call;
    const role = this.#deps.catalog.roles.get(steering.agent ?? '') ?? null;
    const deed = workDeed({ kind, reason: steering.reason }, said.by, role);
    const none = (why: 'not_there' | 'not_now'): Steered => ({ did: 'nothing', why, steering });
    if (deed === null) return none('not_there');
    const at = { runId: session.currentRunId, view, definition };
    const told = await this.#pieces.tell(at, steering.target, deed.word, decisionId(said.intent));
    return typeof told === 'string' ? none(told) : this.#done(call, `${told.node} ${deed.what}`);
  }

  /** Words about a task for a person: the same door as its buttons. */
  async #task(said: Said, steering: Steering, task: PersonTask): Promise<Steered> {
    const { persons, directory } = this.#deps;
    const by = await directory.person(said.by, task.team, false);
    const word = { nonce: task.nonce, intent: said.intent, by };
    const reason = steering.reason ?? 'no reason given';
    const result =
      steering.kind === 'done'
        ? await persons.finish(word, null, steering.reason ?? 'done')
        : steering.kind === 'take_over'
          ? await persons.handOver(word, said.by)
          : await persons.skip(word, reason);
    if (result === null) return { did: 'nothing', why: 'not_there', steering };
    if (!result.ok) return { did: 'refused', steering, refusal: result.refusal, task: result.task };
    const what = { done: 'is done', take_over: 'is yours now', skip: `is left out (${reason})` } as const;
    return {
      did: 'done',
      steering,
      what: `${task.node} ${steering.kind === 'done' || steering.kind === 'take_over' ? what[steering.kind] : what.skip}`,
    };
  }

  async #done({ said, session, steering }: Call, what: string): Promise<Steered> {
    await this.#record(session.currentRunId, said.by, said.intent, steering, what, said.text);
    return { did: 'done', steering, what };
  }

  async #record(
    runId: string,
    by: string,
    intent: string,
    steering: Steering,
    what: string,
    text: string | null,
  ): Promise<void> {
    const { store, clock, redact } = this.#deps;
    await store.decisions.record(
      runId,
      decisionOf(by, intent, steering, what, text === null ? null : redact(text)),
      clock.now(),
    );
  }

  async #definition(runId: string): Promise<SessionDefinition | null> {
    const run = await this.#deps.store.runs.status(runId);
    return sessionDefinitionSchema.safeParse(run?.spec.definition).data ?? null;
  }
}

interface Call {
  readonly said: Said;
  readonly session: Session;
  readonly view: RunView;
  readonly definition: SessionDefinition;
  readonly steering: Steering;
}

/** Whether a piece of work is somebody's: taken over from an agent, or given to them. */
function isTheirs({ taken, tasks }: RunView, node: string | null, by: string): boolean {
  return (
    taken.get(node ?? '') === by || [...tasks.values()].some((task) => task.node === node && task.to === by)
  );
}

const ABOUT_TASKS: ReadonlySet<string> = new Set(['done', 'take_over', 'skip']);

/** The task for a person that words are about: the one named, or the only one that is open. */
function taskMeant({ kind, target }: Steering, tasks: readonly PersonTask[]): PersonTask | null {
  if (!ABOUT_TASKS.has(kind)) return null;
  const open = tasks.filter(({ status }) => status === 'open');
  const named = open.filter(({ node }) => node === target);
  return named.length === 1 ? (named[0] ?? null) : null;
}
