import { describe, expect, test } from 'vitest';
import { createWatch } from '../../src/agents/watch.ts';

/** One call and what came of it; `|` ends a turn. */
type Script = readonly (readonly [name: string, args: unknown, text: string] | '|')[];

/** How a conversation went: what was said, at which call or turn, and how it ended. */
function play(script: Script, idleTurns: number | null = 6): { warned: number[]; stopped: number | null } {
  const watch = createWatch(idleTurns);
  const warned: number[] = [];
  for (const [at, step] of script.entries()) {
    const found =
      step === '|'
        ? watch.turnEnded()
        : watch.called({ id: '', name: step[0], arguments: JSON.stringify(step[1]) });
    if (step !== '|') watch.answered({ id: '', name: step[0], arguments: JSON.stringify(step[1]) }, step[2]);
    if (found?.do === 'warn') warned.push(at);
    if (found?.do === 'stop') {
      expect(found.failure).toMatchObject({ class: 'terminal', code: 'no_progress' });
      return { warned, stopped: at };
    }
  }
  return { warned, stopped: null };
}

const read = (path: string, text = path) => ['read', { path }, text] as const;
const write = (path: string, content: string) => ['write', { path, content }, `wrote ${path}`] as const;
const repeat = (times: number, ...steps: Script): Script => Array.from({ length: times }, () => steps).flat();

describe('a watch over a conversation', () => {
  test.each<[string, Script, { warned: number[]; stopped: number | null }]>([
    ['the same call', repeat(6, read('a')), { warned: [2, 3], stopped: 4 }],
    ['two calls in turn', repeat(6, read('a'), read('b')), { warned: [5, 6, 7, 8], stopped: 9 }],
    [
      'three calls in turn, whatever turns they fall into',
      repeat(6, read('a'), '|', read('b'), read('c'), '|'),
      // Rounds are over at 13, 15, 17 and 18; turns without news are half of what is left to them at 11, and all at 19.
      { warned: [11, 13, 15, 17, 18], stopped: 19 },
    ],
    ['two writes in turn', repeat(6, write('a', '1'), write('a', '2')), { warned: [5, 6, 7, 8], stopped: 9 }],
    [
      'the same call between others that differ',
      Array.from(
        { length: 12 },
        (_, n) => [read(`f${n}`), ['run', { argv: ['t'] }, `${n}`] as const, '|'] as const,
      ).flat(),
      { warned: [], stopped: null },
    ],
    [
      'turns that learn nothing new, each by another call',
      Array.from({ length: 8 }, (_, n) => [read(`f${n}`, 'no such file'), '|'] as const).flat(),
      { warned: [7], stopped: 13 },
    ],
    [
      'tests that say the same but for their times',
      Array.from(
        { length: 8 },
        (_, n) => [['run', { argv: ['t', n] }, `3 failed in ${n} ms`] as const, '|'] as const,
      ).flat(),
      { warned: [7], stopped: 13 },
    ],
    [
      'the same output after a change each time',
      Array.from(
        { length: 8 },
        (_, n) => [write('a', `${n}`), ['run', { argv: ['t'] }, 'fails'] as const, '|'] as const,
      ).flat(),
      { warned: [], stopped: null },
    ],
    [
      'one new thing among the old',
      [
        ...repeat(3, read('a', 'x'), '|', read('b', 'x'), '|'),
        read('c', 'new'),
        '|',
        ...repeat(2, read('d', 'x'), '|'),
      ],
      { warned: [7, 10], stopped: null },
    ],
    ['an agent that calls nothing', ['|', '|', '|'], { warned: [2], stopped: null }],
  ])('%s', (_name, script, ended) => {
    expect(play(script)).toEqual(ended);
  });

  test('sees only the same call in a run that began before there was more', () => {
    expect(play(repeat(9, read('a'), '|', read('b'), '|'), null)).toEqual({ warned: [], stopped: null });
    expect(play(repeat(6, read('a')), null)).toEqual({ warned: [2, 3], stopped: 4 });
  });
});
