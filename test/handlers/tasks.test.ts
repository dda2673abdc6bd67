import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Message } from '../../desk/contract.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { startWorld, until, type World } from './world.ts';

const workflow = (name: string, more: object): Workflow => ({
  name,
  title: 'By hand',
  description: 'd',
  how: 'a person',
  why: 'w',
  flow: { kind: 'person', id: 'photos', task: `Take photographs for ${name}`, skill: 'photography', ...more },
});

let w: World;
const ids = new Map<string, string>();
beforeAll(async () => {
  w = await startWorld({
    workflows: [
      workflow('byhand', {}),
      workflow('form', { output: { works: 'yes-no', fee: 'number', found: 'list?' } }),
    ],
    more: async (id) => {
      for (const name of ['alice', 'bob', 'carol']) ids.set(name, await id(name));
      const skills = ['photography'];
      return {
        people: { [idOf('bob')]: { skills, limit: 5 }, [idOf('carol')]: { skills, limit: 5 } },
      };
    },
  });
});
afterAll(() => w.close());

function idOf(name: string): string {
  return ids.get(name) ?? '';
}
/** Alice starts it; the card is the one with her words. */
async function asked(word: string, name: string): Promise<Message> {
  await w.command('alice', `${word} ${name}`);
  const epic = await w.find('alice', new RegExp(`${name}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  return cardOf(name);
}
/** The card as it is now: each change of it has buttons of its own. */
const cardOf = (name: string): Promise<Message> =>
  w.find('bob', new RegExp(`Take photographs.*A task for a person in ${name}\\. Why you`, 's'));
const epicOf = (name: string): Promise<Message> => w.find('alice', new RegExp(`^${name} · \\d+%`));
const session = async (name: string) => {
  const found = (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === name);
  if (found === undefined) throw new Error(`no session ${name}`);
  return found;
};
const task = async (name: string) => {
  const [found] = await w.core.store.personTasks.ofRun((await session(name)).currentRunId);
  if (found === undefined) throw new Error(`no task ${name}`);
  return found;
};
const ended = (name: string, as: string) =>
  until(async () => (await w.core.store.runs.status((await session(name)).currentRunId))?.status === as);
const typed = (block: string, action: string, value: string) => ({
  [block]: { [action]: { type: 'plain_text_input', value } },
});
const chosen = (block: string, action: string, value: string) => ({
  [block]: {
    [action]: {
      type: 'static_select',
      selected_option: { text: { type: 'plain_text', text: value }, value },
    },
  },
});
const rowSchema = z.looseObject({
  block_id: z.string(),
  elements: z.array(z.looseObject({ action_id: z.string(), value: z.string() })),
});
const nameOf = (id: string) => [...ids].find(([, each]) => each === id)?.[0] ?? '';

describe('a task for a person', () => {
  test('its card calls whoever has least to do; those who may not are told so; Done hands in words', async () => {
    const card = await asked('byhand', 'first');
    const one = await task('first');
    expect([idOf('bob'), idOf('carol')]).toContain(one.assignee);
    expect(one.because).toMatch(/least to do \(0 open\) of 2 who can do photography/);
    await w.click('alice', card, 'task_done');
    expect((await w.find('alice', 'This is for')).text).toContain('Your click changed nothing');
    const doer = nameOf(one.assignee);
    const other = doer === 'bob' ? 'carol' : 'bob';
    await w.click(other, card, 'task_done');
    const stale = await w.modal(other);
    await w.click(doer, card, 'task_done');
    const form = await w.modal(doer);
    expect(await w.submit(doer, form.id, typed('words', 'task_text', '  '))).toMatchObject({
      ok: false,
      errors: { words: 'Say what came of it.' },
    });
    expect(await w.submit(doer, form.id, typed('words', 'task_text', 'all taken'))).toEqual({ ok: true });
    await ended('first', 'completed');
    expect(await task('first')).toMatchObject({
      status: 'done',
      endedBy: one.assignee,
      output: { summary: 'all taken', files: [], warnings: [] },
    });
    await w.find(doer, /did this.*all taken/s);
    // Stale: the form of somebody who was slower.
    expect(await w.submit(other, stale.id, typed('words', 'task_text', 'mine'))).toEqual({ ok: true });
    expect((await w.find(other, 'has done this already')).text).toContain('changed nothing');
    expect(await task('first')).toMatchObject({ endedBy: one.assignee });
  });

  test('with fields: what is not of its type is told in the form; what is, becomes the result', async () => {
    const card = await asked('form', 'fields');
    const { assignee } = await task('fields');
    const doer = nameOf(assignee);
    await w.write(doer, 'done: looks fine', await epicOf('fields'));
    await w.find(doer, 'This asks for works, fee, found');
    await w.click(doer, card, 'task_done');
    const form = await w.modal(doer);
    const values = (fee: string) => ({
      ...chosen('field0', 'task_field', 'no'),
      ...typed('field1', 'task_field', fee),
      ...typed('field2', 'task_field', 'blurred\ntoo dark'),
    });
    expect(await w.submit(doer, form.id, values('much'))).toMatchObject({
      errors: { field1: 'Write a number, such as 12 or 0.5.' },
    });
    expect(await w.submit(doer, form.id, values('12.5'))).toEqual({ ok: true });
    await ended('fields', 'completed');
    expect(await task('fields')).toMatchObject({
      output: { works: false, fee: 12.5, found: ['blurred', 'too dark'] },
      words: 'works: no, fee: 12.5, found: blurred, too dark',
    });
  });

  test('Hand over gives it to another who may and calls them; Cannot do it passes it on, and then nobody is left', async () => {
    const card = await asked('byhand', 'passed on');
    const first = nameOf((await task('passed on')).assignee);
    const second = first === 'bob' ? 'carol' : 'bob';
    await w.click(first, card, 'task_hand_over');
    const over = await w.modal(first);
    expect(await w.submit(first, over.id, chosen('to', 'task_to', idOf(second)))).toEqual({ ok: true });
    await w.find(second, /gives this to you.*Take photographs|Take photographs.*gives this to you/s);
    expect((await task('passed on')).assignee).toBe(idOf(second));
    await w.click(first, await cardOf('passed on'), 'task_cannot');
    await w.find(first, 'so only they can say that');
    for (const [who, why] of [
      [second, 'no camera'],
      [first, 'on leave'],
    ] as const) {
      await until(async () => (await task('passed on')).assignee === idOf(who));
      await w.find(who, /gives this to you|so it is yours now/);
      await w.click(who, await cardOf('passed on'), 'task_cannot');
      const form = await w.modal(who);
      expect(await w.submit(who, form.id, typed('words', 'task_text', why))).toEqual({ ok: true });
      await w.settled();
    }
    await ended('passed on', 'failed');
    await w.find('alice', /Nobody who may do "photos" can.*no camera.*on leave/s);
    await w.find('alice', 'Nobody can do this');
  });

  test('words in the thread are the same door: taken over and done by another who may, left out by whoever asked', async () => {
    await asked('byhand', 'by words');
    const epic = await epicOf('by words');
    const first = (await task('by words')).assignee;
    const second = nameOf(first) === 'bob' ? 'carol' : 'bob';
    await w.write(second, "@Baton I'll take over photos", epic);
    await until(async () => (await task('by words')).assignee === idOf(second));
    await w.write(second, 'done: taken with my own camera', epic);
    await ended('by words', 'completed');
    expect(await task('by words')).toMatchObject({
      endedBy: idOf(second),
      words: 'taken with my own camera',
    });

    await asked('byhand', 'left out');
    const other = await epicOf('left out');
    await w.write('bob', `@Baton skip photos because nobody needs them`, other);
    await w.find('bob', 'so only they can say that');
    await w.write('alice', `@Baton skip photos because nobody needs them`, other);
    await ended('left out', 'completed');
    expect(await task('left out')).toMatchObject({ status: 'skipped', words: 'nobody needs them' });
  });

  test('pressed in the App Home, Done opens its form there, and what is handed in ends it', async () => {
    await asked('byhand', 'from home');
    const { assignee } = await task('from home');
    const doer = nameOf(assignee);
    await w.desk.page('home', { user: assignee });
    const home = async () => (await w.desk.snapshot(assignee)).home;
    const button = async () =>
      (await home())?.blocks
        .flatMap((each) => rowSchema.safeParse(each).data ?? [])
        .flatMap(({ block_id, elements }) => elements.map((element) => ({ ...element, block_id })))
        .find(({ action_id }) => action_id === 'task_done');
    await until(async () => (await button()) !== undefined);
    const container = { type: 'view', viewId: (await home())?.id };
    const pressed = { user: assignee, container, action: { ...(await button()), type: 'button' } };
    expect(await w.desk.page('action', pressed)).toEqual({ ok: true });
    const form = await w.modal(doer);
    expect(await w.submit(doer, form.id, typed('words', 'task_text', 'at home'))).toEqual({ ok: true });
    await ended('from home', 'completed');
    expect(await task('from home')).toMatchObject({ status: 'done', words: 'at home' });
    await until(async () => (await button()) === undefined);
  });

  test('it stands in the App Home of whoever it is with, with its buttons; a stopped run asks no more', async () => {
    await asked('byhand', 'at home');
    const { assignee } = await task('at home');
    const doer = nameOf(assignee);
    await w.desk.page('home', { user: assignee });
    const blocks = async () => JSON.stringify((await w.desk.snapshot(assignee)).home?.blocks ?? []);
    await until(async () => (await blocks()).includes('task_done'));
    expect(await blocks()).toContain('Take photographs for byhand');
    const { currentRunId } = await session('at home');
    await w.command('alice', `cancel ${currentRunId}`);
    await ended('at home', 'cancelled');
    await until(async () => !(await blocks()).includes('task_done'));
    await w.find(doer, 'Not asked any more: Stopped by hand');
  });
});
