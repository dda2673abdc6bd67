import { BatonError } from '../domain/failure.ts';
import { type Inventory, impossible } from '../domain/resources.ts';
import { type Activity, implement } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import { claimResources, type LeaseStore } from '../ports/leases.ts';

/** How soon the table is looked at again after the store refused. */
const STORE_RETRY_MS = 1_000;

export interface LeaseKeeperDeps {
  readonly leases: LeaseStore;
  readonly inventory: Inventory;
  readonly clock: Clock;
  /** The key of the timer that a holder set below its fiber. */
  readonly timerOf: (holder: string) => string;
  readonly onTrouble: (error: unknown) => void;
}

/** Hands out named resources between runs, and takes them back from whoever has ended. */
export class LeaseKeeper {
  readonly #deps: LeaseKeeperDeps;
  #engine: Engine | null = null;
  #cancelAlarm: (() => void) | null = null;
  #settling = false;
  #again = false;
  /** Whether anybody holds or waits, so that the table is left alone while nobody does. */
  #busy = true;

  constructor(deps: LeaseKeeperDeps) {
    this.#deps = deps;
  }

  /** Takes up what an earlier process left: whoever ended while nobody looked gives back. Returns what ends it. */
  start(engine: Engine): () => void {
    this.#engine = engine;
    const off = engine.onCommit(() => {
      if (this.#busy) this.#soon();
    });
    this.#soon();
    return () => {
      off();
      this.#engine = null;
      this.#cancelAlarm?.();
    };
  }

  get activity(): Activity {
    return implement(claimResources, async ({ uses, holder }, { runId, idempotencyKey }) => {
      const { leases, inventory, clock, timerOf } = this.#deps;
      const why = impossible(uses, inventory);
      if (why !== null)
        throw new BatonError({
          class: 'needs_person',
          code: 'resource_unknown',
          message: why,
          hint: 'Correct `resources:` in baton.yaml and restart Baton, then press Retry. Nothing was lost.',
        });
      this.#busy = true;
      const timer = timerOf(holder);
      const claim = { id: idempotencyKey, runId, timer, wants: uses, now: clock.now() };
      const status = await leases.claim(claim);
      this.#soon();
      return { lease: idempotencyKey, status };
    });
  }

  #soon(): void {
    if (this.#settling) {
      this.#again = true;
      return;
    }
    this.#settling = true;
    queueMicrotask(() => void this.#settle());
  }

  async #settle(): Promise<void> {
    const { leases, clock, onTrouble } = this.#deps;
    this.#again = false;
    try {
      const engine = this.#engine;
      if (engine === null) return;
      const { wake, nextAt, open } = await leases.settle(clock.now());
      this.#busy = open > 0;
      for (const id of wake) engine.wake(id);
      this.#alarm(nextAt === null ? null : nextAt - clock.now());
    } catch (error) {
      onTrouble(error);
      this.#alarm(STORE_RETRY_MS);
    } finally {
      this.#settling = false;
      if (this.#again && this.#engine !== null) this.#soon();
    }
  }

  #alarm(ms: number | null): void {
    this.#cancelAlarm?.();
    this.#cancelAlarm = ms === null ? null : this.#deps.clock.after(Math.max(0, ms), () => this.#soon());
  }
}
