import { afterEach, describe, expect, test } from 'vitest';
import { type RollbackWorld, rollbackWorld, TARGET, type WorldOptions } from './world.ts';

const worlds: RollbackWorld[] = [];
afterEach(async () => {
  for (const w of worlds.splice(0)) await w.close();
});
async function world(person: NonNullable<WorldOptions['person']>): Promise<RollbackWorld> {
  const w = await rollbackWorld({ person });
  worlds.push(w);
  return w;
}
/** Taken back to a state, and what people had to say to that said. @returns the run that goes on */
async function takenBack(w: RollbackWorld, to: number): Promise<string> {
  expect(await w.ask('state', to)).toMatchObject({ done: 'asked' });
  const card = await w.card();
  await w.say(card);
  await w.over(card);
  return w.current();
}
const waits = (w: RollbackWorld, runId: string) =>
  w.until(async () => (await w.status(runId)) === 'waiting', 'the wait');
/** The last thing it does before it waits to go on. */
const written = (w: RollbackWorld, runId: string) =>
  w.until(async () => (await w.file(runId, 'three.txt')) !== null, 'the last file');

describe('a run with a task for a person is taken back', () => {
  test('to a state after what they did: it is kept, and nobody is asked again', async () => {
    const w = await world('between');
    await w.done(await w.asked(TARGET), 'sunset');
    await written(w, TARGET);
    await w.worked();
    const next = await takenBack(w, 1);
    await written(w, next);
    expect(await w.tasks(next)).toEqual([]);
    expect(await w.file(next, 'sunset.txt')).toBe(`by ${TARGET}\n`);
    expect(await w.file(next, 'three.txt')).toBe(`by ${next}\n`);
    expect(await w.tasks(TARGET)).toMatchObject([{ status: 'done', words: 'sunset' }]);
    // It is part of the new run's own journal: a restart comes to the same.
    w.crash();
    await w.life.engine.signal(next, 'go', 'on', 'go');
    await w.until(async () => (await w.status(next)) === 'completed', 'the end');
    expect(await w.tasks(next)).toEqual([]);
  });

  test('to a state before it: they are asked anew, and the first answer is not used', async () => {
    const w = await world('between');
    const first = await w.asked(TARGET);
    await w.done(first, 'sunset');
    await written(w, TARGET);
    await w.worked();
    const next = await takenBack(w, 2);
    const second = await w.asked(next);
    expect(second.id).not.toBe(first.id);
    expect(await w.file(next, 'sunset.txt')).toBeNull();
    // The first card was answered, and stays so: a click on it says so and changes nothing.
    expect(await w.done(first, 'late')).toMatchObject({ ok: false, refusal: 'done' });
    expect(await w.done(second, 'noon')).toMatchObject({ ok: true });
    await written(w, next);
    expect(await w.file(next, 'noon.txt')).toBe(`by ${next}\n`);
    expect(await w.file(next, 'sunset.txt')).toBeNull();
  });

  test('while its card is open: that card is closed and says why; another is asked', async () => {
    const w = await world('last');
    const first = await w.asked(TARGET);
    await w.worked();
    const next = await takenBack(w, 1);
    const second = await w.asked(next);
    const why = 'Rolled back to after two';
    expect(await w.tasks(TARGET)).toMatchObject([{ id: first.id, status: 'voided', why }]);
    // However often the click is delivered.
    for (let times = 0; times < 2; times += 1)
      expect(await w.done(first, 'late')).toMatchObject({ ok: false, refusal: 'voided', task: { why } });
    expect(await w.tasks(next)).toMatchObject([{ id: second.id, status: 'open' }]);
    expect(await w.done(second, 'noon')).toMatchObject({ ok: true });
    await written(w, next);
    expect(await w.file(next, 'noon.txt')).toBe(`by ${next}\n`);
  });

  test('to a state that was kept while somebody was being asked: only its files can be had back', async () => {
    const w = await world('beside');
    const task = await w.asked(TARGET);
    await w.until(async () => (await w.file(TARGET, 'one.txt')) !== null, 'the first stage');
    await waits(w, TARGET);
    await w.done(task, 'sunset');
    await written(w, TARGET);
    await w.worked();
    expect(await w.ask('state', 2)).toMatchObject({
      done: 'refused',
      detail: 'people were being asked something then',
    });
    expect(await w.ask('snapshot', 2)).toMatchObject({ done: 'asked' });
  });
});
