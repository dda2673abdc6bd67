import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { parallelSchema } from '../../src/patterns/parallel/parallel-schema.ts';
import { play } from './driver.ts';

const task = (id: string, ...needs: string[]) => ({ id, agent: 'backend', task: `Do ${id}`, needs });
const tasks = (list: readonly object[], more: object = {}): Node => ({
  kind: 'parallel',
  id: 'all',
  tasks: list,
  ...more,
});
/** The nodes in the order in which their agents began and ended. */
const order = (node: Node, stepMs: Readonly<Record<string, number>> = {}): string[] =>
  play(node, {}, { stepMs: (key) => stepMs[key] ?? 10 }).events.flatMap((event) => {
    if (event.type === 'node.started') return [`+${event.node}`];
    return event.type === 'node.finished' && event.agent !== undefined ? [`-${event.node}`] : [];
  });

describe('tasks', () => {
  test('each begins when its needs are met, and not before', () => {
    const begun = order(tasks([task('a'), task('b'), task('c', 'a'), task('d', 'a', 'b')]), { a: 10, b: 50 });
    expect(begun).toEqual(['+a', '+b', '-a', '+c', '-c', '-b', '+d', '-d']);
  });

  test('are handed what they need, and nothing else', () => {
    const played = play(tasks([task('a'), task('b'), task('c', 'a', 'b'), task('d', 'a')]), {
      agents: { a: [{ result: 1 }], b: [{ result: 2 }] },
    });
    const previous = Object.fromEntries(played.tasks.map((asked) => [asked.node, asked.previous]));
    expect(previous).toEqual({ a: null, b: null, c: { a: 1, b: 2 }, d: 1 });
    expect(Object.keys(played.handoff?.result ?? {})).toEqual(['a', 'b', 'c', 'd']);
  });

  test('no more at once than the limit says', () => {
    const begun = order(
      tasks(
        ['a', 'b', 'c', 'd'].map((id) => task(id)),
        { limit: 2 },
      ),
    );
    let now = 0;
    const most = begun.map((each) => (now += each.startsWith('+') ? 1 : -1));
    expect(Math.max(...most)).toBe(2);
  });

  test('that share a resource never work at the same time', () => {
    const node = tasks([task('a'), task('b'), task('c')], {
      sync: [{ id: 'db', type: 'resource', participants: ['a', 'c'] }],
    });
    const begun = order(node, { a: 30, b: 30, c: 30 });
    expect(begun.filter((each) => !each.endsWith('b'))).toEqual(['+a', '-a', '+c', '-c']);
    expect(begun.indexOf('+b')).toBeLessThan(begun.indexOf('-a'));
  });

  test('begin together at a start point, after what comes before it', () => {
    const node = tasks([task('first'), task('a'), task('b')], {
      sync: [{ id: 'go', type: 'start', participants: ['a', 'b'], after: ['first'] }],
    });
    expect(order(node)).toEqual(['+first', '-first', '+a', '+b', '-a', '-b']);
  });

  test('that need a milestone wait for all of its participants', () => {
    const node = tasks([task('a'), task('b'), task('c', 'done')], {
      sync: [{ id: 'done', type: 'milestone', participants: ['a', 'b'] }],
    });
    expect(order(node, { a: 5, b: 90 })).toEqual(['+a', '+b', '-a', '-b', '+c', '-c']);
  });
});

describe('refused when loaded', () => {
  const problems = (node: Node): string[] => {
    const parsed = parallelSchema.safeParse(node);
    return parsed.success
      ? []
      : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  test.each([
    [
      'a circle',
      tasks([task('a', 'b'), task('b', 'a')]),
      /Nobody could begin: "a" waits for "b" waits for "a"/,
    ],
    [
      'an unknown need',
      tasks([task('a', 'x')]),
      /tasks\.0\.needs\.0: There is no "x" here\. Write one of: a/,
    ],
    ['one id twice', tasks([task('a'), task('a')]), /tasks\.1\.id: The id "a" is used twice/],
    ['neither branches nor tasks', { kind: 'parallel', id: 'all' }, /Write either `branches` or `tasks`/],
    ['half a task', tasks([{ id: 'a', agent: 'backend' }]), /either an `agent` with its `task`, or a `flow`/],
    ['a stream without streams', tasks([{ ...task('a'), stream: 's' }]), /Write `streams: true`/],
    [
      'an unknown participant',
      tasks([task('a')], { sync: [{ id: 'p', type: 'milestone', participants: ['x'] }] }),
      /sync\.0\.participants\.0: There is no "x"/,
    ],
    [
      'an integration of nothing',
      tasks([task('a')], { sync: [{ id: 'p', type: 'integration', participants: ['a'] }] }),
      /Only streams can be integrated/,
    ],
    [
      'a circle by way of a point',
      tasks([task('a', 'p'), task('b')], {
        sync: [{ id: 'p', type: 'milestone', participants: ['a', 'b'] }],
      }),
      /Nobody could begin/,
    ],
  ])('%s', (_name, node, message) => {
    expect(problems(node).join('\n')).toMatch(message);
  });

  test('nothing that can be done', () => {
    expect(problems(tasks([task('a'), task('b', 'a')], { streams: true, on_conflict: ['first'] }))).toEqual(
      [],
    );
  });
});
