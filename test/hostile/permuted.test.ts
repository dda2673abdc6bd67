import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Message } from '../../desk/contract.ts';
import { readClick } from '../../handlers/click.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { type Kept, startWorld, until, type World } from '../handlers/world.ts';
import { anew, exchanged, leaves, MATTERS, read } from './exchange.ts';

/**
 * What the desk really sends, kept back before Baton sees it, with every field exchanged for that of somebody else, of
 * another run, another workspace: nothing changes, and each is answered or in the audit. Alice asks, and only Bob may
 * decide; Carol asks, and only member1 may: so that whatever is exchanged is wrong.
 */
let w: World;
let database: Database.Database;
const flow = (name: string, people: string[]): Workflow => ({
  name,
  title: name,
  description: 'Asks people',
  how: 'an approval',
  why: 'to test',
  flow: { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.', people },
});

interface Captured extends Kept {
  readonly what: string;
  readonly body: string;
}
const captured: Captured[] = [];
const ids = new Map<string, string>();
const runs = new Map<string, string>();

beforeAll(async () => {
  w = await startWorld({
    members: 1,
    more: async (id) => ({
      extraWorkflows: [flow('for-bob', [await id('bob')]), flow('for-other', [await id('member1')])],
    }),
  });
  database = new Database(path.join(w.home, 'baton.db'), { readonly: true });
  for (const name of ['alice', 'bob', 'carol', 'dave', 'member1']) ids.set(name, await w.desk.id(name));
  const epics = new Map<string, Message>();
  const cards = new Map<string, Message>();
  for (const [who, workflow, title, start] of [
    ['alice', 'for-bob', 'first planned', false],
    ['carol', 'for-other', 'second planned', false],
    ['alice', 'for-bob', 'third asked', true],
    ['carol', 'for-other', 'fourth asked', true],
  ] as const) {
    await w.command(who, `${workflow} ${title}`);
    const epic = await w.find('alice', new RegExp(`${title}.*(Plan:|Estimate)`, 's'));
    epics.set(title, epic);
    if (start) {
      await w.click(who, epic, 'plan_start');
      cards.set(title, await w.find('alice', new RegExp(`Keep it\\?.*${title}`, 's'), epic.ts));
    }
    const team = (await w.desk.snapshot()).team.id;
    const session = (await w.core.store.sessions.recent(team, 10)).find(({ request }) => request === title);
    runs.set(title, session?.currentRunId ?? '');
  }
  const of = (from: ReadonlyMap<string, Message>, title: string): Message => {
    const found = from.get(title);
    if (found === undefined) throw new Error(`no message for ${title}`);
    return found;
  };
  // Their forms are opened, which changes nothing; what is sent with them is kept back like all the rest.
  const forms = new Map<string, string>();
  for (const [who, title] of [
    ['bob', 'third asked'],
    ['member1', 'fourth asked'],
  ] as const) {
    await w.click(who, of(cards, title), 'approval_reject');
    forms.set(who, (await w.modal(who)).id);
  }
  const reason = { reason: { reason_text: { type: 'plain_text_input', value: 'no' } } };
  const capture = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    const before = w.post.kept.length;
    await act();
    await until(async () => w.post.kept.length > before);
    for (const one of w.post.kept.slice(before)) captured.push({ ...one, what });
  };
  w.post.swallow(true);
  await capture('start', () => w.click('alice', of(epics, 'first planned'), 'plan_start'));
  await capture('start', () => w.click('carol', of(epics, 'second planned'), 'plan_start'));
  await capture('approve', () => w.click('bob', of(cards, 'third asked'), 'approval_approve'));
  await capture('approve', () => w.click('member1', of(cards, 'fourth asked'), 'approval_approve'));
  await capture('command', () => w.command('alice', `cancel ${runs.get('first planned')}`));
  await capture('command', () => w.command('carol', `cancel ${runs.get('second planned')}`));
  await capture('words', () => w.write('alice', '@Baton stop', of(epics, 'first planned')));
  await capture('words', () => w.write('carol', '@Baton stop', of(epics, 'second planned')));
  await capture('form', () => w.submit('bob', forms.get('bob') ?? '', reason));
  await capture('form', () => w.submit('member1', forms.get('member1') ?? '', reason));
  w.post.swallow(false);
}, 120_000);
afterAll(async () => {
  database.close();
  await w.close();
});

const TEAMS = ['TELSEWHERE', ''];
const RUNS = ['run_%', '', '*'];

async function state(): Promise<string> {
  const team = (await w.desk.snapshot()).team.id;
  const found = [];
  for (const id of runs.values())
    found.push([
      (await w.core.store.runs.status(id))?.status,
      (await w.core.store.approvals.ofRun(id)).map((each) => ({ ...each, auditHash: null })),
      (await w.core.store.decisions.ofRun(id)).length,
      (await w.core.store.projections.events(id, 0, 1_000)).length,
    ]);
  return JSON.stringify([
    found,
    (await w.core.store.sessions.recent(team, 50)).map(({ currentRunId }) => currentRunId),
  ]);
}

/** How much was said or written down about what led nowhere. */
async function traces(): Promise<number> {
  return z
    .number()
    .parse(
      database.prepare('select (select count(*) from audit) + (select max(id) from outbox)').pluck().get(),
    );
}

describe('every field of what was captured, exchanged', () => {
  test('changes nothing, and each is answered or in the audit', async () => {
    expect(captured.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['start', 'approve', 'command', 'words', 'form']),
    );
    const was = await state();
    let sent = 0;
    const kinds = new Set<string>();
    for (const one of captured) {
      const { data, write } = read(one);
      for (const [at, value] of leaves(data)) {
        if (!MATTERS.test(at)) continue;
        const theirs = captured
          .filter(({ what }) => what === one.what)
          .flatMap((each) =>
            leaves(read(each).data)
              .filter(([path]) => path === at)
              .map(([, other]) => other),
          );
        const pool = new Set([
          ...theirs,
          ...(/user/.test(at) ? [...ids.values(), 'UNOBODY'] : []),
          ...(/team|enterprise/.test(at) ? TEAMS : []),
          ...(/value|metadata/.test(at) ? [...runs.values(), ...RUNS] : []),
        ]);
        pool.delete(value);
        for (const other of pool) {
          const before = await traces();
          await w.post.send(write(anew(exchanged(data, at, other), sent)), w.clock.now());
          await w.settled();
          expect(await state(), `${one.what}: ${at} as ${other}`).toBe(was);
          expect(await traces(), `${one.what}: ${at} as ${other} left no trace`).toBeGreaterThan(before);
          sent += 1;
          kinds.add(`${one.what} ${at}`);
        }
      }
    }
    expect(sent).toBeGreaterThan(60);
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining([
        'approve actions.0.value',
        'approve team.id',
        'approve user.id',
        'command text',
        'command user_id',
        'form view.private_metadata',
        'form user.id',
        'start actions.0.value',
        'start user.id',
        'words event.thread_ts',
        'words event.user',
      ]),
    );
  }, 240_000);

  test('the other fields of a click say nothing of who does what', () => {
    let looked = 0;
    for (const one of captured.filter(({ what }) => what === 'approve' || what === 'start')) {
      const { data } = read(one);
      const { channel: _, ...click } = readClick(data)?.click ?? { channel: '' };
      for (const [at] of leaves(data)) {
        if (MATTERS.test(at) || /^actions\.0\.action_id$|^type$/.test(at)) continue;
        const { channel: __, ...now } = readClick(exchanged(data, at, 'something else'))?.click ?? {
          channel: '',
        };
        expect(now, at).toEqual(click);
        looked += 1;
      }
    }
    expect(looked).toBeGreaterThan(20);
  });

  test('as they were, they count: none of it was idle', async () => {
    const send = async (what: string, at: number) => {
      const one = captured.filter((each) => each.what === what)[at];
      if (one === undefined) throw new Error(`nothing captured of ${what}`);
      const before = await state();
      await w.post.send(one, w.clock.now());
      await w.settled();
      await until(async () => (await state()) !== before);
    };
    await send('approve', 0);
    await send('form', 1);
    await send('start', 0);
    await send('command', 1);
    await send('words', 0);
    const statusOf = async (title: string) => (await w.core.store.runs.status(runs.get(title) ?? ''))?.status;
    await until(async () => (await statusOf('third asked')) === 'completed');
    await until(async () => (await statusOf('fourth asked')) === 'failed');
    await until(async () => (await statusOf('second planned')) === 'cancelled');
    await until(async () => (await statusOf('first planned')) === 'cancelled');
  }, 60_000);
});
