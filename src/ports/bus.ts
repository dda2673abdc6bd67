import type { BusEvent, EventSource } from '../domain/bus-event.ts';
import type { Failure } from '../domain/failure.ts';
import type { Json } from '../domain/json.ts';

/**
 * `pending` waits to start a run, `claimed` is about to, `done` has, `refused` never will; what was handed to a run
 * that listened is `done` at once.
 */
export const busDeliveryStatuses = ['pending', 'claimed', 'done', 'refused'] as const;

export interface NewBusEvent {
  /** What makes it the same publication when it comes again: if any of these was seen, it is. */
  readonly keys: readonly [string, ...string[]];
  readonly name: string;
  readonly payload: Json;
  readonly sourceKind: EventSource;
  readonly source: string;
  /** The run that publishes it, whose own events it follows from. */
  readonly runId: string | null;
  readonly at: number;
}

/** How a publication ended; a repeated one ends as the first did. */
export interface Published {
  readonly seq: number;
  readonly again: boolean;
  /** Why it reaches nobody; null when it does. */
  readonly refused: string | null;
}

/** A run that waits for events of one name. */
export interface Listener {
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly signal: string;
  readonly rule: string | null;
  readonly facts: { readonly [name: string]: Json };
  readonly remaining: number;
}

/**
 * Whether somebody wants an event. `absent`: not, because their rule speaks of a field that it does not have, which is
 * recorded. A rule that cannot be decided is a failure.
 */
export type Wanted = boolean | 'absent' | Failure;

/** What a listening run is sent. */
export type ListenerSignal = { readonly event: BusEvent } | { readonly failure: Failure };

export interface Routed {
  /** Events that were looked at. */
  readonly events: number;
  /** Runs that were sent something. */
  readonly runs: readonly string[];
  /** Deliveries that now wait to start a run. */
  readonly deliveries: number;
}

/** Events of one subscription that start one run together. */
export interface Claim {
  readonly batch: string;
  readonly subscription: string;
  readonly events: readonly BusEvent[];
}

/**
 * The bus between runs. Each method that changes something is one transaction; together they are the only door.
 * Published once, given to each subscriber once, in the order of publication.
 */
export interface Bus {
  publish(event: NewBusEvent): Promise<Published>;
  /**
   * Lets a run wait: for what is published from now on, or also for what was since a moment (milliseconds since the
   * epoch). Idempotent by id. `wants` decides about what is there already.
   */
  listen(
    listener: Listener,
    since: number | null,
    wants: (listener: Listener, event: BusEvent) => Wanted,
    now: number,
  ): Promise<void>;
  unlisten(id: string): Promise<void>;
  /**
   * Hands on the next events, oldest first: signals to runs, deliveries to subscriptions, and the position, all in
   * one transaction.
   */
  route(input: {
    readonly limit: number;
    readonly now: number;
    readonly wants: (listener: Listener, event: BusEvent) => Wanted;
    /** The subscriptions that want it, with the reason where a rule could not be decided. */
    readonly subscribers: (
      event: BusEvent,
    ) => readonly { readonly id: string; readonly refused: string | null }[];
  }): Promise<Routed>;
  /** The first deliveries of a subscription that wait, and when its newest was published. */
  waiting(
    subscription: string,
    limit: number,
  ): Promise<{
    readonly ids: readonly number[];
    readonly firstSeq: number;
    readonly firstAt: number;
    readonly lastAt: number;
  } | null>;
  /**
   * How many runs of a workspace stand still until something is done: those that listen for an event of these names, and
   * those that the events of these deliveries speak of as their `run`. A run with its parts counts once.
   */
  blocked(by: {
    readonly team: string;
    readonly names: readonly string[];
    readonly deliveries: readonly number[];
  }): Promise<number>;
  /** Marks deliveries as one batch. What is claimed is started, by this process or the next. */
  claim(batch: string, deliveries: readonly number[]): Promise<void>;
  /** Batches that were claimed and have not ended, oldest first. */
  claimed(): Promise<Claim[]>;
  /** The batch started this run, or was refused. */
  settle(batch: string, end: { readonly runId: string } | { readonly refused: string }): Promise<void>;
  /** Deliveries of subscriptions that there are no more are refused. Returns how many. */
  refuseOthers(subscriptions: readonly string[], reason: string): Promise<number>;
  /** Runs that events started and that have not ended. */
  underWay(): Promise<number>;
}
