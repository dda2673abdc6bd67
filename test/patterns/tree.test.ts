import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { failure, HANGS, type Played, play } from './driver.ts';

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

describe('parallel', () => {
  const wide = (count: number, limit: number): Node => ({
    kind: 'parallel',
    id: 'wide',
    limit,
    branches: Array.from({ length: count }, (_, i) => agent(`b${i}`)),
  });

  test('never more at once than the limit, always as many as it allows, each branch once, results in order', () => {
    let limited = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 12, maxLength: 12 }),
        (count, limit, ms) => {
          let running = 0;
          let most = 0;
          const agents = Object.fromEntries(
            Array.from({ length: count }, (_, i) => [`b${i}`, [{ result: i }]]),
          );
          const played = play(
            wide(count, limit),
            { agents },
            { stepMs: (key) => ms[Number(key.slice(1))] ?? 1 },
          );
          for (const event of played.events) {
            if (event.type === 'node.started') running += 1;
            if (event.type === 'node.finished') running -= 1;
            most = Math.max(most, running);
          }
          if (limit < count) limited += 1;
          expect(most).toBe(Math.min(limit, count));
          expect(started(played).sort()).toEqual(Object.keys(agents).sort());
          expect(played.handoff?.result).toEqual(
            Object.fromEntries(Array.from({ length: count }, (_, i) => [`b${i}`, i])),
          );
        },
      ),
      { numRuns: 60 },
    );
    expect(limited).toBeGreaterThan(10);
  });

  test('the first failure cancels what runs, and what has not begun never does', () => {
    const node: Node = {
      kind: 'parallel',
      id: 'p',
      limit: 2,
      branches: [agent('slow'), agent('bad'), agent('later')],
    };
    const played = play(
      node,
      { agents: { bad: [failure('broken')] } },
      { stepMs: (key) => (key === 'slow' ? 100 : 10) },
    );
    expect(failureOf(played)).toBe('broken');
    expect(started(played)).toEqual(['slow', 'bad']);
    expect(played.cancelled).toEqual([expect.stringContaining('slow')]);
    expect(played.elapsedMs).toBe(10);
  });

  test('a command that hangs is cancelled with its branch', () => {
    const node: Node = {
      kind: 'parallel',
      id: 'p',
      branches: [{ kind: 'command', id: 'hang', run: ['sleep'] }, agent('bad')],
    };
    const played = play(
      node,
      { agents: { bad: [failure('broken')] } },
      { effects: { 'workspace.command': () => HANGS } },
    );
    expect(played.cancelled).toEqual([expect.stringMatching(/hang\/run$/)]);
  });

  test('good only when all are: worst quality, all findings, warnings once', () => {
    const node: Node = {
      kind: 'parallel',
      id: 'p',
      branches: [agent('x', 'reviewer'), agent('y', 'reviewer'), agent('z')],
    };
    const played = play(node, {
      agents: {
        x: [{ quality: 90, approved: true, findings: ['f1'], warnings: ['w'] }],
        y: [{ quality: 40, approved: false, findings: ['f2'], warnings: ['w'] }],
      },
    });
    expect(played.handoff).toMatchObject({
      validation: { passed: false, quality: 40, findings: ['f1', 'f2'] },
      warnings: ['w'],
    });
  });
});

describe('loop', () => {
  const judge: Node = {
    kind: 'sequence',
    id: 'check',
    stages: [{ kind: 'command', id: 'verify', run: 'test' }, agent('judge', 'reviewer')],
  };
  const loop = (more: Record<string, unknown> = {}): Node => ({
    kind: 'loop',
    id: 'l',
    body: judge,
    improve: agent('repair'),
    ...more,
  });
  const review = (quality: number, approved = true) => ({
    quality,
    approved,
    findings: approved ? [] : [`mend ${quality}`],
  });
  const rounds = ({ events }: Played) =>
    events.flatMap((event) =>
      event.type === 'loop.round' ? [[event.round, event.quality, event.passed]] : [],
    );

  test.each([
    [70, 1],
    [69.9, 3],
    [100, 1],
    [0, 3],
  ])('quality %d takes %d rounds: 70 is enough, three are the most', (quality, expected) => {
    const played = play(loop(), { agents: { judge: [review(quality)] } });
    expect(rounds(played)).toHaveLength(expected);
    expect(failureOf(played)).toBe(expected === 1 ? null : 'not_good_enough');
  });

  test('what was found is handed to improve, which runs between rounds and not after the last', () => {
    const played = play(loop(), {
      agents: { judge: [review(30, false), review(50, false), review(60, false)] },
    });
    expect(played.tasks.flatMap(({ node, feedback }) => (node === 'repair' ? [feedback] : []))).toEqual([
      ['mend 30'],
      ['mend 50'],
    ]);
    expect(rounds(played)).toEqual([
      [1, 30, false],
      [2, 50, false],
      [3, 60, false],
    ]);
    expect(played.outcome).toMatchObject({
      ok: false,
      failure: { class: 'terminal', message: expect.stringContaining('mend 60') },
    });
  });

  test('it ends with the first round that is good', () => {
    const played = play(loop(), { agents: { judge: [review(30, false), review(92)] } });
    expect(rounds(played)).toEqual([
      [1, 30, false],
      [2, 92, true],
    ]);
    expect(played.handoff?.validation).toEqual({ passed: true, quality: 92, findings: [] });
  });

  test('tests that fail outweigh a reviewer who says yes', () => {
    const played = play(loop(), { agents: { judge: [review(99)] }, commands: { verify: [1, 0] } });
    expect(rounds(played)).toEqual([
      [1, 99, false],
      [2, 99, true],
    ]);
    expect(played.tasks.find(({ node }) => node === 'repair')?.feedback).toEqual([
      'npm test fails (2 passed, 1 failed)\nran npm test',
    ]);
  });

  test('a reviewer who says no outweighs the quality', () => {
    expect(rounds(play(loop({ max: 1 }), { agents: { judge: [review(95, false)] } }))).toEqual([
      [1, 95, false],
    ]);
  });

  test('without improve the body itself is handed the findings', () => {
    const body: Node = { kind: 'sequence', id: 'both', stages: [agent('work'), agent('judge', 'reviewer')] };
    const played = play(
      { kind: 'loop', id: 'l', body, max: 2 },
      { agents: { judge: [review(30, false), review(80)] } },
    );
    expect(played.tasks.map(({ node, feedback }) => [node, feedback])).toEqual([
      ['work', []],
      ['judge', []],
      ['work', ['mend 30']],
      ['judge', []],
    ]);
    expect(played.outcome.ok).toBe(true);
  });

  test('best: the best round is taken and said; what failed its tests is never the best', () => {
    const kept = (played: Played) => played.handoff?.validation.quality;
    const best = { on_exhausted: 'best' };
    const played = play(loop(best), { agents: { judge: [review(40), review(65), review(50)] } });
    expect(kept(played)).toBe(65);
    expect(played.handoff?.warnings).toEqual(['l: not good enough after 3 rounds; the best was taken']);
    const failing = play(loop(best), {
      agents: { judge: [review(95), review(40), review(30)] },
      commands: { verify: [1, 0, 0] },
    });
    expect(kept(failing)).toBe(40);
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
