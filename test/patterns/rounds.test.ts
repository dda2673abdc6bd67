import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { failure, HANGS, type Played, play } from './driver.ts';

const agent = (id: string, name = 'backend'): Node => ({ kind: 'agent', id, agent: name, task: `do ${id}` });
const started = ({ events }: Played): string[] =>
  events.flatMap((event) => (event.type === 'node.started' ? [event.node] : []));
const failureOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);

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
