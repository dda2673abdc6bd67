import type { Clock } from './clock.ts';
import { newSecret } from './ids.ts';

/** Slack lets a trigger open a modal for three seconds. */
const TRIGGER_MS = 3_000;
/** How long a spent trigger is remembered, only to name the right error. */
const MEMORY_MS = 10 * 60_000;

type TriggerUse =
  | Readonly<{ status: 'good'; user: string; viewId: string | null }>
  | Readonly<{
      status: 'refused';
      error: 'expired_trigger_id' | 'exchanged_trigger_id' | 'invalid_trigger_id';
    }>;

export type Triggers = Readonly<{
  /** A trigger for `user`; `viewId` is the modal it came from. */
  issue(user: string, viewId: string | null): string;
  /** Spends a trigger: valid for three seconds and once. */
  exchange(id: string): TriggerUse;
}>;

/** Triggers live in memory only: three seconds do not outlast a restart. */
export function createTriggers(clock: Clock, teamId: string): Triggers {
  const known = new Map<string, { user: string; viewId: string | null; at: number; spent: boolean }>();
  let serial = 0;
  return {
    issue(user, viewId) {
      const now = clock.monotonic();
      for (const [id, trigger] of known) if (trigger.at < now - MEMORY_MS) known.delete(id);
      serial += 1;
      const id = `${Math.floor(clock.now())}${serial}.${teamId}.${newSecret(16)}`;
      known.set(id, { user, viewId, at: now, spent: false });
      return id;
    },
    exchange(id) {
      const trigger = known.get(id);
      if (trigger === undefined) return { status: 'refused', error: 'invalid_trigger_id' };
      if (trigger.spent) return { status: 'refused', error: 'exchanged_trigger_id' };
      if (clock.monotonic() - trigger.at > TRIGGER_MS) {
        return { status: 'refused', error: 'expired_trigger_id' };
      }
      trigger.spent = true;
      return { status: 'good', user: trigger.user, viewId: trigger.viewId };
    },
  };
}
