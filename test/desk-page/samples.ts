import type { Message, Person, Snapshot, View } from '../../desk/contract.ts';
import { reduce } from '../../desk/page/state/reducer.ts';
import { initialState, type Reads, type Ready } from '../../desk/page/state/state.ts';

/** A small workspace: alice, bob and the app; #general, and bob's direct messages with the app. */
export function snapshotOf(messages: readonly Message[] = [], over: Partial<Snapshot> = {}): Snapshot {
  return {
    team: { id: 'T1', name: 'Rehearsal' },
    app: { id: 'A1', name: 'Baton', botUser: 'UBOT', connected: true },
    people: [
      person('U1', 'alice'),
      person('U2', 'bob'),
      { ...person('UBOT', 'baton'), realName: 'Baton', isBot: true },
    ],
    channels: [
      { id: 'C0', name: 'archive', kind: 'public', members: ['U1', 'U2'], archived: true },
      { id: 'C1', name: 'random', kind: 'public', members: ['U1', 'U2'], archived: false },
      { id: 'C2', name: 'general', kind: 'public', members: ['U1', 'U2', 'UBOT'], archived: false },
      { id: 'D2', name: 'd', kind: 'im', members: ['U2', 'UBOT'], archived: false },
    ],
    messages: [...messages],
    modals: [],
    home: null,
    commands: [{ command: '/orchestrate', description: 'Plan and run work', usageHint: 'feature <text>' }],
    ...over,
  };
}

function person(id: string, name: string): Person {
  return { id, name, realName: name, isBot: false, isGuest: false, timeZone: 'UTC' };
}

/** A message in #general at `<at>.000000`. */
export function messageAt(at: number, over: Partial<Message> = {}): Message {
  return {
    channel: 'C2',
    ts: `${1_700_000_000 + at}.000000`,
    threadTs: null,
    user: 'U2',
    text: 'hello',
    blocks: [],
    editedTs: null,
    ephemeralFor: null,
    replyCount: 0,
    deleted: false,
    ...over,
  };
}

export function viewOf(id: string, blocks: View['blocks'] = []): View {
  return {
    id,
    user: 'U1',
    type: 'modal',
    callbackId: 'c',
    title: id,
    submit: null,
    close: null,
    blocks,
    hash: '1',
  };
}

/** The state after a first snapshot for `me`. */
export function readyState(messages: readonly Message[] = [], me = 'U1', reads: Reads = {}): Ready {
  const state = reduce(initialState(reads), {
    type: 'snapshot',
    me,
    snapshot: snapshotOf(messages),
    place: null,
  });
  if (state.status !== 'ready') throw new Error('The first snapshot makes the state ready.');
  return state;
}
