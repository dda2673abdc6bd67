import { describe, expect, it } from 'vitest';
import type { DeskEvent, Snapshot } from '../../desk/contract.ts';
import type { Answer } from '../../desk/page/api.ts';
import { createApi } from '../../desk/page/api.ts';
import { createSession, type Stream } from '../../desk/page/session.ts';
import type { Ready } from '../../desk/page/state/state.ts';
import { messageAt, snapshotOf } from './samples.ts';

/** A desk whose every answer is in the test's hand. */
function fakeDesk(options: { readonly hash?: string; readonly answer?: Answer } = {}) {
  const streams: { readonly url: string; readonly stream: Stream & { closed: boolean } }[] = [];
  const posts: { readonly path: string; readonly body: unknown }[] = [];
  const asked: { readonly user: string | null; readonly reply: (snapshot: Snapshot | null) => void }[] = [];
  const later: (() => void)[] = [];
  const stored = new Map<string, string>();
  let hash = options.hash ?? '';
  let count = 0;
  const session = createSession({
    api: {
      snapshot: (user) =>
        new Promise((resolve, reject) => {
          asked.push({
            user,
            reply: (snapshot) => (snapshot === null ? reject(new Error('gone')) : resolve(snapshot)),
          });
        }),
      post: (path, body) => {
        posts.push({ path, body });
        return Promise.resolve(options.answer ?? { ok: true, channel: null });
      },
      streamUrl: (user) => user,
    },
    openStream: (url) => {
      const stream = {
        onmessage: null,
        onopen: null,
        onerror: null,
        readyState: 1,
        closed: false,
        close() {
          stream.closed = true;
        },
      };
      streams.push({ url, stream });
      return stream;
    },
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
    },
    newId: () => {
      count += 1;
      return `id-${count}`;
    },
    hash: {
      read: () => hash,
      write: (next) => {
        hash = next;
      },
    },
    later: (work) => void later.push(work),
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    session,
    streams,
    posts,
    asked,
    later,
    stored,
    hash: () => hash,
    settle,
    /** Answers the oldest unanswered snapshot request. */
    reply: async (snapshot: Snapshot | null = snapshotOf()) => {
      asked.shift()?.reply(snapshot);
      await settle();
    },
    emit: (event: DeskEvent) => {
      const source = streams.at(-1)?.stream;
      if (source === undefined) throw new Error('No stream is open.');
      Reflect.apply(source.onmessage ?? (() => undefined), source, [{ data: JSON.stringify(event) }]);
    },
    state: (): Ready => {
      const state = session.store.get();
      if (state.status !== 'ready') throw new Error(`The page is ${state.status}.`);
      return state;
    },
  };
}

async function opened(options: Parameters<typeof fakeDesk>[0] = {}) {
  const desk = fakeDesk(options);
  desk.session.start();
  await desk.reply();
  await desk.reply();
  await desk.reply();
  return desk;
}

describe('opening', () => {
  it('starts as the first person who is no bot, and writes that into the address', async () => {
    const desk = await opened();
    expect(desk.state().me).toBe('U1');
    expect(desk.hash()).toBe('#U1/C2');
    expect(desk.streams.map((one) => one.url)).toEqual(['U1']);
  });

  it('comes back to the place in the address', async () => {
    const desk = await opened({ hash: '#U2/D2/1700000001.000000' });
    expect(desk.state()).toMatchObject({ me: 'U2', place: { id: 'D2' }, thread: '1700000001.000000' });
  });

  it('holds events until the snapshot is in, so that none is lost', async () => {
    const desk = fakeDesk();
    desk.session.start();
    await desk.reply();
    desk.emit({ type: 'message', message: messageAt(2, { text: 'early' }) });
    await desk.reply(snapshotOf([messageAt(1)]));
    expect(desk.state().messages['C2']?.map((message) => message.text)).toEqual(['hello', 'early']);
  });

  it('keeps trying while the desk does not answer', async () => {
    const desk = fakeDesk();
    desk.session.start();
    await desk.reply(null);
    expect(desk.session.store.get()).toMatchObject({ status: 'failed', error: 'gone' });
    desk.later.shift()?.();
    await desk.reply();
    await desk.reply();
    expect(desk.state().me).toBe('U1');
  });

  it('counts what waits for the others', async () => {
    const desk = fakeDesk();
    desk.session.start();
    await desk.reply();
    await desk.reply();
    expect(desk.asked.map((one) => one.user)).toEqual(['U2']);
    await desk.reply(snapshotOf([messageAt(1, { channel: 'D2', user: 'UBOT' })]));
    expect(desk.state().elsewhere['U2']).toHaveLength(1);
  });
});

describe('the line', () => {
  it('says when it is lost, and reads everything anew once it is back', async () => {
    const desk = await opened();
    const source = desk.streams.at(-1)?.stream;
    Reflect.apply(source?.onerror ?? (() => undefined), source, []);
    expect(desk.state().line).toBe('lost');
    Reflect.apply(source?.onopen ?? (() => undefined), source, []);
    await desk.reply(snapshotOf([messageAt(7)]));
    expect(desk.state()).toMatchObject({ line: 'live', messages: { C2: [messageAt(7)] } });
  });

  it('opens a new stream when the browser has given up', async () => {
    const desk = await opened();
    const source = desk.streams.at(-1)?.stream;
    if (source !== undefined) Object.assign(source, { readyState: 2 });
    Reflect.apply(source?.onerror ?? (() => undefined), source, []);
    desk.later.shift()?.();
    expect(desk.streams).toHaveLength(2);
    expect(source?.closed).toBe(true);
  });

  it('drops what is still under way for the person before', async () => {
    const desk = await opened();
    desk.session.actAs('U2');
    desk.session.actAs('U1');
    await desk.reply(snapshotOf([messageAt(1, { text: 'for bob' })]));
    expect(desk.state()).toMatchObject({ me: 'U1', messages: {} });
  });
});

describe('doing', () => {
  it('shows a message while it is sent, and keeps it with the reason when it is refused', async () => {
    const desk = await opened({ answer: { ok: false, error: 'unreachable', errors: null } });
    const done = desk.session.say('C2', 'hi <there>', null);
    expect(desk.state().pending).toMatchObject([{ status: 'sending', text: 'hi <there>' }]);
    await done;
    expect(desk.state().pending).toMatchObject([{ status: 'failed', text: 'hi <there>' }]);
    expect(desk.posts.at(-1)).toEqual({
      path: 'message',
      body: { user: 'U1', channel: 'C2', text: 'hi <there>' },
    });
  });

  it('tells a refused command to whoever typed it, and a refused click to everybody looking', async () => {
    const desk = await opened({ answer: { ok: false, error: 'dispatch_failed', errors: null } });
    expect(await desk.session.command('C2', '/orchestrate', 'status')).toContain('dispatch_failed');
    await desk.session.act({ type: 'view', viewId: 'V1' }, { action_id: 'a' }, { values: {} });
    expect(desk.state().toasts).toMatchObject([{ text: expect.stringContaining('dispatch_failed') }]);
  });

  it('hands errors of a form back by block', async () => {
    const desk = await opened({ answer: { ok: false, error: 'refused', errors: { what: 'Say more.' } } });
    expect(await desk.session.submit('V1', { values: {} })).toEqual({ what: 'Say more.' });
    expect(desk.state().toasts).toEqual([]);
  });

  it('opens a direct message where the desk says', async () => {
    const desk = await opened({ hash: '#U2', answer: { ok: true, channel: 'D2' } });
    await desk.session.openDirect('UBOT');
    expect(desk.state().place).toEqual({ kind: 'channel', id: 'D2' });
  });
});

describe('the api', () => {
  it('turns whatever goes wrong into an answer', async () => {
    const failing = createApi(() => Promise.reject(new Error('refused')));
    expect(await failing.post('message', {})).toEqual({ ok: false, error: 'unreachable', errors: null });
    const odd = createApi(() => Promise.resolve(new Response('{"what":1}', { status: 500 })));
    expect(await odd.post('message', {})).toEqual({ ok: false, error: 'http_500', errors: null });
    await expect(odd.snapshot(null)).rejects.toThrow('500');
  });
});
