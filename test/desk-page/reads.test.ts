import { describe, expect, it } from 'vitest';
import { readAddress, writeAddress } from '../../desk/page/state/address.ts';
import { parseReads, readUpTo, unreadMarks } from '../../desk/page/state/reads.ts';
import { reduce } from '../../desk/page/state/reducer.ts';
import { channelMessages, replyCount, threadMessages, unread } from '../../desk/page/state/selectors.ts';
import { messageAt, readyState, snapshotOf } from './samples.ts';

describe('what is read', () => {
  it('moves forward only, and is the same object when nothing changes', () => {
    const reads = readUpTo({}, 'U1', 'C2', '5.0');
    expect(reads).toEqual({ U1: { C2: '5.0' } });
    expect(readUpTo(reads, 'U1', 'C2', '4.0')).toBe(reads);
  });

  it('survives the browser, and nonsense in its storage does no harm', () => {
    expect(parseReads(JSON.stringify({ U1: { C2: '5.0' } }))).toEqual({ U1: { C2: '5.0' } });
    for (const text of [null, '', '{', '[]', '{"U1":3}']) expect(parseReads(text)).toEqual({});
  });

  it('looking at a channel reads it, also what arrives meanwhile', () => {
    const state = readyState([messageAt(1)]);
    expect(state.reads['U1']?.['C2']).toBe(messageAt(1).ts);
    const later = reduce(state, {
      type: 'event',
      event: { type: 'message', message: messageAt(2) },
      id: 'e',
    });
    expect(later.reads['U1']?.['C2']).toBe(messageAt(2).ts);
  });

  it('tells for-me from merely new', () => {
    const state = readyState([
      messageAt(1, { channel: 'C1' }),
      messageAt(2, { channel: 'C1', text: 'look, <@U1>' }),
      messageAt(3, { channel: 'C1', user: 'U1' }),
    ]);
    const random = state.workspace.channels.find((channel) => channel.id === 'C1');
    if (random === undefined) throw new Error('#random is in the sample.');
    expect(unread(state, random)).toEqual({ any: true, forMe: 1 });
  });

  it("marks somebody else's direct messages, mentions and ephemeral messages", () => {
    const snapshot = snapshotOf([
      messageAt(1, { channel: 'D2', user: 'UBOT' }),
      messageAt(2, { user: 'UBOT', text: '<@U2|bob> please' }),
      messageAt(3, { user: 'UBOT', ephemeralFor: 'U2' }),
      messageAt(4, { user: 'UBOT' }),
      messageAt(5, { channel: 'D2', user: 'U2' }),
      messageAt(6, { channel: 'D2', user: 'UBOT', deleted: true }),
    ]);
    const marks = [`D2:${messageAt(1).ts}`, `C2:${messageAt(2).ts}`, `C2:${messageAt(3).ts}`];
    expect(unreadMarks(snapshot, 'U2', {})).toEqual(marks);
    expect(unreadMarks(snapshot, 'U2', { U2: { C2: messageAt(9).ts } })).toEqual(marks.slice(0, 1));
  });
});

describe('threads', () => {
  const parent = messageAt(1, { threadTs: messageAt(1).ts, replyCount: 1 });
  const reply = messageAt(2, { threadTs: parent.ts });
  const other = messageAt(3);

  it('replies stand in the thread and not in the channel', () => {
    expect(channelMessages([parent, reply, other])).toEqual([parent, other]);
    expect(threadMessages([parent, reply, other], parent.ts)).toEqual({ parent, replies: [reply] });
    expect(threadMessages([other], parent.ts)).toEqual({ parent: null, replies: [] });
  });

  it('counts what it has seen when the server is behind', () => {
    expect(replyCount([parent, reply], { ...parent, replyCount: 0 })).toBe(1);
    expect(replyCount([parent], { ...parent, replyCount: 4 })).toBe(4);
  });

  it('a deleted message stays only while a thread hangs on it', () => {
    const gone = { ...parent, deleted: true };
    expect(channelMessages([gone, reply])).toEqual([gone]);
    expect(channelMessages([{ ...other, deleted: true }])).toEqual([]);
  });
});

describe('the address', () => {
  it('brings one back to the same place', () => {
    const hash = writeAddress('U1', { kind: 'channel', id: 'C2' }, '1700000001.000000');
    expect(readAddress(hash)).toEqual({
      user: 'U1',
      place: { kind: 'channel', id: 'C2' },
      thread: '1700000001.000000',
    });
    expect(readAddress(writeAddress('U1', { kind: 'home' }, null)).place).toEqual({ kind: 'home' });
  });

  it('ignores what it does not know', () => {
    expect(readAddress('')).toEqual({ user: null, place: null, thread: null });
    expect(readAddress('#<script>/../x')).toEqual({ user: null, place: null, thread: null });
  });
});
