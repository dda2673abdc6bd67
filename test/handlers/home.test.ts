import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { asJson } from '../../src/domain/json.ts';
import { validateView } from '../../src/slack/validate.ts';
import { startWorld, until, type World } from './world.ts';

let w: World;
beforeAll(async () => {
  w = await startWorld();
});
afterAll(() => w.close());

const home = async (user: string) => (await w.desk.snapshot(await w.desk.id(user))).home;
const words = async (user: string) => JSON.stringify((await home(user))?.blocks ?? null);
const shows = (user: string, text: string) => until(async () => (await words(user)).includes(text));
const open = async (user: string) => w.desk.page('home', { user: await w.desk.id(user) });
async function asked(name: string) {
  await w.command('alice', `ask ${name}`);
  const epic = await w.find('alice', new RegExp(`${name}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  await w.find('alice', new RegExp(`Keep it\\?.*${name}`, 's'), epic.ts);
}
const buttonSchema = z.looseObject({
  block_id: z.string(),
  elements: z.array(z.looseObject({ action_id: z.string(), value: z.string() })),
});

describe('the App Home', () => {
  test('is drawn when it is opened: nothing waits, nothing runs', async () => {
    await open('alice');
    await shows('alice', 'Waiting for you');
    expect(await words('alice')).toContain('Nothing is being spent');
    expect(validateView(asJson({ type: 'home', blocks: (await home('alice'))?.blocks ?? [] }))).toEqual([]);
  });

  test('follows what changes, for those who have opened theirs; what others asked elsewhere is not shown', async () => {
    await asked('at home');
    await shows('alice', 'Keep it?');
    expect(await words('alice')).toContain('at home');
    expect(await home('bob')).toBeNull();
    await open('bob');
    await shows('bob', 'Waiting for you');
    expect(await words('bob')).not.toContain('at home');
  });

  test('its buttons decide; then it is gone from what waits', async () => {
    const view = await home('alice');
    const block = (view?.blocks ?? [])
      .flatMap((each) => buttonSchema.safeParse(each).data ?? [])
      .find(({ elements }) => elements.some(({ action_id }) => action_id === 'approval_approve'));
    const element = block?.elements.find(({ action_id }) => action_id === 'approval_approve');
    const answer = await w.desk.page('action', {
      user: await w.desk.id('alice'),
      container: { type: 'view', viewId: view?.id },
      action: {
        type: 'button',
        action_id: 'approval_approve',
        block_id: block?.block_id,
        value: element?.value,
      },
    });
    expect(answer).toEqual({ ok: true });
    await shows('alice', 'Nothing. You will get a message');
    expect(await words('alice')).not.toContain('approval_approve');
  });

  test('a run that has ended is still there, with its state and when; nothing is under way, and that is what it says', async () => {
    await shows('alice', 'Ended lately');
    const text = await words('alice');
    expect(text).toContain('✅ done');
    expect(text).toContain('at home');
    expect(text).toContain('None under way.');
    expect(text).not.toContain('/orchestrate in a channel starts one');
    expect(text).toMatch(/Your runs: \$[\d.]+ today, \$[\d.]+ this month/);
    expect(validateView(asJson({ type: 'home', blocks: (await home('alice'))?.blocks ?? [] }))).toEqual([]);
  });

  test('many changes are few calls', async () => {
    const before = (await w.desk.stats()).calls['views.publish']?.calls ?? 0;
    await asked('busy');
    await shows('alice', 'busy');
    expect(((await w.desk.stats()).calls['views.publish']?.calls ?? 0) - before).toBeLessThanOrEqual(6);
  });
});
