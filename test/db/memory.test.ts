import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMemory } from '../../db/memory.ts';
import { decision, NOW, session, spec, type TempStore, tempStore } from './support.ts';

let world: TempStore;
beforeEach(() => {
  world = tempStore();
});
afterEach(() => world.remove());

let count = 0;
/** A run that left a choice, words of a person, and a result that was written with other events. */
async function work(id: string, more: Parameters<typeof session>[0], about: string): Promise<void> {
  count += 1;
  const at = NOW + count;
  const runId = `run_${id}`;
  const own = session({ ...more, id: `ses_${id}`, currentRunId: runId, createdAt: at });
  await world.store.sessions.create(own, spec, decision(`dec_${id}`));
  await world.store.decisions.record(
    runId,
    decision(`dec_two_${id}`, { kind: 'vote', choice: `Use ${about}`, reason: 'it is linear' }),
    at,
  );
  await world.store.guidance.give(
    runId,
    {
      id: `g_${id}`,
      by: 'U1',
      kind: 'direction',
      priority: 'normal',
      text: `Never store ${about} twice`,
      target: null,
    },
    decision(`dec_three_${id}`, { kind: 'guidance', choice: 'told', reason: 'said' }),
    at,
  );
  world.journal.commit([
    { w: 'event', runId, event: { type: 'note', text: 'before' }, at },
    {
      w: 'event',
      runId,
      event: {
        type: 'result',
        status: 'completed',
        summary: `Added ${about}`,
        branch: null,
        commit: null,
        diff: null,
        tests: null,
      },
      at,
    },
  ]);
}

test('earlier work is remembered by words: choices, what people said, results; its own run and others’ are not', async () => {
  await work('here', {}, 'exports');
  await work('one', {}, 'exports of tables');
  await work('same-person', { channel: 'C2' }, 'exports by mail');
  await work('other-channel', { channel: 'C3', requester: 'U-ben' }, 'exports in secret');
  await work('other-team', { team: 'T2' }, 'exports of others');
  await work('other-repository', { repository: '/other' }, 'exports elsewhere');
  const recall = createMemory(world.raw);
  const { entries, more } = await recall('run_here', 'How was the exporting of tables done?');
  expect(more).toBe(0);
  expect(entries.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    // Two words fit these, one the others.
    'decision Use exports of tables: it is linear',
    'guidance Never store exports of tables twice',
    'result completed: Added exports of tables',
    'decision Use exports by mail: it is linear',
    'guidance Never store exports by mail twice',
    'result completed: Added exports by mail',
  ]);
  expect((await recall('run_here', 'nothing like it')).entries).toEqual([]);
  // A part of a run remembers what its whole would.
  expect((await recall('run_here.abc', 'exports')).entries).toHaveLength(6);
  expect((await recall('run_nowhere', 'exports')).entries).toEqual([]);
});

test('much that fits is cut, and it is said how much', async () => {
  await work('here', {}, 'x');
  for (let at = 0; at < 10; at += 1) await work(`n${at}`, {}, `caching ${at}`);
  const { entries, more } = await createMemory(world.raw)('run_here', 'caching');
  expect([entries.length, more]).toEqual([20, 10]);
});
