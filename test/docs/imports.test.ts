import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { imports, PICTURE, picture } from './imports.ts';

test('the picture in ARCHITECTURE.md is that of the imports; node test/docs/imports.ts draws it anew', async () => {
  const document = await readFile(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');
  expect(PICTURE.exec(document)?.[0]).toBe(await picture());
});

test('imports go one way: no room reaches itself', async () => {
  const rooms = await imports();
  expect(rooms.size).toBeGreaterThan(15);
  const circle = (from: string, at: string, seen: Set<string>): boolean => {
    if (seen.has(at)) return false;
    seen.add(at);
    return [...(rooms.get(at) ?? [])].some((next) => next === from || circle(from, next, seen));
  };
  expect([...rooms.keys()].filter((room) => circle(room, room, new Set()))).toEqual([]);
});

test('the desk stands alone', async () => {
  expect((await imports()).get('desk')).toEqual(new Set());
});
