import { createApi } from './api.ts';
import { createSession, type Session } from './session.ts';

/** @returns the session of this browser tab. */
export function browserSession(): Session {
  return createSession({
    api: createApi(window.fetch.bind(window)),
    openStream: (url) => new EventSource(url),
    storage: window.localStorage,
    newId: () => crypto.randomUUID(),
    hash: {
      read: () => window.location.hash,
      write: (hash) => {
        if (window.location.hash !== hash) window.history.replaceState(null, '', hash);
      },
    },
    later: (work, ms) => {
      window.setTimeout(work, ms);
    },
  });
}
