import type { Clock } from './clock.ts';
import { newUuid } from './ids.ts';
import type { Json } from './json.ts';
import type { Ack, AppLink } from './link.ts';
import type { Delivery, Queue } from './store/queue.ts';

/** Slack repeats an event at once, after a minute and after five more; then it gives up. */
const RETRY_MS = [0, 60_000, 300_000] as const;

export type EventQueue = Readonly<{
  push(payload: Json): void;
  /** Delivers what is due; called when the app connects. */
  kick(): void;
  waiting(): number;
  close(): void;
}>;

function reasonOf(ack: Exclude<Ack, { status: 'acked' | 'offline' }>): string {
  switch (ack.status) {
    case 'timeout':
      return 'timeout';
    case 'lost':
      return ack.reason;
    default:
      return ack satisfies never;
  }
}

/** Events owed to the app, kept in the file until they are acknowledged or given up. */
export function createEventQueue(clock: Clock, queue: Queue, link: AppLink): EventQueue {
  const waiting = new Map<number, Delivery>(queue.all().map((delivery) => [delivery.id, delivery]));
  const flying = new Set<number>();
  let cancelTimer: (() => void) | null = null;
  let closed = false;

  const settle = (delivery: Delivery, ack: Ack): void => {
    flying.delete(delivery.id);
    if (closed) return;
    if (ack.status === 'offline') return;
    const delay = RETRY_MS[delivery.attempt];
    if (ack.status === 'acked' || delay === undefined) {
      waiting.delete(delivery.id);
      queue.done(delivery.id);
      return;
    }
    const reason = reasonOf(ack);
    const next = { ...delivery, attempt: delivery.attempt + 1, due: clock.now() + delay, reason };
    waiting.set(next.id, next);
    queue.retry(next.id, next.attempt, next.due, next.reason);
    kick();
  };

  const fly = async (delivery: Delivery): Promise<void> => {
    flying.add(delivery.id);
    const ack = await link.deliver({
      id: newUuid(),
      kind: 'events_api',
      payload: delivery.payload,
      acceptsResponse: false,
      retryAttempt: delivery.attempt,
      retryReason: delivery.reason,
    });
    settle(delivery, ack);
  };

  const kick = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    if (closed || !link.connected()) return;
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const delivery of waiting.values()) {
      if (flying.has(delivery.id)) continue;
      if (delivery.due <= now) void fly(delivery);
      else next = Math.min(next, delivery.due);
    }
    if (Number.isFinite(next)) cancelTimer = clock.after(next - now, kick);
  };

  return {
    push(payload) {
      const due = clock.now();
      const id = queue.add(payload, due);
      waiting.set(id, { id, payload, attempt: 0, due, reason: '' });
      kick();
    },
    kick,
    waiting: () => waiting.size,
    close() {
      closed = true;
      cancelTimer?.();
    },
  };
}
