import type { Place } from './state.ts';

/** What the address bar remembers, so that a reload or a second tab shows the same place as the same person. */
export interface Address {
  readonly user: string | null;
  readonly place: Place | null;
  readonly thread: string | null;
}

/** Reads `#user/place/thread`; whatever is missing or odd is null. */
export function readAddress(hash: string): Address {
  const [user = '', place = '', thread = ''] = hash.replace(/^#/, '').split('/');
  return {
    user: /^\w+$/.test(user) ? user : null,
    place: place === 'home' ? { kind: 'home' } : /^\w+$/.test(place) ? { kind: 'channel', id: place } : null,
    thread: /^\d+\.\d+$/.test(thread) ? thread : null,
  };
}

/** The inverse of {@link readAddress}. */
export function writeAddress(user: string, place: Place, thread: string | null): string {
  const parts = [user, place.kind === 'home' ? 'home' : place.id, ...(thread === null ? [] : [thread])];
  return `#${parts.join('/')}`;
}
