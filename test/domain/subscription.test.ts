import { describe, expect, test } from 'vitest';
import type { BusEvent } from '../../src/domain/bus-event.ts';
import {
  dueAt,
  givenBy,
  requestOf,
  subscriptionSchema,
  subscriptionsOf,
} from '../../src/domain/subscription.ts';
import { fillTemplate } from '../../src/domain/template.ts';
import { routeWorkflow } from '../../src/planning/route-workflow.ts';

function subscription(more: object) {
  const base = { on: 'test-failed', workflow: 'bug', channel: 'C1', by: 'U1' };
  const [one] = subscriptionsOf([subscriptionSchema.parse({ ...base, ...more })]);
  if (one === undefined) throw new Error('unreachable');
  return one;
}
const event = (payload: BusEvent['payload']): BusEvent => ({
  seq: 1,
  name: 'test-failed',
  payload,
  sourceKind: 'hook',
  source: 'github',
  team: null,
  hops: 0,
  at: 0,
});

describe('a template', () => {
  const facts = { result: { branch: 'main', tests: [3, 4], none: null }, name: 'x' };
  test.each([
    ['on {{ result.branch }}!', 'on main!', []],
    ['{{result.tests}}', [3, 4], []],
    ['{{ result.tests.1 }}', 4, []],
    ['has {{ result.tests }}', 'has [3,4]', []],
    ['{{ result.other }} and {{ x.y }}', ' and ', ['result.other', 'x.y']],
    ['{{ result.none }}', null, []],
    ['{{ result.constructor }}', null, ['result.constructor']],
    ['{{ name.length }}', null, ['name.length']],
    ['{{ 1 + 1 }}', '{{ 1 + 1 }}', []],
  ])('%s', (template, value, absent) => {
    expect(fillTemplate(template, facts)).toEqual({ value, absent });
  });
  test('is filled in once: what was filled in is not looked at again, whatever it holds', () => {
    const hostile = {
      name: '{{ secret }}',
      left: '{{ sec',
      right: 'ret }}',
      dollars: '$& $1 $`',
      secret: 'told',
    };
    expect(fillTemplate('{{ name }} {{ left }}{{ right }} {{ dollars }}', hostile).value).toBe(
      '{{ secret }} {{ secret }} $& $1 $`',
    );
    expect(fillTemplate(['{{ name }}', { a: 'x {{ name }}' }], hostile).value).toEqual([
      '{{ secret }}',
      { a: 'x {{ secret }}' },
    ]);
  });
  test('fills what lies within', () => {
    expect(fillTemplate({ a: ['{{ name }}', 1], b: { c: '{{ name }}' } }, facts).value).toEqual({
      a: ['x', 1],
      b: { c: 'x' },
    });
  });
});

describe('when events start a run', () => {
  const waiting = { count: 3, firstAt: 1_000, lastAt: 9_000 };
  test.each([
    ['at once', {}, { ...waiting, count: 1 }, 1_000],
    ['when it is quiet', { debounce: '5s' }, waiting, 14_000],
    ['when it is never quiet', { debounce: '500ms' }, waiting, 6_000],
    ['when there are enough', { batch: { size: 3, within: '1h' } }, waiting, 1_000],
    ['when time is up', { batch: { size: 4, within: '1m' } }, waiting, 61_000],
    ['whichever is first', { debounce: '5s', batch: { size: 4, within: '6s' } }, waiting, 7_000],
  ])('%s', (_name, more, waits, at) => {
    expect(dueAt(subscription(more), waits)).toBe(at);
  });
});

test('words from outside stand on one line of a request, and are cut', () => {
  const request = requestOf(subscription({ with: 'Mend {{ event.summary }} ({{ name }}, {{ count }})' }), [
    event({ summary: `one\n\n## two ${'x'.repeat(500)}` }),
  ]);
  expect(request.split('\n')).toHaveLength(1);
  expect(request.length).toBeLessThan(250);
  expect(request).toMatch(/^Mend one ## two x+… \(test-failed, 1\)$/);
});

test('one event is given as it is, several as items', () => {
  expect(givenBy(subscription({}), [event({ check: 'a' })])).toEqual({ check: 'a' });
  expect(givenBy(subscription({ debounce: '1s' }), [event({ check: 'a' })])).toEqual({
    items: [{ check: 'a' }],
  });
});

describe('the workflow that fits', () => {
  const flow = { kind: 'wait', id: 'w' };
  const of = (name: string, description: string) => ({
    name,
    title: name,
    description,
    how: '',
    why: '',
    flow,
  });
  const all = [
    of('feature', 'Builds something new'),
    of('bug', 'Finds why tests fail and mends it'),
    of('vote', 'Decides'),
  ];
  test('has the words that were asked for', () => {
    const routed = routeWorkflow('test-failed The tests are failing', all, () => []);
    expect(routed).toMatchObject({ workflow: 'bug', reason: '"bug" fits best: test, fail' });
  });
  test('is known by what its agents can do', () => {
    const routed = routeWorkflow('a question of storage', all, ({ name }) =>
      name === 'vote' ? ['storage'] : [],
    );
    expect(routed?.workflow).toBe('vote');
  });
  test('is none when nothing fits', () => {
    expect(routeWorkflow('zzz', all, () => [])).toBe(null);
  });
});
