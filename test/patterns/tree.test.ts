import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { failure, type Played, play } from './driver.ts';

const agent = (id: string, name = 'backend'): Node => ({ kind: 'agent', id, agent: name, task: `do ${id}` });
const started = ({ events }: Played): string[] =>
  events.flatMap((event) => (event.type === 'node.started' ? [event.node] : []));
const failureOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);

describe('sequence', () => {
  const three = (on_error: 'stop' | 'skip'): Node => ({
    kind: 'sequence',
    id: 'all',
    on_error,
    stages: [agent('a'), agent('b'), agent('c')],
  });

  test('hands each stage what the one before handed over', () => {
    const played = play(three('stop'), {
      agents: {
        a: [{ result: 1, summary: 'one', warnings: ['w'] }],
        b: [{ result: 2, summary: 'two' }],
        c: [{ result: 3, warnings: ['w'] }],
      },
    });
    expect(
      played.tasks.map(({ node, previous, context }) => [
        node,
        previous,
        context.map(({ summary }) => summary),
      ]),
    ).toEqual([
      ['a', null, []],
      ['b', 1, ['one']],
      ['c', 2, ['one', 'two']],
    ]);
    expect(played.handoff).toMatchObject({ result: 3, warnings: ['w'] });
  });

  test('stop: the first failure ends it; what came after never began', () => {
    const played = play(three('stop'), { agents: { b: [failure('broken')] } });
    expect(failureOf(played)).toBe('broken');
    expect(started(played)).toEqual(['a', 'b']);
  });

  test('skip: goes on without the stage, and says so', () => {
    const played = play(three('skip'), { agents: { a: [{ result: 1 }], b: [failure('broken')] } });
    expect(played.outcome.ok).toBe(true);
    expect(played.tasks.at(-1)).toMatchObject({ node: 'c', previous: 1 });
    expect(played.handoff?.warnings).toEqual(['b was skipped: it was broken']);
    expect(played.events).toContainEqual({
      type: 'node.finished',
      node: 'b',
      status: 'skipped',
      summary: 'it was broken',
    });
  });

  test.each(['structural', 'cancelled'] as const)('skip: a %s failure is never skipped', (of) => {
    const played = play(three('skip'), { agents: { b: [failure('broken', of)] } });
    expect(failureOf(played)).toBe('broken');
    expect(started(played)).toEqual(['a', 'b']);
  });
});

describe('agent', () => {
  test('is asked with all it needs, keeps a snapshot, and is told of', () => {
    const input = {
      ...emptyHandoff,
      warnings: ['old'],
      validation: { passed: false, quality: 10, findings: ['mend'] },
    };
    const node = { ...agent('a'), limits: { turns: 5, timeout: '90s' } };
    const played = play(
      node,
      { agents: { a: [{ summary: 'built', result: { n: 1 }, warnings: ['new', 'old'] }] } },
      {},
      input,
    );
    expect(played.tasks).toMatchObject([
      {
        node: 'a',
        request: 'Add CSV export',
        task: 'do a',
        feedback: ['mend'],
        testCommand: ['npm', 'test'],
        limits: { turns: 5, tokens: 400_000, timeoutMs: 90_000 },
      },
    ]);
    expect(played.handoff).toEqual({
      result: { n: 1 },
      context: [{ node: 'a', agent: 'backend', summary: 'built' }],
      validation: { passed: true, quality: null, findings: [] },
      warnings: ['old', 'new'],
    });
    expect(played.keys.at(-1)).toBe('a/snapshot');
    expect(played.events).toMatchObject([
      { type: 'node.started', node: 'a', agent: 'backend' },
      { type: 'agent.ended', agent: 'backend', outcome: 'success' },
      { type: 'node.finished', status: 'done', summary: 'built' },
    ]);
  });
});

describe('command', () => {
  const tests: Node = { kind: 'command', id: 'verify', run: 'test' };

  test.each([
    [0, true],
    [1, false],
  ])('exit code %d: passed is %s', (code, passed) => {
    const played = play(tests, { commands: { verify: [code] } });
    expect(played.handoff?.validation.passed).toBe(passed);
    expect(played.handoff?.validation.findings.length === 0).toBe(passed);
    expect(played.handoff?.context).toMatchObject([
      {
        node: 'verify',
        agent: null,
        summary: passed ? 'npm test passes (3 passed, 0 failed)' : 'npm test fails (2 passed, 1 failed)',
      },
    ]);
  });

  test('a refusal is a finding, and the command does not run', () => {
    const played = play(tests, { permit: 'Not allowed.' });
    expect(played.handoff?.validation).toEqual({ passed: false, quality: null, findings: ['Not allowed.'] });
    expect(played.keys).toEqual([]);
  });

  test('a repository without tests is said, not counted as a failure', () => {
    const played = play(tests, { testCommand: null });
    expect(played.handoff).toMatchObject({
      validation: { passed: true },
      warnings: [expect.stringContaining('nothing was tested')],
    });
  });
});

describe('the interpreter', () => {
  const interpreter = new Interpreter(patterns);

  test.each([
    ['pattern_unknown', { kind: 'committee', id: 'x' }],
    ['node_invalid', { kind: 'agent', id: 'x' }],
    ['node_invalid', { kind: 'agent', id: 'x', agent: 'backend', task: 't', taks: 'more' }],
  ])('%s is structural: the run pauses instead of guessing', (code, node) => {
    expect(play(node).outcome).toMatchObject({ ok: false, failure: { class: 'structural', code } });
  });

  test('walks parents first, in the order of the file, however wide', () => {
    const tree: Node = {
      kind: 'sequence',
      id: 'root',
      stages: [
        { kind: 'parallel', id: 'p', branches: [agent('a'), agent('b')] },
        { kind: 'loop', id: 'l', body: agent('c'), improve: agent('d') },
        { kind: 'approval', id: 'ok', title: 't', why: 'w', on_changes: agent('e') },
      ],
    };
    expect([...interpreter.walk(tree)].map(({ id }) => id)).toEqual([
      'root',
      'p',
      'a',
      'b',
      'l',
      'c',
      'd',
      'ok',
      'e',
    ]);
    expect(interpreter.agents(tree).map(({ node }) => node)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(interpreter.describe(tree)).toBe(
      'backend and backend in parallel, then backend with backend in a loop (3 at most, until quality 70), then an approval',
    );
  });

  test('low, expected and high stay in order for every tree, and questions add up', () => {
    const one = { ms: { low: 1, mid: 3, high: 10 }, usd: { low: 1, mid: 2, high: 4 }, asks: 0 };
    const leaf = fc.constantFrom<Node>(
      agent('a'),
      { kind: 'command', id: 'c', run: 'test' },
      { kind: 'approval', id: 'k', title: 't', why: 'w', on_changes: agent('a') },
    );
    const tree = fc.letrec<{ node: Node }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc
          .array(tie('node'), { minLength: 1, maxLength: 4 })
          .map((stages): Node => ({ kind: 'sequence', id: 's', stages })),
        fc
          .tuple(fc.array(tie('node'), { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5 }))
          .map(([branches, limit]): Node => ({ kind: 'parallel', id: 'p', branches, limit })),
        fc
          .tuple(tie('node'), fc.integer({ min: 1, max: 5 }))
          .map(([body, max]): Node => ({ kind: 'loop', id: 'l', body, max })),
      ),
    })).node;
    let big = 0;
    fc.assert(
      fc.property(tree, (node) => {
        const { ms, usd, asks } = interpreter.estimate(node, { agentTask: () => one, commandMs: 8 });
        if ([...interpreter.walk(node)].length > 3) big += 1;
        expect(ms.low).toBeLessThanOrEqual(ms.mid);
        expect(ms.mid).toBeLessThanOrEqual(ms.high);
        expect(usd?.low).toBeLessThanOrEqual(usd?.high ?? 0);
        const approvals = [...interpreter.walk(node)].filter(({ kind }) => kind === 'approval').length;
        expect(asks).toBeGreaterThanOrEqual(approvals);
      }),
    );
    expect(big).toBeGreaterThan(10);
  });
});
