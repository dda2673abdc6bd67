import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyHandoff, type Handoff } from '../../src/domain/handoff.ts';
import type { Json } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { map } from '../../src/patterns/map.ts';
import { failure, type Played, play } from './driver.ts';

const body: Node = { kind: 'agent', id: 'one', agent: 'backend', task: 'Do this item' };
const each = (more: object): Node => ({ kind: 'map', id: 'each', body, ...more });
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const given = (result: Json): Handoff => ({ ...emptyHandoff, result, warnings: ['before'] });

test('each item is handed to the body with its index, and the results come back in order', () => {
  const played = play(
    each({ over: 'plan.files' }),
    {
      agents: {
        one: [
          { result: 'A', quality: 80 },
          { result: 'B', warnings: ['w'] },
        ],
      },
    },
    {},
    given({ plan: { files: ['a', { name: 'b' }] } }),
  );
  expect(played.tasks.map(({ previous }) => previous)).toEqual([
    { item: 'a', index: 1 },
    { item: { name: 'b' }, index: 2 },
  ]);
  expect(played.handoff).toMatchObject({
    result: { items: ['A', 'B'], failed: [] },
    validation: { passed: true },
    warnings: ['before', 'w'],
  });
  expect(played.handoff?.context).toEqual([
    { node: 'each', agent: null, summary: '2 of 2 items done\ndone\ndone' },
  ]);
});

test('never more at once than the limit, branch names stable, results in the order of the list', () => {
  let limited = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 12, maxLength: 12 }),
      (count, limit, ms) => {
        const items = Array.from({ length: count }, (_, at) => at);
        let begun = 0;
        let running = 0;
        let most = 0;
        const played = play(
          each({ items, limit }),
          {},
          {
            stepMs: () => {
              begun += 1;
              return ms[begun % 12] ?? 1;
            },
          },
        );
        for (const event of played.events) {
          if (event.type === 'node.started' && event.node === 'one') running += 1;
          if (event.type === 'node.finished' && event.node === 'one') running -= 1;
          most = Math.max(most, running);
        }
        if (limit < count) limited += 1;
        expect(most).toBe(Math.min(limit, count));
        expect(played.tasks.map(({ previous }) => previous)).toEqual(
          items.map((item) => ({ item, index: item + 1 })),
        );
        for (const item of items)
          expect(played.keys.some((key) => key.split('/').includes(`item-${item + 1}`))).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
  expect(limited).toBeGreaterThan(10);
});

test('fail: the first failure cancels the rest', () => {
  const played = play(each({ items: [1, 2, 3], limit: 1 }), { agents: { one: [{}, failure('broken'), {}] } });
  expect(codeOf(played)).toBe('broken');
  expect(played.tasks).toHaveLength(2);
});

test('keep: what worked is kept in its place, what failed is named', () => {
  const cast = { agents: { one: [{ result: 1 }, failure('broken'), { result: 3 }] } };
  const played = play(each({ items: ['a', 'b', 'c'], on_item_error: 'keep', collect: 'parts' }), cast);
  expect(played.handoff?.result).toEqual({ parts: [1, null, 3], failed: ['item-2'] });
  expect(played.handoff?.warnings).toEqual(['each: item-2 failed and was left out: it was broken']);
});

test.each([
  ['all items fail', [failure('broken')], 'broken'],
  ['a failure is structural', [{}, failure('wrong', 'structural'), {}], 'wrong'],
  ['it was stopped', [{}, failure('cancelled', 'cancelled'), {}], 'cancelled'],
])('keep keeps nothing when %s', (_name, one, code) => {
  expect(codeOf(play(each({ items: [1, 2, 3], on_item_error: 'keep' }), { agents: { one } }))).toBe(code);
});

test('what a map hands on, another goes over', () => {
  const second = { kind: 'map', id: 'again', over: 'items', body: { ...body, id: 'two' } };
  const played = play(
    { kind: 'sequence', id: 'both', stages: [each({ items: [1, 2] }), second] },
    { agents: { one: [{ result: 'x' }, { result: 'y' }] } },
  );
  expect(played.tasks.slice(2).map(({ previous }) => previous)).toEqual([
    { item: 'x', index: 1 },
    { item: 'y', index: 2 },
  ]);
});

test('a list too long, missing, or empty', () => {
  const long = play(each({ over: 'items', max: 2 }), {}, {}, given({ items: [1, 2, 3] }));
  expect([codeOf(long), long.tasks.length]).toEqual(['too_many_items', 0]);
  const usual = play(each({ over: 'items' }), {}, {}, given({ items: Array.from({ length: 201 }, () => 1) }));
  expect(codeOf(usual)).toBe('too_many_items');
  for (const result of [null, [1], { items: 'a' }, { other: [1] }])
    expect(codeOf(play(each({ over: 'items' }), {}, {}, given(result)))).toBe('no_items');
  const empty = play(each({ over: 'items' }), {}, {}, given({ items: [] }));
  expect(empty.handoff?.result).toEqual({ items: [], failed: [] });
  expect(empty.handoff?.warnings.join()).toContain('the list was empty');
});

test.each([
  ['neither list', {}],
  ['both lists', { over: 'items', items: [1] }],
  ['an empty list', { items: [] }],
  ['more items than it takes', { items: [1, 2, 3], max: 2 }],
  ['a path that is none', { over: 'items[0]' }],
  ['results named as the failed are', { items: [1], collect: 'failed' }],
  ['no room', { items: [1], limit: 0 }],
  ['an unknown word', { items: [1], on_item_error: 'ignore' }],
  ['an unknown key', { items: [1], each: 1 }],
])('%s: refused', (_name, more) => {
  expect(map.schema.safeParse(each(more)).success).toBe(false);
});

test('an estimate counts the items that are known, and reckons with the most otherwise', () => {
  const one = { ms: { low: 1, mid: 2, high: 4 }, usd: { low: 1, mid: 1, high: 1 }, asks: 0 };
  const estimate = (more: object) =>
    new Interpreter(patterns).estimate(each(more), { agentTask: () => one, commandMs: 1 });
  expect(estimate({ items: [1, 2, 3, 4], limit: 2 })).toMatchObject({
    ms: { low: 2, mid: 4 },
    usd: { mid: 4 },
  });
  expect(estimate({ over: 'items', max: 10 }).usd).toEqual({ low: 0, mid: 5, high: 10 });
});
