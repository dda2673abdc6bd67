import type { Decider } from '../domain/approval.ts';
import { eventId } from '../domain/bus-event.ts';
import { stateOf } from '../domain/circuit.ts';
import { toFailure } from '../domain/failure.ts';
import {
  dueAt,
  givenBy,
  mostTogether,
  priorities,
  requestOf,
  type Subscription,
} from '../domain/subscription.ts';
import type { Interpreter } from '../patterns/interpreter.ts';
import { routeWorkflow } from '../planning/route-workflow.ts';
import type { Bus, Claim } from '../ports/bus.ts';
import type { Clock } from '../ports/clock.ts';
import type { HealthStore } from '../ports/health.ts';
import type { Catalog } from './catalog.ts';
import type { Because, Orchestrator } from './orchestrator.ts';

/** Runs that events started and that have not ended: the rest waits its turn. A storm of events must not cost a fortune. */
const MAX_UNDER_WAY = 20;
/** Milliseconds after which it is looked again whether agents can work. */
const READY_LOOK_MS = 30_000;

export interface SubscriptionsDeps {
  readonly bus: Bus;
  readonly orchestrator: Pick<Orchestrator, 'admits' | 'start'>;
  readonly catalog: Catalog;
  readonly interpreter: Interpreter;
  readonly health: Pick<HealthStore, 'read'>;
  readonly subscriptions: readonly Subscription[];
  readonly clock: Clock;
  /** Where a subscription starts its runs, and by whom; null while Baton is not installed there. */
  readonly placeOf: (one: Subscription) => Place | null;
  /** Who somebody is, as Slack says; throws when it does not say. */
  readonly decider: (user: string, team: string) => Promise<Decider>;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** A subscription's workspace by its key, and its channel and person by their ids there. */
export interface Place {
  readonly team: string;
  readonly channel: string;
  readonly by: string;
}

/** Events that may start their run now. */
interface Due {
  readonly batch: string;
  readonly ids: readonly number[];
  readonly priority: Subscription['priority'];
  /** Runs that stand still until it is done. */
  readonly blocked: number;
  readonly firstAt: number;
}

/** What people say is urgent, then what most runs wait for, then what came first. */
function goesBefore(one: Due, other: Due): boolean {
  const order =
    priorities.indexOf(one.priority) - priorities.indexOf(other.priority) ||
    other.blocked - one.blocked ||
    one.firstAt - other.firstAt;
  return order < 0;
}

function waitingWords(blocked: number): string {
  if (blocked === 0) return '';
  return blocked === 1 ? '. One run waits for it' : `. ${blocked} runs wait for it`;
}

/** Starts workflows for events: choreography. What is claimed is started, by this process or the next. */
export class Subscriptions {
  readonly #deps: SubscriptionsDeps;
  readonly #byId: ReadonlyMap<string, Subscription>;

  constructor(deps: SubscriptionsDeps) {
    this.#deps = deps;
    this.#byId = new Map(deps.subscriptions.map((one) => [one.id, one]));
  }

  /**
   * Starts what is due, the most urgent first. Never twice at once. Throws when something passing is in the way:
   * then it is to be called again.
   * @returns when to look again, in milliseconds since the epoch; null when an event or the end of a run will tell
   */
  async catchUp(): Promise<number | null> {
    const { bus, clock } = this.#deps;
    await this.#startAll(await bus.claimed(), 0);
    for (;;) {
      const { due, next } = await this.#look(clock.now());
      if (due === null) return next;
      if ((await bus.underWay()) >= MAX_UNDER_WAY) return null;
      await bus.claim(due.batch, due.ids);
      const { batch, blocked } = due;
      await this.#startAll(
        (await bus.claimed()).filter((claim) => claim.batch === batch),
        blocked,
      );
    }
  }

  /** One that cannot start now must not keep the others from it. */
  async #startAll(claims: readonly Claim[], blocked: number): Promise<void> {
    const ended = await Promise.allSettled(claims.map((claim) => this.#start(claim, blocked)));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  /** What is to start first, and when the next is due. */
  async #look(now: number) {
    let due: Due | null = null;
    let next: number | null = null;
    for (const one of this.#deps.subscriptions) {
      if (this.#deps.placeOf(one) === null) continue;
      const waiting = await this.#deps.bus.waiting(one.id, mostTogether(one));
      if (waiting === null) continue;
      const { ids, firstAt, firstSeq } = waiting;
      const at = dueAt(one, { ...waiting, count: ids.length });
      if (at > now) {
        next = Math.min(next ?? at, at);
        continue;
      }
      if (!(await this.#isReady(one, now))) {
        next = Math.min(next ?? Number.POSITIVE_INFINITY, now + READY_LOOK_MS);
        continue;
      }
      const { priority } = one;
      const blocked = await this.#blocked(one, ids);
      const found: Due = { batch: `${eventId(firstSeq)}:${one.id}`, ids, priority, blocked, firstAt };
      if (due === null || goesBefore(found, due)) due = found;
    }
    return { due, next };
  }

  /** Runs that stand still until this is done: what its workflow publishes is waited for, or its events speak of them. */
  async #blocked(one: Subscription, deliveries: readonly number[]): Promise<number> {
    const { bus, catalog, interpreter, placeOf } = this.#deps;
    const flow = catalog.workflows.get(one.workflow ?? '')?.flow;
    const names =
      flow === undefined
        ? []
        : [...interpreter.walk(flow)].flatMap((node) =>
            node.kind === 'emit' && typeof node['event'] === 'string' ? [node['event']] : [],
          );
    return bus.blocked({ team: placeOf(one)?.team ?? '', names, deliveries });
  }

  async #start({ batch, subscription: id, events }: Claim, blocked: number): Promise<void> {
    const { bus, orchestrator, clock, placeOf, decider, log } = this.#deps;
    const refuse = async (reason: string): Promise<void> => {
      log.warn({ subscription: id, batch, reason }, 'An event started nothing');
      await bus.settle(batch, { refused: reason });
    };
    const one = this.#byId.get(id);
    if (one === undefined) return refuse('The subscription is not in baton.yaml any more');
    const place = placeOf(one);
    // Baton was taken out of that workspace in between: what was claimed waits like the rest.
    if (place === null) return;
    const { team, channel, by } = place;
    const request = requestOf(one, events);
    const chosen = this.#choose(one, `${events[0]?.name ?? ''} ${request}`);
    if (chosen === null) return refuse('No workflow of the catalogue fits');
    const refusal = await orchestrator.admits(await decider(by, team), one.repo ?? null);
    if (refusal !== null) return refuse(`${one.by} may not start this (${refusal})`);
    const came = events.map(({ seq }) => eventId(seq));
    try {
      const session = await orchestrator.start({
        intent: `event:${batch}`,
        // The same each time it is tried: the ids of session and run follow from it.
        receivedAt: events[0]?.at ?? clock.now(),
        team,
        channel,
        requester: by,
        workflow: chosen.workflow,
        request,
        repository: one.repo ?? null,
        autoStart: one.auto_start,
        given: givenBy(one, events),
        because: {
          actor: id,
          reason: `${came.join(', ')} came (${[...new Set(events.map(({ name }) => name))].join(', ')}). ${chosen.reason}${waitingWords(blocked)}`,
          alternatives: chosen.alternatives,
          evidence: {
            ...(blocked === 0 ? {} : { blocked }),
            events: came,
            from: [...new Set(events.map(({ source }) => source))],
          },
        },
      });
      await bus.settle(batch, { runId: session.currentRunId });
      log.info({ subscription: id, events: came, run: session.currentRunId }, 'Events started a run');
    } catch (error) {
      const failure = toFailure(error);
      // Whatever passes is tried again; what trying again cannot mend must not hold up the rest.
      if (failure.class !== 'terminal' || failure.code === 'unknown') throw error;
      await refuse(failure.message);
    }
  }

  /** Whether each agent of its workflow, or who stands in for it, can be given work, where the subscription waits for that. */
  async #isReady({ workflow: name, when_ready: waits }: Subscription, now: number): Promise<boolean> {
    const { catalog, interpreter, health } = this.#deps;
    const workflow = waits === undefined ? undefined : catalog.workflows.get(name ?? '');
    if (workflow === undefined) return true;
    const works = async (agent: string | null): Promise<boolean> => {
      if (agent === null) return false;
      const state = stateOf((await health.read('agent', agent)).circuit, now);
      return state === 'closed' || state === 'half_open';
    };
    for (const { agent } of interpreter.agents(workflow.flow))
      if (!(await works(agent)) && !(await works(catalog.roles.get(agent)?.backup ?? null))) return false;
    return true;
  }

  #choose(
    one: Subscription,
    text: string,
  ): (Pick<Because, 'reason' | 'alternatives'> & { workflow: string }) | null {
    const { catalog, interpreter } = this.#deps;
    if (one.workflow !== undefined)
      return { workflow: one.workflow, reason: 'baton.yaml names the workflow for it', alternatives: [] };
    return routeWorkflow(text, [...catalog.workflows.values()], ({ flow }) =>
      interpreter.agents(flow).flatMap(({ agent }) => catalog.roles.get(agent)?.capabilities ?? []),
    );
  }
}
