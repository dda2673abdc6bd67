import { type BusEvent, checkedName, checkedPayload, type EventTypes } from '../domain/bus-event.ts';
import type { EventRules } from '../patterns/event-rule.ts';
import type { Bus, Listener, NewBusEvent, Published, Wanted } from '../ports/bus.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Redact } from '../ports/redactor.ts';
import { redactJson } from './redact-json.ts';

/** Events handed on in one transaction at most; fewer where many want them. */
const AT_ONCE = 100;
/** Wait before what could not be handed on is tried again: the disk may have room by then. */
const RETRY_MS = 1_000;

/** Who wants events beside the runs that listen. */
export interface Subscriber {
  readonly id: string;
  readonly on: readonly string[];
  readonly where: string | null;
  /** Whether events of a workspace, by its key, are for it. */
  readonly isOf: (team: string) => boolean;
}

export interface EventsDeps {
  readonly bus: Bus;
  readonly engine: Pick<Engine, 'wake'>;
  readonly clock: Clock;
  readonly types: EventTypes;
  readonly rules: EventRules;
  readonly subscribers: readonly Subscriber[];
  readonly redact: Redact;
  /** Told when what is published cannot be handed on. */
  readonly onTrouble: (error: unknown) => void;
}

/** The bus in use: checks what is published, keeps it, and hands it on in order. */
export class Events {
  readonly #deps: EventsDeps;
  readonly #byName = new Map<string, Subscriber[]>();
  readonly #listeners = new Set<() => void>();
  #state: 'idle' | 'armed' | 'stopped' = 'idle';
  #working: Promise<void> = Promise.resolve();

  constructor(deps: EventsDeps) {
    this.#deps = deps;
    for (const subscriber of deps.subscribers)
      for (const name of subscriber.on)
        this.#byName.set(name, [...(this.#byName.get(name) ?? []), subscriber]);
  }

  /**
   * Resolves once it is durable. The same keys publish once.
   * @throws BatonError terminal `event_unknown`, `event_invalid` or `event_too_large`
   */
  async publish(event: NewBusEvent): Promise<Published> {
    const { types, bus, redact } = this.#deps;
    const payload = checkedPayload(types, event.name, redactJson(event.payload, redact));
    const published = await bus.publish({ ...event, payload });
    if (!published.again && published.refused === null) this.wake();
    return published;
  }

  /** Lets a run wait for events; idempotent by the listener's id. */
  async listen(listener: Listener, since: number | null): Promise<void> {
    const { bus, clock, engine } = this.#deps;
    checkedName(this.#deps.types, listener.name);
    await bus.listen(listener, since, this.#wants, clock.now());
    engine.wake(listener.runId);
  }

  async unlisten(id: string): Promise<void> {
    await this.#deps.bus.unlisten(id);
  }

  /** Called when deliveries may wait to start runs. */
  onDelivered(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Hands on what is there, soon. Also to be called when somebody else may have published. */
  wake(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'armed';
    setImmediate(() => {
      if (this.#state === 'stopped') return;
      this.#state = 'idle';
      this.#working = this.#working.then(() => this.#hand());
    });
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    await this.#working;
  }

  readonly #wants = ({ rule, facts }: Listener, event: BusEvent): Wanted =>
    this.#deps.rules.wants(rule, facts, event);

  async #hand(): Promise<void> {
    const { bus, clock, engine, onTrouble } = this.#deps;
    if (this.#state === 'stopped') return;
    try {
      const { events, runs, deliveries } = await bus.route({
        limit: AT_ONCE,
        now: clock.now(),
        wants: this.#wants,
        subscribers: (event) => this.#subscribers(event),
      });
      for (const runId of runs) engine.wake(runId);
      if (deliveries > 0) for (const listener of this.#listeners) listener();
      // The rest in turns of their own: many events at once must not hold up the event loop.
      if (events > 0) this.wake();
    } catch (error) {
      onTrouble(error);
      clock.after(RETRY_MS, () => this.wake());
    }
  }

  #subscribers(event: BusEvent): { id: string; refused: string | null }[] {
    return (this.#byName.get(event.name) ?? []).flatMap(
      ({ id, where, isOf }): { id: string; refused: string | null }[] => {
        if (event.team !== null && !isOf(event.team)) return [];
        const wanted = this.#deps.rules.wants(where, {}, event);
        if (wanted === false) return [];
        if (wanted === true) return [{ id, refused: null }];
        // Kept as refused: whoever wonders why nothing began finds it there.
        const refused =
          wanted === 'absent' ? `The event lacks a field of the rule "${where}"` : wanted.message;
        return [{ id, refused }];
      },
    );
  }
}
