import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, until, type World } from './world.ts';

/** A channel that is archived under a run that asks: whoever asked is told, nothing is lost, and the card comes later. */
let w: World;
beforeAll(async () => {
  w = await startWorld();
});
afterAll(() => w.close());

const desk = async (command: string): Promise<unknown> =>
  w.desk.page('command', { user: await w.desk.id('alice'), channel: w.channel, command, text: '' });

test('the run waits, whoever asked is told once, and once it is open again the card comes and counts', async () => {
  await w.command('alice', 'ask Keep what is there');
  const epic = await w.find('alice', /Keep what is there.*Estimate/s);
  const session = (await w.core.store.sessions.recent(w.team, 10))[0];
  const runId = session?.currentRunId ?? '';
  const status = async () => w.core.engine.status(runId);
  expect(await desk('/archive')).toMatchObject({ ok: true });

  expect(await w.core.orchestrator.answerPlan(runId, 'start', await w.desk.id('alice'))).toBe('done');
  await until(async () => (await status())?.status === 'paused');
  expect((await status())?.outcome).toMatchObject({ failure: { code: 'channel_closed' } });
  const told = await w.find('alice', 'could not be posted in', epic.ts);
  expect(told.channel).not.toBe(w.channel);

  expect(await desk('/unarchive')).toMatchObject({ ok: true });
  // What was to be said meanwhile is said now.
  await until(async () =>
    (await w.seen('alice')).some(
      ({ ts, text }) => ts === epic.ts && text.includes('Nothing can be said in the channel'),
    ),
  );
  expect(await w.core.steer.resume(runId, await w.desk.id('alice'), 'again')).toBe('done');
  const card = await w.find('bob', /Keep it\?/, epic.ts);
  expect(card.channel).toBe(w.channel);
  await w.click('bob', card, 'approval_approve');
  await until(async () => (await status())?.status === 'completed');
  const messages = await w.seen('alice');
  expect(messages.filter(({ text }) => text.includes('could not be posted in'))).toHaveLength(1);
}, 60_000);
