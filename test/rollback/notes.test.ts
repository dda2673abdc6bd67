import { afterEach, expect, test } from 'vitest';
import { type RollbackWorld, rollbackWorld, TARGET } from './world.ts';

/** What agents told one another, when the run is taken back: what was told before stands, what was told after is gone. */

const worlds: RollbackWorld[] = [];
afterEach(async () => {
  for (const w of worlds.splice(0)) await w.close();
});

type Notes = Readonly<Record<string, string>>;

/** Notes by who told them: each is told once. */
async function notesOf(w: RollbackWorld, runId: string): Promise<Notes> {
  const notes = await w.life.store.guidance.notes(runId);
  expect(new Set(notes.map(({ id }) => id)).size).toBe(notes.length);
  expect(new Set(notes.map(({ from }) => from)).size).toBe(notes.length);
  return Object.fromEntries(notes.map(({ from, id, text }) => [from, `${id}: ${text}`]));
}

async function takenBack(
  level: 'state' | 'full',
  point?: number,
): Promise<{ readonly before: Notes; readonly after: Notes }> {
  const w = await rollbackWorld({ notes: true });
  worlds.push(w);
  await w.worked();
  const before = await notesOf(w, TARGET);
  expect(Object.keys(before).toSorted()).toEqual(['one', 'part', 'two']);
  // What is told once more is told later, and can be told apart.
  w.clock.advance(1_000);
  await w.ask(level, point);
  const card = await w.card();
  await w.say(card);
  await w.over(card);
  const next = await w.current();
  expect(next).not.toBe(TARGET);
  await w.until(() => w.wrote(next), 'the work');
  const after = await notesOf(w, next);
  // Told again from nothing but the database, as after a restart.
  w.crash();
  expect(await notesOf(w, next)).toEqual(after);
  expect(await notesOf(w, TARGET)).toEqual(before);
  return { before, after };
}

test('taken back to a point after them, notes stand under the names by which they were read, those of a part too', async () => {
  const { before, after } = await takenBack('state', 1);
  expect(after['one']).toBe(before['one']);
  expect(after['part']).toBe(before['part']);
  // Told after that point: gone, and told anew.
  expect(after['two']).toMatch(/^two\/note-1: two at /);
  expect(after['two']).not.toBe(before['two']);
});

test('taken back to before them, they are gone', async () => {
  const { before, after } = await takenBack('full');
  expect(Object.keys(after).toSorted()).toEqual(['one', 'part', 'two']);
  for (const from of ['one', 'part', 'two']) expect(after[from]).not.toBe(before[from]);
});
