import { describe, expect, test } from 'vitest';
import { emptyHandoff, type Handoff } from '../../src/domain/handoff.ts';
import type { Json } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { delegation } from '../../src/patterns/delegation.ts';
import { feedback } from '../../src/patterns/feedback.ts';
import { failure, type Played, play } from './driver.ts';

const agent = (id: string): Node => ({ kind: 'agent', id, agent: 'backend', task: `do ${id}` });
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const given = (result: Json): Handoff => ({ ...emptyHandoff, result });
const routes = ({ events }: Played) =>
  events.flatMap((event) => (event.type === 'route.chosen' ? [`${event.agent} by ${event.by}`] : []));
const rounds = ({ events }: Played) =>
  events.flatMap((event) =>
    event.type === 'loop.round' ? [[event.round, event.quality, event.passed]] : [],
  );

describe('feedback', () => {
  const node: Node = {
    kind: 'feedback',
    id: 'good',
    producer: agent('make'),
    reviewer: 'qa',
    criteria: [
      'all-tests-pass',
      'no-security-vulnerabilities',
      { name: 'small', check: 'rule', rule: 'result.lines < 100' },
    ],
  };
  const met = { result: {}, approved: true };
  const unmet = { result: {}, approved: false, findings: ['leaks a token'] };

  test('each criterion is judged on its own, and what is not met goes back to the producer', () => {
    const played = play(node, {
      agents: {
        make: [{ result: { lines: 200 } }, { result: { lines: 50 } }],
        good: [unmet, unmet, met, met],
      },
      // The driver counts how often a node was asked, commands and agents together.
      commands: { good: [1, 1, 0, 0] },
    });
    expect(rounds(played)).toEqual([
      [1, 0, false],
      [2, 100, true],
    ]);
    const second = played.tasks.filter(({ node: id }) => id === 'make')[1];
    expect(second?.feedback.map((finding) => finding.split(':')[0])).toEqual([
      'all-tests-pass',
      'no-security-vulnerabilities',
      'small',
    ]);
    expect(second?.feedback.join()).toContain('leaks a token');
    expect(played.handoff?.validation).toEqual({ passed: true, quality: 100, findings: [] });
  });

  test('after the last round it fails, or takes what there is', () => {
    const never = { agents: { make: [{ result: { lines: 1 } }], good: [met] }, commands: { good: [1] } };
    expect(codeOf(play({ ...node, max: 2 }, never))).toBe('not_good_enough');
    const best = play({ ...node, max: 2, on_exhausted: 'best' }, never);
    expect(best.handoff?.warnings.join()).toContain('all-tests-pass');
    expect(rounds(best)).toHaveLength(2);
  });

  test('a rubric weighs what each criterion is worth, and every one still has to be met', () => {
    const weighed = {
      ...node,
      weights: { 'all-tests-pass': 0.5, 'no-security-vulnerabilities': 0.3, small: 0.2 },
    };
    const played = play(weighed, {
      agents: {
        make: [{ result: { lines: 50 } }],
        good: [
          { ...unmet, quality: 40 },
          { ...unmet, quality: 40 },
          { ...met, quality: 90 },
          { ...met, quality: 90 },
        ],
      },
      commands: { good: [0] },
    });
    expect(rounds(played)).toEqual([
      [1, 82, false],
      [2, 97, true],
    ]);
    expect(played.handoff?.validation.quality).toBe(97);
    const last = played.events.findLast((event) => event.type === 'loop.round');
    expect(last?.type === 'loop.round' ? last.measures : null).toEqual([
      { name: 'all-tests-pass', score: 100, weight: 0.5 },
      { name: 'no-security-vulnerabilities', score: 90, weight: 0.3 },
      { name: 'small', score: 100, weight: 0.2 },
    ]);
  });

  test('a criterion nobody knows is refused', () => {
    expect(feedback.schema.safeParse({ ...node, criteria: ['all-is-well'] }).success).toBe(false);
    expect(feedback.schema.safeParse({ ...node, criteria: [] }).success).toBe(false);
  });
});

describe('delegation', () => {
  const node: Node = {
    kind: 'delegation',
    id: 'bug',
    conductor: 'architect',
    task: 'Fix it',
    delegates: [
      { agent: 'typescript', expertise: ['type-errors'] },
      { agent: 'frontend', expertise: ['ui-bugs'] },
      { agent: 'backend', expertise: ['api-errors'] },
    ],
    decision_rules: [
      { if: 'error.type === "TS2339"', then: 'typescript' },
      { if: 'error.component.includes("ui")', then: 'frontend' },
    ],
  };

  test.each([
    ['the first rule that matches', { error: { type: 'TS2339', component: 'ui' } }, 'typescript by rule'],
    ['the next rule', { error: { component: 'web-ui' } }, 'frontend by rule'],
    ['expertise that is named', { found: 'there are api-errors in the log' }, 'backend by expertise'],
  ])('%s decides', (_name, result, route) => {
    const played = play(node, {}, {}, given(result));
    expect(routes(played)).toEqual([route]);
    expect(played.tasks.map(({ role }) => role.name)).toEqual([route.split(' ')[0]]);
  });

  test('else the conductor chooses, or keeps it', () => {
    const route = (name: string) => ({
      result: { summary: '', agent: name, task: '', reason: 'it fits', done: false },
    });
    expect(routes(play(node, { agents: { bug: [route('frontend'), {}] } }))).toEqual([
      'frontend by conductor',
    ]);
    expect(routes(play(node, { agents: { bug: [route('somebody else'), {}] } }))).toEqual([
      'architect by conductor',
    ]);
  });

  test('a delegate that fails is followed by the path of escalation, then the conductor', () => {
    const played = play(
      { ...node, escalation: ['backend'] },
      { agents: { bug: [failure('broken'), failure('broken'), { summary: 'done' }] } },
      {},
      given({ error: { type: 'TS2339' } }),
    );
    expect(routes(played)).toEqual(['typescript by rule', 'backend by conductor', 'architect by conductor']);
    expect(played.handoff?.warnings).toEqual([
      'typescript could not do it: it was broken',
      'backend could not do it: it was broken',
    ]);
  });

  test('when all fail, so does it', () => {
    expect(
      codeOf(play(node, { agents: { bug: [failure('broken')] } }, {}, given({ error: { type: 'TS2339' } }))),
    ).toBe('broken');
  });

  test('alignment is judged by the conductor', () => {
    const played = play(
      { ...node, alignment: true },
      { agents: { bug: [{}, { approved: false, quality: 40, findings: ['not what was meant'] }] } },
      {},
      given({ error: { type: 'TS2339' } }),
    );
    expect(played.handoff?.validation).toEqual({
      passed: false,
      quality: 40,
      findings: ['not what was meant'],
    });
  });

  test('a rule for somebody who is no delegate is refused', () => {
    expect(
      delegation.schema.safeParse({ ...node, decision_rules: [{ if: 'a == 1', then: 'nobody' }] }).success,
    ).toBe(false);
  });
});

describe('consult', () => {
  const node: Node = {
    kind: 'consult',
    id: 'ask',
    domain: 'storage',
    experts: [{ agent: 'backend', weight: 2 }, { agent: 'devops' }, { agent: 'qa' }],
    then: agent('build'),
  };
  const advice = (answer: string, confidence: number) => ({
    result: { summary: answer, answer, confidence, reason: 'seen it' },
  });

  test('the weighted answer goes into the task, with the dissent', () => {
    const played = play(node, {
      agents: { ask: [advice('SQLite', 0.9), advice('Postgres', 1), advice('Postgres', 0.5)] },
    });
    const build = played.tasks.at(-1);
    expect(build?.node).toBe('build');
    expect(build?.previous).toMatchObject({ answer: 'SQLite', dissent: ['devops', 'qa'] });
    expect(build?.context.at(-1)?.summary).toContain('devops disagrees');
  });

  test('equal answers count together', () => {
    const played = play(node, {
      agents: { ask: [advice('SQLite', 0.6), advice('Postgres', 1), advice('Postgres', 0.5)] },
    });
    expect(played.tasks.at(-1)?.previous).toMatchObject({ answer: 'Postgres', dissent: ['backend'] });
  });

  test('without a task the guidance is the result', () => {
    const { then: _then, ...alone } = node;
    expect(
      play({ ...alone, kind: 'consult', id: 'ask' }, { agents: { ask: [advice('SQLite', 1)] } }).handoff
        ?.result,
    ).toMatchObject({ answer: 'SQLite', share: 1 });
  });
});
