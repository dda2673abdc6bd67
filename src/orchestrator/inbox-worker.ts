import { toFailure } from '../domain/failure.ts';
import type { Json } from '../domain/json.ts';
import type { Clock } from '../ports/clock.ts';
import type { Delivery, Inbox } from '../ports/store.ts';

/** What is done about one kind of delivery. May run again for the same delivery, so it must be idempotent by intent. */
export type DeliveryHandler = (delivery: Delivery) => Promise<void>;

export interface InboxLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** A delivery that fails this often is set aside, and the person is told. */
const MAX_ATTEMPTS = 3;
const RETRY_MS = 500;
/** One that was begun this often by processes that never told how it ended is what ended them: not begun again. */
const MAX_BEGUN = 8;
/** Deliveries worked on at once. Each begins in a turn of the event loop of its own: acknowledging others goes first. */
const AT_ONCE = 8;
const PAGE = 500;

export interface InboxWorkerOptions {
  readonly inbox: Inbox;
  readonly clock: Clock;
  readonly log: InboxLog;
  /** Whether whoever sent it may come in at all; when not, they have been told, and it counts as handled. */
  readonly admit?: (delivery: Delivery) => Promise<boolean>;
  /** Tells the person that nothing came of it. */
  readonly onGivenUp: (delivery: Delivery, reason: string) => Promise<void>;
}

/**
 * From acknowledged to done: every accepted delivery is handled at least once, whatever happens in between, and
 * once is enough for each intent.
 */
export class InboxWorker {
  readonly #options: InboxWorkerOptions;
  readonly #handlers = new Map<string, DeliveryHandler>();
  readonly #underWay = new Map<number, Promise<void>>();
  readonly #queue: Delivery[] = [];
  #armed = false;
  #stopped = false;

  constructor(options: InboxWorkerOptions) {
    this.#options = options;
  }

  handle(kind: string, handler: DeliveryHandler): void {
    this.#handlers.set(kind, handler);
  }

  /** Keeps a delivery; false when it was received before. Returns only once it is durable. */
  async accept(intent: string, kind: string, payload: Json): Promise<boolean> {
    const delivery = await this.#options.inbox.accept(intent, kind, payload, this.#options.clock.now());
    if (delivery === null) return false;
    this.#enqueue(delivery);
    return true;
  }

  /** Takes up what an earlier process accepted and did not finish. To be called before anything new is accepted. */
  async recover(): Promise<number> {
    let count = 0;
    for (let after = 0; ; ) {
      const open = await this.#options.inbox.open(PAGE, after);
      for (const delivery of open) this.#enqueue(delivery);
      count += open.length;
      const last = open.at(-1);
      if (last === undefined || open.length < PAGE) return count;
      after = last.id;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#underWay.values());
  }

  #enqueue(delivery: Delivery): void {
    this.#queue.push(delivery);
    this.#arm();
  }

  #arm(): void {
    if (this.#armed || this.#queue.length === 0 || this.#underWay.size >= AT_ONCE) return;
    this.#armed = true;
    setImmediate(() => {
      this.#armed = false;
      const delivery = this.#queue.shift();
      if (delivery !== undefined) this.#begin(delivery);
      this.#arm();
    });
  }

  #begin(delivery: Delivery): void {
    if (this.#stopped || this.#underWay.has(delivery.id)) return;
    const work = this.#attempts(delivery).finally(() => {
      this.#underWay.delete(delivery.id);
      this.#arm();
    });
    this.#underWay.set(delivery.id, work);
  }

  async #attempts(delivery: Delivery): Promise<void> {
    const { inbox, clock, log, onGivenUp } = this.#options;
    if (delivery.attempts >= MAX_BEGUN) {
      const why = `Baton stopped ${delivery.attempts} times while it was under way.`;
      log.error({ intent: delivery.intent, kind: delivery.kind }, why);
      await onGivenUp(delivery, why).catch(() => undefined);
      await inbox.handled(delivery.id, clock.now(), why).catch(() => undefined);
      return;
    }
    for (let attempt = delivery.attempts + 1; ; attempt += 1) {
      try {
        await inbox.attempt(delivery.id);
        const handler = this.#handlers.get(delivery.kind);
        if (handler === undefined) throw new Error(`Nothing handles "${delivery.kind}"`);
        if ((await this.#options.admit?.(delivery)) !== false) await handler(delivery);
        await inbox.handled(delivery.id, clock.now(), null);
        return;
      } catch (error) {
        const { message } = toFailure(error);
        log.error(
          { intent: delivery.intent, kind: delivery.kind, attempt, error: message },
          'A delivery could not be handled',
        );
        if (this.#stopped) return;
        if (attempt >= MAX_ATTEMPTS) {
          await onGivenUp(delivery, message).catch(() => undefined);
          await inbox.handled(delivery.id, clock.now(), message).catch(() => undefined);
          return;
        }
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.after(RETRY_MS * attempt, resolve);
      await promise;
    }
  }
}
