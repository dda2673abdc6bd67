import type { Clock } from '../ports/clock.ts';
import type { DelegationStore } from '../ports/delegations.ts';
import type { ApprovalStore } from '../ports/store.ts';
import type { Chaser } from './chaser.ts';

/** How often it is looked who is away now, or back: a question that moves on this much later misses nobody. */
const EVERY_MS = 30_000;

export interface HandoversOptions {
  readonly approvals: Pick<ApprovalStore, 'askedOf'>;
  readonly delegations: Pick<DelegationStore, 'changed'>;
  readonly chaser: Pick<Chaser, 'chase'>;
  readonly clock: Clock;
  /** People were asked. */
  readonly onAsked: () => void;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Looks at what people were asked whenever somebody among them is away from now on, or back: the runs that wait worked
 * out their next look before that was said. What is done then is decided where all of it is (`nextDeed`). The first look
 * of a process goes over all that was ever said, since it may have come to hold, or to its end, while nobody looked.
 */
export class Handovers {
  readonly #options: HandoversOptions;
  #cancel: (() => void) | null = null;
  #under: Promise<void> = Promise.resolve();
  #looked = 0;

  constructor(options: HandoversOptions) {
    this.#options = options;
  }

  start(): void {
    this.#under = this.look();
    this.#cancel = this.#options.clock.after(EVERY_MS, () => this.start());
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#under;
  }

  async look(): Promise<void> {
    const { approvals, delegations, chaser, clock, onAsked, onTrouble } = this.#options;
    const now = clock.now();
    try {
      for (const team of await delegations.changed(this.#looked, now))
        for (const id of await approvals.askedOf(team)) {
          await chaser.chase(id, now);
          onAsked();
        }
      this.#looked = now;
    } catch (error) {
      // Looked at again next time, from the same moment on.
      onTrouble(error);
    }
  }
}
