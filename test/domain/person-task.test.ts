import { describe, expect, test } from 'vitest';
import { type PersonTask, readOutput, type TaskField } from '../../src/domain/person-task.ts';
import { decline, finish, handOver, leastBusy, mayNot, skip } from '../../src/domain/person-task-rules.ts';

const task: PersonTask = {
  id: 'tsk_1',
  nonce: 'n',
  runId: 'run_1',
  key: 'work/photos/open',
  node: 'photos',
  team: 'T',
  requester: 'UADA',
  status: 'open',
  task: 'Take photographs',
  about: '',
  fields: [],
  people: ['UBEN', 'UCLEO'],
  groups: ['SPHOTO'],
  assignee: 'UBEN',
  because: '',
  declined: [],
  onTimeout: 'pause',
  askedAt: 0,
  dueAt: null,
  endedBy: null,
  endedAt: null,
  output: null,
  words: null,
  why: null,
};
const hand = (id: string, more = {}) => ({
  id,
  team: 'T',
  isBot: false,
  isGuest: false,
  isStranger: false,
  inGroup: false,
  ...more,
});
const what = { output: 1, words: 'done' };

describe('who may do a task', () => {
  test.each([
    [hand('UBEN'), null],
    [hand('UDAN', { inGroup: true }), null],
    [hand('UADA'), 'not_eligible'],
    [hand('UBEN', { team: 'T2' }), 'other_team'],
    [hand('UBEN', { isBot: true }), 'not_a_person'],
    [hand('UBEN', { isGuest: true }), 'guest'],
    [hand('UBEN', { isStranger: true }), 'stranger'],
  ])('%j: %s', (by, refusal) => {
    expect(mayNot(task, by)).toBe(refusal);
    expect(finish(task, by, what, 5)).toMatchObject(refusal === null ? { ok: true } : { ok: false, refusal });
  });

  test('anybody who may, not only whose it is; and once', () => {
    const first = finish(task, hand('UCLEO'), what, 5);
    expect(first).toMatchObject({
      ok: true,
      task: { status: 'done', endedBy: 'UCLEO', endedAt: 5, output: 1 },
    });
    expect(finish(first.task, hand('UBEN'), what, 6)).toMatchObject({ ok: false, refusal: 'done' });
  });

  test('handed over: among those who may, by one of them or by whoever asked for the work', () => {
    const all = ['UBEN', 'UCLEO', 'UDAN'];
    expect(handOver(task, hand('UBEN'), 'UCLEO', all)).toMatchObject({
      ok: true,
      task: { assignee: 'UCLEO' },
    });
    expect(handOver(task, hand('UADA'), 'UCLEO', all)).toMatchObject({ ok: true });
    expect(handOver(task, hand('UEVE'), 'UCLEO', all)).toMatchObject({ refusal: 'not_eligible' });
    expect(handOver(task, hand('UADA'), 'UEVE', all)).toMatchObject({ refusal: 'nobody_else' });
    expect(handOver(task, hand('UCLEO'), 'UBEN', all)).toMatchObject({ refusal: 'already_theirs' });
    const ended = { ...task, status: 'expired' } as const;
    expect(handOver(ended, hand('UADA'), 'UCLEO', all)).toMatchObject({ refusal: 'expired' });
  });

  test('cannot: only whose it is says so; it goes on to the next, and ends after the last', () => {
    expect(decline(task, hand('UCLEO'), { reason: 'x', next: null }, 5)).toMatchObject({
      refusal: 'not_theirs',
    });
    const passed = decline(task, hand('UBEN'), { reason: 'ill', next: 'UCLEO' }, 5);
    expect(passed).toMatchObject({ ok: true, task: { status: 'open', assignee: 'UCLEO' } });
    const last = decline(passed.task, hand('UCLEO'), { reason: 'away', next: null }, 6);
    expect(last.task).toMatchObject({
      status: 'declined',
      declined: [
        { by: 'UBEN', reason: 'ill' },
        { by: 'UCLEO', reason: 'away' },
      ],
    });
  });

  test('left out by whoever asked for the work alone', () => {
    expect(skip(task, hand('UBEN'), 'no', 5)).toMatchObject({ refusal: 'not_theirs' });
    expect(skip(task, hand('UADA'), 'no', 5)).toMatchObject({ task: { status: 'skipped', words: 'no' } });
  });
});

test('whoever has least to do is asked; at their limit only where everybody is', () => {
  const load = new Map([
    ['UBEN', 2],
    ['UCLEO', 3],
  ]);
  const people = { UBEN: { skills: [], limit: 2 }, UCLEO: { skills: [], limit: 9 } };
  expect(leastBusy(['UBEN', 'UCLEO'], load, {})).toBe('UBEN');
  expect(leastBusy(['UBEN', 'UCLEO'], load, people)).toBe('UCLEO');
  expect(leastBusy(['UBEN', 'UCLEO'], load, { ...people, UCLEO: { skills: [], limit: 1 } })).toBe('UBEN');
  expect(leastBusy(['UDAN', 'UBEN'], load, people)).toBe('UDAN');
  expect(leastBusy([], load, people)).toBeNull();
});

test('what is typed into a form becomes what its fields say, and what is wrong is told by field', () => {
  const field = (name: string, type: TaskField['type'], more = {}) => ({
    name,
    type,
    options: [],
    optional: false,
    ...more,
  });
  const fields = [
    field('words', 'text'),
    field('fee', 'number'),
    field('works', 'yes-no'),
    field('found', 'list', { optional: true }),
    field('colour', 'choice', { options: ['red', 'blue'] }),
  ];
  const typed = (...values: (string | null)[]) => readOutput(fields, (_field, at) => values[at] ?? null);
  expect(typed('yes', '1,5', 'no', 'a\n\n b ', 'red')).toEqual({
    ok: true,
    output: { words: 'yes', fee: 1.5, works: false, found: ['a', 'b'], colour: 'red' },
  });
  expect(typed('x', '2', 'yes', null, 'blue')).toMatchObject({ ok: true, output: { works: true } });
  const wrong = typed(null, 'many', 'perhaps', null, 'green');
  expect(wrong.ok ? [] : [...wrong.problems.keys()]).toEqual([0, 1, 2, 4]);
});
