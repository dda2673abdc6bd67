import type { Stats } from '../contract.ts';
import type { Messages } from './store/messages.ts';

type CallCount = { calls: number; limited: number; errors: number };

export type Counter = Readonly<{
  call(method: string, outcome: 'ok' | 'limited' | 'error'): void;
  acked(ms: number): void;
  unacked(): void;
  read(): Stats;
}>;

/** Latencies kept; the oldest go first, so that a long soak does not eat memory. */
const ACKS_KEPT = 100_000;

/**
 * What tests count. Posts and doubled posts come from the stored messages and so survive a restart of the
 * desk; calls and latencies count from its start.
 */
export function createCounter(messages: Messages): Counter {
  const calls = new Map<string, CallCount>();
  const ackMs: number[] = [];
  let unacked = 0;
  return {
    call(method, outcome) {
      const count = calls.get(method) ?? { calls: 0, limited: 0, errors: 0 };
      count.calls += 1;
      if (outcome === 'limited') count.limited += 1;
      if (outcome === 'error') count.errors += 1;
      calls.set(method, count);
    },
    acked(ms) {
      ackMs.push(ms);
      if (ackMs.length > ACKS_KEPT) ackMs.shift();
    },
    unacked() {
      unacked += 1;
    },
    read() {
      const { posts, doubled } = messages.counts();
      return { calls: Object.fromEntries(calls), posts, doubledPosts: doubled, ackMs: [...ackMs], unacked };
    },
  };
}
