import type { Channel, DeskEvent, Message, Snapshot } from '../../contract.ts';
import { readUpTo } from './reads.ts';
import type { DeskState, Pending, Place, Ready } from './state.ts';

export type Action =
  | {
      readonly type: 'snapshot';
      readonly me: string;
      readonly snapshot: Snapshot;
      readonly place: Place | null;
    }
  | { readonly type: 'failed'; readonly error: string }
  | { readonly type: 'event'; readonly event: DeskEvent; readonly id: string }
  | { readonly type: 'line'; readonly line: 'live' | 'lost' }
  | { readonly type: 'go'; readonly place: Place }
  | { readonly type: 'thread'; readonly ts: string | null }
  | { readonly type: 'seen' }
  | { readonly type: 'sending'; readonly pending: Pending }
  | { readonly type: 'sent'; readonly localId: string }
  | { readonly type: 'refused'; readonly localId: string; readonly error: string }
  | { readonly type: 'elsewhere'; readonly user: string; readonly marks: readonly string[] }
  | { readonly type: 'toast'; readonly id: string; readonly text: string }
  | { readonly type: 'untoast'; readonly id: string };

/** More toasts than this hide the page rather than inform. */
const TOASTS_SHOWN = 3;

/** The page's one transition function: pure, and total over every action in every state. */
export function reduce(state: DeskState, action: Action): DeskState {
  if (action.type === 'snapshot') return withSnapshot(state, action.me, action.snapshot, action.place);
  if (action.type === 'failed')
    return state.status === 'ready'
      ? { ...state, line: 'lost' }
      : { status: 'failed', error: action.error, reads: state.reads };
  if (state.status !== 'ready') return state;
  return reduceReady(state, action);
}

function reduceReady(
  state: Ready,
  action: Exclude<Action, { type: 'snapshot' } | { type: 'failed' }>,
): Ready {
  switch (action.type) {
    case 'event':
      return withEvent(state, action.event, action.id);
    case 'line':
      return state.line === action.line ? state : { ...state, line: action.line };
    case 'go':
      return seen({ ...state, place: action.place, thread: null });
    case 'thread':
      return { ...state, thread: action.ts };
    case 'seen':
      return seen(state);
    case 'sending':
      return { ...state, pending: [...without(state.pending, action.pending.localId), action.pending] };
    case 'sent':
      return { ...state, pending: without(state.pending, action.localId) };
    case 'refused':
      return {
        ...state,
        pending: state.pending.map((item) =>
          item.localId === action.localId ? refused(item, action.error) : item,
        ),
      };
    case 'elsewhere':
      return withElsewhere(state, action.user, action.marks);
    case 'toast':
      return withToast(state, action.id, action.text);
    case 'untoast':
      return { ...state, toasts: state.toasts.filter((toast) => toast.id !== action.id) };
    default: {
      const unknown: never = action;
      return unknown;
    }
  }
}

function withSnapshot(state: DeskState, me: string, snapshot: Snapshot, wanted: Place | null): Ready {
  const kept = state.status === 'ready' ? state : null;
  const stays = kept !== null && kept.me === me;
  const messages: Record<string, Message[]> = {};
  for (const message of [...snapshot.messages].sort(byTs)) {
    const list = messages[message.channel];
    if (list === undefined) messages[message.channel] = [message];
    else list.push(message);
  }
  const place = openPlace(snapshot.channels, me, [wanted, kept?.place ?? null]);
  const { [me]: _mine, ...elsewhere } = kept?.elsewhere ?? {};
  const { team, app, people, channels, commands } = snapshot;
  return seen({
    status: 'ready',
    me,
    workspace: { team, app, people, channels, commands },
    messages,
    modals: snapshot.modals,
    home: snapshot.home,
    place,
    thread: stays ? kept.thread : null,
    pending: stays ? kept.pending : [],
    elsewhere,
    reads: state.reads,
    toasts: kept?.toasts ?? [],
    line: kept?.line ?? 'live',
  });
}

/** The first wanted place this person can see; else #general, or the first channel they are in. */
function openPlace(channels: readonly Channel[], me: string, wanted: readonly (Place | null)[]): Place {
  for (const place of wanted) {
    if (place === null) continue;
    if (place.kind === 'home' || channels.some((channel) => channel.id === place.id)) return place;
  }
  const mine = channels.filter(
    (channel) => channel.kind !== 'im' && !channel.archived && channel.members.includes(me),
  );
  const first = mine.find((channel) => channel.name === 'general') ?? mine[0] ?? channels[0];
  return first === undefined ? { kind: 'home' } : { kind: 'channel', id: first.id };
}

function withEvent(state: Ready, event: DeskEvent, id: string): Ready {
  switch (event.type) {
    case 'message':
      return withMessage(state, event.message);
    case 'channel':
      return {
        ...state,
        workspace: { ...state.workspace, channels: upsertChannel(state.workspace.channels, event.channel) },
      };
    case 'modals':
      return { ...state, modals: event.modals };
    case 'home':
      return { ...state, home: event.home };
    case 'app':
      return {
        ...state,
        workspace: { ...state.workspace, app: { ...state.workspace.app, connected: event.connected } },
      };
    case 'notice':
      return withToast(state, id, event.text);
    case 'activity':
      return event.user === state.me
        ? state
        : withElsewhere(state, event.user, [`${event.channel}:${event.ts}`]);
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

function withMessage(state: Ready, message: Message): Ready {
  if (message.ephemeralFor !== null && message.ephemeralFor !== state.me) return state;
  const list = upsertMessage(state.messages[message.channel] ?? [], message);
  return seen({ ...state, messages: { ...state.messages, [message.channel]: list } });
}

/**
 * Puts a message where its `ts` belongs, replacing an older copy of itself.
 * Slack's `ts` have a fixed width, so they sort as text.
 */
export function upsertMessage(list: readonly Message[], message: Message): readonly Message[] {
  const at = list.findIndex((other) => other.ts >= message.ts);
  if (at === -1) return [...list, message];
  const replaces = list[at]?.ts === message.ts;
  return [...list.slice(0, at), message, ...list.slice(replaces ? at + 1 : at)];
}

function upsertChannel(channels: readonly Channel[], channel: Channel): readonly Channel[] {
  const known = channels.some((other) => other.id === channel.id);
  return known
    ? channels.map((other) => (other.id === channel.id ? channel : other))
    : [...channels, channel];
}

function withElsewhere(state: Ready, user: string, marks: readonly string[]): Ready {
  const known = state.elsewhere[user] ?? [];
  const fresh = marks.filter((mark) => !known.includes(mark));
  return fresh.length === 0
    ? state
    : { ...state, elsewhere: { ...state.elsewhere, [user]: [...known, ...fresh] } };
}

function withToast(state: Ready, id: string, text: string): Ready {
  return {
    ...state,
    toasts: [...state.toasts.filter((toast) => toast.text !== text), { id, text }].slice(-TOASTS_SHOWN),
  };
}

/** Looking at a channel reads it. */
function seen(state: Ready): Ready {
  if (state.place.kind !== 'channel') return state;
  const newest = state.messages[state.place.id]?.at(-1)?.ts;
  if (newest === undefined) return state;
  const reads = readUpTo(state.reads, state.me, state.place.id, newest);
  return reads === state.reads ? state : { ...state, reads };
}

function refused(item: Pending, error: string): Pending {
  return {
    localId: item.localId,
    channel: item.channel,
    threadTs: item.threadTs,
    text: item.text,
    status: 'failed',
    error,
  };
}

function without(pending: readonly Pending[], localId: string): readonly Pending[] {
  return pending.filter((item) => item.localId !== localId);
}

function byTs(a: Message, b: Message): number {
  if (a.ts === b.ts) return 0;
  return a.ts < b.ts ? -1 : 1;
}
