import { FairQueue, type Waiting } from '../../domain/fair-queue.ts';
import { type RateLimit, RateWindow, WINDOW_MS } from '../../domain/rate-limit.ts';
import type { Clock } from '../../ports/clock.ts';
import { cancelled } from '../cancelled.ts';

/** Waits after a server's "too many" that names no time: doubled each time it says so again. */
const FIRST_BLOCK_MS = 1_000;
const LONGEST_BLOCK_MS = 60_000;
/** Waits shorter than this are not worth a word. */
const WORTH_TELLING_MS = 2_000;

export interface Asking {
  /** Unique among those that wait. */
  readonly id: string;
  /** Whose call it is: runs take turns by weight. */
  readonly runId: string;
  readonly weight: number;
  /** What the call will about take. */
  readonly tokens: number;
  readonly signal: AbortSignal;
  /** Told once when it has to wait for longer: about how many milliseconds. */
  readonly onWait: (ms: number) => void;
}

/** A call that may go ahead; ended once, with the tokens it took when they are known. */
export interface Slot {
  end(tokens: number | null): void;
}

interface Ticket extends Waiting {
  readonly asking: Asking;
  readonly begin: () => void;
}

/**
 * The one way to a model server: calls and tokens per minute, calls at once, and whatever pause the server asks for, over
 * all runs. Who waits is served fairly; a large call at the head is not overtaken by small ones, or it would never go.
 */
export class ProviderGate {
  readonly #limit: RateLimit;
  readonly #window: RateWindow;
  readonly #queue = new FairQueue<Ticket>();
  readonly #clock: Clock;
  #cancelTimer: (() => void) | null = null;
  #blockMs = FIRST_BLOCK_MS;

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#window = new RateWindow(limit);
    this.#clock = clock;
  }

  /** Calls that an earlier process made, the oldest first, before any of this one. @param agoMs how long ago it began */
  remember(calls: readonly { readonly agoMs: number; readonly tokens: number }[]): void {
    const now = this.#clock.monotonic();
    for (const { agoMs, tokens } of calls) this.#window.remember(now - agoMs, tokens);
  }

  /** Calls under way, and calls that wait. */
  get load(): { readonly open: number; readonly waiting: number } {
    return { open: this.#window.open, waiting: this.#queue.size };
  }

  /** Rejects as cancelled when the signal comes first. */
  acquire(asking: Asking): Promise<Slot> {
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    if (asking.signal.aborted) return Promise.reject(cancelled(asking.signal));
    const give = (): void => {
      this.#queue.remove(asking.id);
      reject(cancelled(asking.signal));
      this.#pump();
    };
    asking.signal.addEventListener('abort', give, { once: true });
    this.#queue.push({
      id: asking.id,
      flow: asking.runId,
      weight: asking.weight,
      asking,
      begin: () => {
        asking.signal.removeEventListener('abort', give);
        const end = this.#window.begin(asking.tokens, this.#clock.monotonic());
        resolve({
          end: (tokens) => {
            end(tokens);
            this.#pump();
          },
        });
      },
    });
    this.#pump();
    const wait = this.#waitOf(asking);
    if (wait >= WORTH_TELLING_MS) asking.onWait(wait);
    return promise;
  }

  /**
   * The server said "too many".
   * @param askedMs how long it wants to be left alone; null when it does not say
   * @returns for how many milliseconds it is left alone
   */
  throttled(askedMs: number | null): number {
    const ms = askedMs ?? this.#blockMs;
    this.#blockMs = Math.min(LONGEST_BLOCK_MS, this.#blockMs * 2);
    this.pause(ms);
    return ms;
  }

  /** Lets nobody through for so long. */
  pause(ms: number): void {
    this.#window.block(this.#clock.monotonic() + ms);
    this.#pump();
  }

  /** Milliseconds of a pause that are left. */
  get pausedMs(): number {
    return Math.max(0, this.#window.blockedUntil - this.#clock.monotonic());
  }

  /** The server answered. */
  answered(): void {
    this.#blockMs = FIRST_BLOCK_MS;
  }

  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (let next = this.#queue.peek(); next !== null; next = this.#queue.peek()) {
      const now = this.#clock.monotonic();
      const at = this.#window.nextAt(next.asking.tokens, now);
      if (at === null) return;
      if (at > now) {
        this.#cancelTimer = this.#clock.after(at - now, () => this.#pump());
        return;
      }
      this.#queue.take()?.begin();
    }
  }

  /** About how long one that waits has still to wait: the head's time, and a call's share of a minute for each before it. */
  #waitOf({ id }: Asking): number {
    const head = this.#queue.peek();
    if (head === null) return 0;
    const ahead = this.#queue.ahead(id);
    if (ahead === null) return 0;
    const now = this.#clock.monotonic();
    const first = (this.#window.nextAt(head.asking.tokens, now) ?? now) - now;
    const each = this.#limit.calls_per_minute === null ? 0 : WINDOW_MS / this.#limit.calls_per_minute;
    return first + ahead * each;
  }
}
