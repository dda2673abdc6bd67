import type { DeskEvent } from '../contract.ts';

/** Who may see an event: everybody, or the people for whom the function says yes. */
type Audience = 'all' | ((user: string) => boolean);

type Kept = { id: number; audience: Audience; event: DeskEvent };
type Listener = { user: string; send(id: number, event: DeskEvent): void };

/** Events kept for pages that reconnect. */
const KEPT = 5_000;

export type Hub = Readonly<{
  emit(event: DeskEvent, audience: Audience): void;
  /** Calls `send` for each event that `user` may see; the returned function ends it. */
  follow(user: string, send: (id: number, event: DeskEvent) => void): () => void;
  /** Events after `lastId`, or null when they are no longer all kept. */
  since(user: string, lastId: number): { id: number; event: DeskEvent }[] | null;
  /** The number of the newest event. */
  position(): number;
  /** Ends every stream's subscription. */
  clear(): void;
}>;

/**
 * Carries what happens to the open pages. Numbers start at the time of the start in milliseconds times a
 * thousand, so they go on rising after a restart and an old number is seen to be old.
 */
export function createHub(startedAt: number): Hub {
  const first = Math.floor(startedAt) * 1_000;
  const kept: Kept[] = [];
  const listeners = new Set<Listener>();
  let last = first;
  const sees = (audience: Audience, user: string): boolean => audience === 'all' || audience(user);
  return {
    emit(event, audience) {
      last += 1;
      kept.push({ id: last, audience, event });
      if (kept.length > KEPT) kept.shift();
      for (const listener of listeners) if (sees(audience, listener.user)) listener.send(last, event);
    },
    follow(user, send) {
      const listener = { user, send };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    since(user, lastId) {
      const oldest = kept[0]?.id ?? last + 1;
      if (lastId < first || lastId > last || lastId + 1 < oldest) return null;
      return kept.filter((entry) => entry.id > lastId && sees(entry.audience, user));
    },
    position: () => last,
    clear: () => listeners.clear(),
  };
}
