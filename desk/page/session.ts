import { type DeskEvent, deskEventSchema } from '../contract.ts';
import type { Answer, Api } from './api.ts';
import { readAddress, writeAddress } from './state/address.ts';
import { parseReads, unreadMarks } from './state/reads.ts';
import { type Action, reduce } from './state/reducer.ts';
import { type DeskState, initialState, type Place } from './state/state.ts';
import { createStore, type Store } from './state/store.ts';
import { explain } from './text/words.ts';

type Json = Record<string, unknown>;
export type Container =
  | { readonly type: 'message'; readonly channel: string; readonly ts: string }
  | { readonly type: 'view'; readonly viewId: string };

/** Everything the components may do. Nothing here throws; what fails becomes a toast or a returned error. */
export interface Session {
  readonly store: Store<DeskState, Action>;
  readonly start: () => void;
  readonly actAs: (user: string) => void;
  readonly go: (place: Place) => void;
  readonly openThread: (ts: string | null) => void;
  readonly openDirect: (other: string) => Promise<void>;
  readonly say: (channel: string, text: string, threadTs: string | null) => Promise<void>;
  readonly discard: (localId: string) => void;
  /** @returns null when the app took the command, else what to tell the person. */
  readonly command: (channel: string, command: string, text: string) => Promise<string | null>;
  readonly act: (container: Container, action: Json, state: Json) => Promise<void>;
  /** @returns errors per block_id; null when the view was taken. */
  readonly submit: (viewId: string, state: Json) => Promise<Readonly<Record<string, string>> | null>;
  readonly close: (viewId: string) => Promise<void>;
  readonly toast: (text: string) => void;
  readonly dismiss: (id: string) => void;
}

/** The part of EventSource that is used. `readyState` 2 means that the browser has given up. */
export type Stream = Pick<EventSource, 'onmessage' | 'onopen' | 'onerror' | 'readyState' | 'close'>;

/** What the session needs from the browser. */
export interface Surroundings {
  readonly api: Api;
  readonly openStream: (url: string) => Stream;
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  readonly newId: () => string;
  readonly hash: { readonly read: () => string; readonly write: (hash: string) => void };
  readonly later: (work: () => void, ms: number) => void;
}

const READS_KEY = 'desk.reads';
/** Milliseconds between attempts to reach a desk that is gone; a person restarting it should not wait. */
const RETRY_MS = 1500;
/** EventSource.CLOSED, which tests outside a browser do not have. */
const STREAM_CLOSED = 2;
/** Milliseconds an error stays on show: long enough to read two lines. */
const TOAST_MS = 8000;

export function createSession(world: Surroundings): Session {
  const store = createStore(reduce, initialState(parseReads(world.storage.getItem(READS_KEY))));
  let stream: Stream | null = null;
  /** Rises with every change of person, so that late answers for the one before are dropped. */
  let turn = 0;

  store.subscribe(() => {
    const state = store.get();
    if (state.status !== 'ready') return;
    world.storage.setItem(READS_KEY, JSON.stringify(state.reads));
    world.hash.write(writeAddress(state.me, state.place, state.thread));
  });

  const toast = (text: string) => {
    const id = world.newId();
    store.dispatch({ type: 'toast', id, text });
    world.later(() => store.dispatch({ type: 'untoast', id }), TOAST_MS);
  };

  /** The stream is opened first and its events are held until the snapshot is in, so nothing falls between. */
  const connect = (user: string, place: Place | null, thread: string | null) => {
    turn += 1;
    const mine = turn;
    stream?.close();
    const source = world.openStream(world.api.streamUrl(user));
    stream = source;
    let held: DeskEvent[] | null = [];
    let lost = false;
    const refresh = async (wanted: Place | null) => {
      held = held ?? [];
      const snapshot = await world.api.snapshot(user);
      if (mine !== turn) return;
      store.dispatch({ type: 'snapshot', me: user, snapshot, place: wanted });
      const waiting = held ?? [];
      held = null;
      for (const event of waiting) store.dispatch({ type: 'event', event, id: world.newId() });
      store.dispatch({ type: 'line', line: 'live' });
    };
    const retry = () => {
      world.later(() => {
        if (mine === turn) connect(user, null, null);
      }, RETRY_MS);
    };
    source.onmessage = (message: MessageEvent<string>) => {
      const event = parseEvent(message.data);
      if (event === null || mine !== turn) return;
      if (held === null) store.dispatch({ type: 'event', event, id: world.newId() });
      else held.push(event);
    };
    source.onopen = () => {
      if (!lost) return;
      lost = false;
      refresh(null).catch(retry);
    };
    source.onerror = () => {
      if (mine !== turn) return;
      lost = true;
      store.dispatch({ type: 'line', line: 'lost' });
      // The browser tries again by itself unless the desk answered with an error.
      if (source.readyState === STREAM_CLOSED) retry();
    };
    refresh(place)
      .then(() => {
        if (thread !== null) store.dispatch({ type: 'thread', ts: thread });
        return countElsewhere(user);
      })
      .catch((error: unknown) => {
        if (mine !== turn) return;
        store.dispatch({ type: 'failed', error: error instanceof Error ? error.message : 'unreachable' });
        retry();
      });
  };

  const countElsewhere = async (user: string) => {
    const state = store.get();
    if (state.status !== 'ready') return;
    for (const person of state.workspace.people) {
      if (person.isBot || person.id === user) continue;
      const snapshot = await world.api.snapshot(person.id).catch(() => null);
      if (snapshot === null) continue;
      const marks = unreadMarks(snapshot, person.id, store.get().reads);
      store.dispatch({ type: 'elsewhere', user: person.id, marks });
    }
  };

  const me = () => {
    const state = store.get();
    return state.status === 'ready' ? state.me : '';
  };

  const report = (answer: Answer, subject: string) => {
    if (!answer.ok) toast(explain(answer.error, subject));
  };

  const go = (place: Place) => {
    store.dispatch({ type: 'go', place });
    if (place.kind === 'home')
      void world.api.post('home', { user: me() }).then((answer) => report(answer, 'opening App Home'));
  };

  const start = () => {
    const address = readAddress(world.hash.read());
    world.api
      .snapshot(address.user)
      .then((snapshot) => {
        const people = snapshot.people.filter((person) => !person.isBot);
        const user = people.find((person) => person.id === address.user) ?? people[0];
        if (user === undefined)
          store.dispatch({ type: 'failed', error: 'This workspace has no people in it.' });
        else connect(user.id, address.place, address.thread);
      })
      .catch((error: unknown) => {
        store.dispatch({ type: 'failed', error: error instanceof Error ? error.message : 'unreachable' });
        world.later(start, RETRY_MS);
      });
  };

  return {
    store,
    start,
    toast,
    go,
    actAs: (user) => connect(user, null, null),
    openThread: (ts) => store.dispatch({ type: 'thread', ts }),
    dismiss: (id) => store.dispatch({ type: 'untoast', id }),
    discard: (localId) => store.dispatch({ type: 'sent', localId }),
    openDirect: async (other) => {
      const answer = await world.api.post('dm', { user: me(), with: other });
      if (answer.ok && answer.channel !== null) go({ kind: 'channel', id: answer.channel });
      else report(answer, 'opening the direct message');
    },
    say: async (channel, text, threadTs) => {
      const state = store.get();
      if (state.status !== 'ready') return;
      const localId = world.newId();
      store.dispatch({ type: 'sending', pending: { localId, channel, threadTs, text, status: 'sending' } });
      const answer = await world.api.post('message', {
        user: state.me,
        channel,
        text,
        ...(threadTs === null ? {} : { threadTs }),
      });
      if (answer.ok) store.dispatch({ type: 'sent', localId });
      else store.dispatch({ type: 'refused', localId, error: explain(answer.error, 'your message') });
    },
    command: async (channel, command, text) => {
      const answer = await world.api.post('command', { user: me(), channel, command, text });
      return answer.ok ? null : explain(answer.error, command);
    },
    act: async (container, action, state) => {
      report(await world.api.post('action', { user: me(), container, action, state }), 'your click');
    },
    submit: async (viewId, state) => {
      const answer = await world.api.post('submit', { user: me(), viewId, state });
      if (answer.ok) return null;
      if (answer.errors === null) toast(explain(answer.error, 'the form'));
      return answer.errors ?? {};
    },
    close: async (viewId) => {
      report(await world.api.post('close', { user: me(), viewId }), 'closing the form');
    },
  };
}

function parseEvent(data: string): DeskEvent | null {
  try {
    const parsed = deskEventSchema.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
