import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeskEvent } from '../../desk/contract.ts';
import { type Action, reduce, upsertMessage } from '../../desk/page/state/reducer.ts';
import { initialState, type Ready } from '../../desk/page/state/state.ts';
import { createStore } from '../../desk/page/state/store.ts';
import { messageAt, readyState, snapshotOf, viewOf } from './samples.ts';

function play(state: Ready, ...actions: readonly Action[]): Ready {
  let next = state;
  for (const action of actions) {
    const reduced = reduce(next, action);
    if (reduced.status !== 'ready') throw new Error('A ready state stays ready.');
    next = reduced;
  }
  return next;
}

function event(body: DeskEvent): Action {
  return { type: 'event', event: body, id: 'e1' };
}

describe('the first snapshot', () => {
  it('opens #general, and sorts messages of each channel', () => {
    const state = readyState([messageAt(3), messageAt(1), messageAt(2, { channel: 'C1' })]);
    expect(state.place).toEqual({ kind: 'channel', id: 'C2' });
    expect(state.messages['C2']?.map((message) => message.ts)).toEqual([messageAt(1).ts, messageAt(3).ts]);
    expect(state.messages['C1']).toHaveLength(1);
  });

  it('keeps to the wanted place only if this person can see it', () => {
    const place = { kind: 'channel', id: 'C1' } as const;
    const seen = reduce(initialState({}), { type: 'snapshot', me: 'U1', snapshot: snapshotOf(), place });
    expect(seen).toMatchObject({ place });
    const hidden = { kind: 'channel', id: 'NOPE' } as const;
    expect(
      reduce(initialState({}), { type: 'snapshot', me: 'U1', snapshot: snapshotOf(), place: hidden }),
    ).toMatchObject({
      place: { kind: 'channel', id: 'C2' },
    });
  });

  it('shows an error before the first snapshot and a lost line after it', () => {
    const failed = { type: 'failed', error: 'gone' } as const;
    expect(reduce(initialState({}), failed)).toMatchObject({ status: 'failed', error: 'gone' });
    expect(reduce(readyState(), failed)).toMatchObject({ status: 'ready', line: 'lost' });
  });
});

describe('events', () => {
  it('an edited message replaces its older self', () => {
    const state = play(
      readyState([messageAt(1), messageAt(2)]),
      event({ type: 'message', message: messageAt(1, { text: 'edited', editedTs: '9' }) }),
    );
    expect(state.messages['C2']?.map((message) => message.text)).toEqual(['edited', 'hello']);
  });

  it('an ephemeral message for somebody else never shows', () => {
    const state = play(
      readyState(),
      event({ type: 'message', message: messageAt(1, { ephemeralFor: 'U2' }) }),
    );
    expect(state.messages['C2']).toBeUndefined();
    const mine = play(
      readyState(),
      event({ type: 'message', message: messageAt(1, { ephemeralFor: 'U1' }) }),
    );
    expect(mine.messages['C2']).toHaveLength(1);
  });

  it('views, channels and the connection are taken over', () => {
    const channel = { id: 'D9', name: 'd', kind: 'im', members: ['U1', 'U2'], archived: false } as const;
    const state = play(
      readyState(),
      event({ type: 'modals', modals: [viewOf('V1')] }),
      event({ type: 'home', home: { ...viewOf('V2'), type: 'home' } }),
      event({ type: 'app', connected: false }),
      event({ type: 'channel', channel: { ...channel, members: [...channel.members] } }),
      event({ type: 'notice', text: 'Something to know' }),
    );
    expect(state.modals.map((view) => view.id)).toEqual(['V1']);
    expect(state.home?.id).toBe('V2');
    expect(state.workspace.app.connected).toBe(false);
    expect(state.workspace.channels.map((one) => one.id)).toContain('D9');
    expect(state.toasts.map((toast) => toast.text)).toEqual(['Something to know']);
  });

  it('in any order, and however often, the same messages come out sorted and once each', () => {
    let repeats = 0;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 30 }), (times) => {
        if (new Set(times).size < times.length) repeats += 1;
        let list: ReturnType<typeof upsertMessage> = [];
        for (const at of times) list = upsertMessage(list, messageAt(at));
        const wanted = [...new Set(times)].sort((a, b) => a - b).map((at) => messageAt(at).ts);
        expect(list.map((message) => message.ts)).toEqual(wanted);
      }),
    );
    expect(repeats).toBeGreaterThan(10);
  });
});

describe('acting as somebody else', () => {
  it('keeps the place, drops the thread and what was being sent', () => {
    const before = play(
      readyState(),
      { type: 'go', place: { kind: 'channel', id: 'C1' } },
      { type: 'thread', ts: '1.1' },
      {
        type: 'sending',
        pending: { localId: 'p', channel: 'C1', threadTs: null, text: 'x', status: 'sending' },
      },
    );
    const state = play(before, { type: 'snapshot', me: 'U2', snapshot: snapshotOf(), place: null });
    expect(state).toMatchObject({ me: 'U2', place: { id: 'C1' }, thread: null, pending: [] });
  });

  it('a reconnect of the same person keeps both', () => {
    const before = play(readyState(), { type: 'thread', ts: '1.1' });
    expect(play(before, { type: 'snapshot', me: 'U1', snapshot: snapshotOf(), place: null }).thread).toBe(
      '1.1',
    );
  });

  it('counts what arrives for others once, and forgets it when one becomes them', () => {
    const activity = event({ type: 'activity', user: 'U2', channel: 'D2', ts: '5.0' });
    const state = play(readyState(), activity, activity, {
      type: 'elsewhere',
      user: 'U2',
      marks: ['D2:5.0', 'D2:6.0'],
    });
    expect(state.elsewhere['U2']).toEqual(['D2:5.0', 'D2:6.0']);
    expect(
      play(state, { type: 'snapshot', me: 'U2', snapshot: snapshotOf(), place: null }).elsewhere['U2'],
    ).toBeUndefined();
    expect(
      play(readyState(), event({ type: 'activity', user: 'U1', channel: 'D1', ts: '5.0' })).elsewhere,
    ).toEqual({});
  });
});

describe('sending', () => {
  const pending = { localId: 'p', channel: 'C2', threadTs: null, text: 'x', status: 'sending' } as const;

  it('a refused message keeps its text and says why; a sent one goes', () => {
    const refused = play(
      readyState(),
      { type: 'sending', pending },
      { type: 'refused', localId: 'p', error: 'too late' },
    );
    expect(refused.pending).toEqual([{ ...pending, status: 'failed', error: 'too late' }]);
    expect(play(refused, { type: 'sent', localId: 'p' }).pending).toEqual([]);
  });

  it('says the same error once, and no more than three', () => {
    const say = (id: string, text: string) => ({ type: 'toast', id, text }) as const;
    const state = play(
      readyState(),
      say('1', 'a'),
      say('2', 'a'),
      say('3', 'b'),
      say('4', 'c'),
      say('5', 'd'),
    );
    expect(state.toasts.map((toast) => toast.text)).toEqual(['b', 'c', 'd']);
    expect(play(state, { type: 'untoast', id: '4' }).toasts.map((toast) => toast.id)).toEqual(['3', '5']);
  });
});

describe('the store', () => {
  it('tells listeners of changes only, until they leave', () => {
    const store = createStore((state: number, action: number) => state + action, 0);
    const seen: number[] = [];
    const leave = store.subscribe(() => seen.push(store.get()));
    store.dispatch(2);
    store.dispatch(0);
    leave();
    store.dispatch(3);
    expect(seen).toEqual([2]);
    expect(store.get()).toBe(5);
  });
});
