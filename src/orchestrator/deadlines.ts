import type { Clock } from '../ports/clock.ts';
import type { ApprovalStore } from '../ports/store.ts';

/** How often it is looked for what ran out: a card that says so this much late misleads nobody. */
const EVERY_MS = 30_000;

export interface DeadlinesOptions {
  readonly approvals: Pick<ApprovalStore, 'expireDue'>;
  readonly clock: Clock;
  /** Something was closed. */
  readonly onClosed: () => void;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Closes what ran out and nobody waits for: a yes that was never used, a question whose run is paused. A run that
 * waits has a timer of its own; whichever of the two is first, the other finds it closed.
 */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  #cancel: (() => void) | null = null;
  #under: Promise<void> = Promise.resolve();

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#under = this.sweep();
    this.#cancel = this.#options.clock.after(EVERY_MS, () => this.start());
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#under;
  }

  /** One look, until nothing more is due. */
  async sweep(): Promise<void> {
    const { approvals, clock, onClosed, onTrouble } = this.#options;
    try {
      while ((await approvals.expireDue(clock.now())) > 0) onClosed();
    } catch (error) {
      onTrouble(error);
    }
  }
}
