import type { Clock } from '../../ports/clock.ts';
import type { OutboxRow, OutboxStore } from '../../ports/outbox.ts';
import type { SendLog } from '../clients.ts';
import { createDelivery } from './delivery.ts';
import { channelKey, createSendState, noteCall, tidy, WINDOW_MS } from './limits.ts';
import { type Decision, decide, METHOD, noteEnd, noteStart } from './schedule.ts';
import type { Transport } from './transport.ts';

export interface SenderOptions {
  readonly store: OutboxStore;
  /** The way to a workspace; null when there is no token for it, which freezes it. */
  readonly transport: (team: string) => Transport | null;
  readonly clock: Clock;
  readonly log: SendLog;
  /** In [0, 1); spreads retries. */
  readonly random: () => number;
  /** A message that could not be delivered: tell the person by another way. It is not tried again, unless it is `held`. */
  readonly onUndeliverable: (row: OutboxRow, code: string, held: boolean) => Promise<void>;
  /** Slack refused the token of a workspace, in its own word: nothing is sent there until `thaw`. Once. */
  readonly onFrozen: (team: string, code: string) => void;
}

/**
 * Carries the outbox to Slack. `tick` reads what waits and starts whatever may go now, without waiting for the
 * answers; every answer, every `wake` and the timer set by the last tick lead to another one.
 */
export interface Sender {
  tick(): Promise<void>;
  /** Something was enqueued. Cheap; may be called any number of times. */
  wake(): void;
  /** A workspace can be spoken to again: what waits for it is tried. */
  thaw(): void;
  /** Resolves when nothing is under way: all is sent, or waits for time to pass. */
  settled(): Promise<void>;
  /** Starts nothing more, and resolves when what is under way has ended. */
  stop(): Promise<void>;
}

/** Rows read at once; more are read when none of these can go. */
const READ_ROWS = 500;

/** Wait after the store itself failed (a full disk, a lock held too long). */
const STORE_RETRY_MS = 5_000;

export function createSender(options: SenderOptions): Sender {
  const { store, clock, log } = options;
  const state = createSendState(clock.monotonic());
  const delivery = createDelivery({ ...options, state });
  /** Rows whose work ended since the last read: what was read of them is out of date. */
  const ended = new Set<number>();
  const underWay = new Set<Promise<void>>();
  let running: Promise<void> | null = null;
  let again = false;
  let remembered = false;
  let stopped = false;
  let cancelTimer = () => {};

  function tick(): Promise<void> {
    if (stopped) return Promise.resolve();
    again = true;
    running ??= passes();
    return running;
  }

  /** What the process before sent within Slack's window counts as if this one had sent it. */
  async function remember(): Promise<void> {
    if (remembered) return;
    const now = { wall: clock.now(), mono: clock.monotonic() };
    for (const { team, kind, channel, at } of await store.sentSince(now.wall - WINDOW_MS)) {
      const mono = now.mono - Math.max(0, now.wall - at);
      noteCall(state, team, METHOD[kind], mono);
      if (kind !== 'update' && channel !== null) state.lastPost.set(channelKey(team, channel), mono);
    }
    remembered = true;
  }

  async function passes(): Promise<void> {
    cancelTimer();
    try {
      await remember();
      for (let limit = READ_ROWS; again && !stopped; ) {
        again = false;
        const more = await pass(limit);
        if (more) limit *= 2;
        again ||= more;
      }
    } catch (error) {
      log.error({ error: messageOf(error) }, 'The outbox could not be used; trying again shortly');
      arm(STORE_RETRY_MS);
    } finally {
      // In the same turn as the last look at `again`, so that no wake falls in between.
      running = null;
    }
  }

  /** Starts everything that may go now. @returns whether nothing could while the store holds more */
  async function pass(limit: number): Promise<boolean> {
    ended.clear();
    tidy(state, clock.monotonic());
    const read = await store.waiting(limit);
    await loadRefs(read);
    const complete = read.length < limit;
    const left = new Set(read);
    let started = 0;
    for (;;) {
      if (stopped) return false;
      const rows = [...left].filter(({ id }) => !ended.has(id));
      const now = { wall: clock.now(), mono: clock.monotonic() };
      const decision = decide({ rows, complete }, state, now);
      if (decision.kind === 'wait') {
        if (decision.ms !== null) arm(decision.ms);
        return started === 0 && !complete;
      }
      started += 1;
      if (await start(decision)) continue;
      left.delete(decision.row);
      // What stood behind the row may go now, and the store may hold it in another form.
      again = true;
    }
  }

  /** @returns true when the row is under way, false when it is out of the way */
  async function start(decision: Exclude<Decision, { kind: 'wait' }>): Promise<boolean> {
    const { row } = decision;
    switch (decision.kind) {
      case 'orphan':
        await delivery.orphan(row);
        return false;
      case 'release':
        state.verifyAt.delete(row.id);
        await store.retry(row.id, clock.now(), row.error ?? 'was under way');
        return false;
      case 'verify':
        noteStart(state, decision, clock.monotonic());
        launch(row, delivery.verify(row));
        return true;
      case 'post':
      case 'update':
      case 'ephemeral':
        if (!(await store.claim(row.id, clock.now()))) return false;
        noteStart(state, decision, clock.monotonic());
        launch(row, delivery.send(row, decision.kind));
        return true;
      default:
        return decision satisfies never;
    }
  }

  function launch(row: OutboxRow, work: Promise<void>): void {
    const whole = work
      .catch((error: unknown) => {
        // The row stays `sending`: it is looked for before anything is sent again.
        state.verifyAt.set(row.id, clock.monotonic() + STORE_RETRY_MS);
        log.error(
          { outboxId: row.id, error: messageOf(error) },
          'The outbox could not be written; will look again',
        );
      })
      .finally(() => {
        noteEnd(state, row.id, clock.monotonic());
        ended.add(row.id);
        underWay.delete(whole);
        wake();
      });
    underWay.add(whole);
  }

  async function loadRefs(rows: readonly OutboxRow[]): Promise<void> {
    const keys = new Set(rows.flatMap(({ kind, key, thread }) => [kind === 'update' ? key : thread]));
    for (const key of keys) {
      if (key === undefined || state.refs.has(key)) continue;
      const ref = await store.ref(key);
      if (ref !== null) state.refs.set(key, ref);
    }
  }

  function arm(ms: number): void {
    cancelTimer();
    cancelTimer = stopped ? () => {} : clock.after(ms, wake);
  }

  function wake(): void {
    void tick();
  }

  async function settled(): Promise<void> {
    while (running !== null || underWay.size > 0) await Promise.all([running, ...underWay]);
  }

  return {
    tick,
    wake,
    thaw: () => {
      state.frozen.clear();
      wake();
    },
    settled,
    stop: async () => {
      stopped = true;
      cancelTimer();
      await settled();
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
