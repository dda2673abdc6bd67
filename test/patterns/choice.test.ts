import { describe, expect, test } from 'vitest';
import { emptyHandoff, type Handoff } from '../../src/domain/handoff.ts';
import type { Json } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { conditional } from '../../src/patterns/conditional.ts';
import { consensus } from '../../src/patterns/consensus.ts';
import { answer, approvalEffects, type Played, play } from './driver.ts';

const agent = (id: string): Node => ({ kind: 'agent', id, agent: 'backend', task: `do ${id}` });
const started = ({ events }: Played): string[] =>
  events.flatMap((event) => (event.type === 'node.started' ? [event.node] : []));
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const given = (result: Json, validation: Partial<Handoff['validation']> = {}): Handoff => ({
  ...emptyHandoff,
  result,
  validation: { ...emptyHandoff.validation, ...validation },
});

describe('conditional', () => {
  const node: Node = {
    kind: 'conditional',
    id: 'which',
    cases: [
      { if: 'result.error === "TS2339"', then: agent('types') },
      { if: 'quality_score >= 70 and tests.passed', then: agent('ship') },
    ],
    on_success: agent('next'),
    on_failure: agent('mend'),
  };

  test.each([
    ['the first rule that matches', given({ error: 'TS2339' }, { quality: 90 }), 'types'],
    ['the next rule', given({ error: 'other' }, { quality: 70 }), 'ship'],
    ['success, when no rule matches', given({}, { quality: 60 }), 'next'],
    ['failure, when no rule matches', given({}, { quality: 90, passed: false }), 'mend'],
  ])('%s', (_name, input, way) => {
    expect(started(play(node, {}, {}, input))).toEqual([way]);
  });

  test('records every rule it looked at, absent fields as absent', () => {
    const { events } = play(node, {}, {}, given({}));
    expect(events.flatMap((event) => (event.type === 'rule.evaluated' ? [event.outcome] : []))).toEqual([
      'absent',
      'absent',
    ]);
  });

  test('start runs first, and its result is what the rules speak of', () => {
    const played = play(
      { ...node, start: agent('look') },
      { agents: { look: [{ result: { error: 'TS2339' } }] } },
    );
    expect(started(played)).toEqual(['look', 'types']);
  });

  test('with nothing taken the handoff goes on as it is', () => {
    const input = given({ kept: true });
    expect(
      play(
        { kind: 'conditional', id: 'which', cases: [{ if: 'result.absent == 1', then: agent('a') }] },
        {},
        {},
        input,
      ).handoff,
    ).toEqual(input);
  });

  test('a rule of the wrong type is structural', () => {
    const played = play(
      { kind: 'conditional', id: 'which', cases: [{ if: 'result.n > 1', then: agent('a') }] },
      {},
      {},
      given({ n: 'text' }),
    );
    expect(played.outcome).toMatchObject({ ok: false, failure: { class: 'structural', code: 'rule_type' } });
  });

  test('a rule that cannot be read, and a conditional without a way, are refused', () => {
    expect(
      conditional.schema.safeParse({
        kind: 'conditional',
        id: 'x',
        cases: [{ if: 'a &&', then: agent('a') }],
      }).success,
    ).toBe(false);
    expect(conditional.schema.safeParse({ kind: 'conditional', id: 'x' }).success).toBe(false);
  });
});

describe('consensus', () => {
  const weights = { architect: 0.4, backend: 0.2, frontend: 0.2, devops: 0.2 };
  const node: Node = {
    kind: 'consensus',
    id: 'format',
    question: 'Which format?',
    options: ['rows', 'file'],
    participants: Object.keys(weights),
    method: 'weighted',
    threshold: 0.75,
    weights,
  };
  const votes = (...choices: string[]) => ({
    agents: {
      format: choices.map((choice) => ({ result: { summary: choice, choice, reason: `because ${choice}` } })),
    },
  });

  test('0.4 + 0.2 + 0.2 reach 0.75; ballots and reasons are told', () => {
    const played = play(node, votes('rows', 'rows', 'rows', 'file'));
    expect(played.handoff?.result).toMatchObject({ choice: 'rows' });
    const counted = played.events.find((event) => event.type === 'vote.counted');
    expect(counted).toMatchObject({ winner: 'rows', method: 'weighted', threshold: 0.75 });
    expect(
      counted?.type === 'vote.counted' &&
        counted.ballots.map(({ agent: name, choice, reason }) => [name, choice, reason]),
    ).toEqual([
      ['architect', 'rows', 'because rows'],
      ['backend', 'rows', 'because rows'],
      ['frontend', 'rows', 'because rows'],
      ['devops', 'file', 'because file'],
    ]);
  });

  test('everybody gets the options, and votes at the same time', () => {
    const played = play(node, votes('rows'), { stepMs: () => 10 });
    expect(played.tasks.map(({ output, options }) => [output, options])).toEqual(
      Array.from({ length: 4 }, () => ['vote', ['rows', 'file']]),
    );
    expect(played.elapsedMs).toBeLessThanOrEqual(10);
  });

  test('below the threshold nobody wins; a choice that is no option is an abstention', () => {
    expect(codeOf(play(node, votes('rows', 'file', 'file', 'file')))).toBe('no_consensus');
    expect(codeOf(play(node, votes('Rows!', 'rows', 'rows', 'rows')))).toBe('no_consensus');
  });

  test('the conductor decides a tie among the leaders', () => {
    const tied: Node = {
      kind: 'consensus',
      id: 'format',
      question: 'Which?',
      options: ['a', 'b', 'c'],
      participants: ['backend', 'frontend'],
      tie: 'conductor',
      conductor: 'architect',
    };
    const played = play(tied, votes('a', 'b', 'b'));
    expect(played.handoff?.result).toMatchObject({ choice: 'b' });
    expect(played.tasks.at(-1)).toMatchObject({ options: ['a', 'b'], role: { name: 'architect' } });
  });

  describe('people decide what nobody won', () => {
    const open: Node = {
      kind: 'consensus',
      id: 'format',
      question: 'Which?',
      options: ['a', 'b', 'c'],
      participants: ['backend', 'frontend'],
      tie: 'ask',
    };
    const asked = (...said: (string | null)[]): Played => {
      const { effects } = approvalEffects();
      const signals = said.map((words, at) =>
        answer(`a${at + 1}`, words === null ? 'approve' : 'request_changes', 60_000 * (at + 1), words),
      );
      return play(open, votes('a', 'b'), { effects, signals });
    };

    test.each([
      ['yes takes the leader', [null], 'a'],
      ['its words take another', ['“B”.'], 'b'],
      ['its number takes another', ['2'], 'b'],
      ['what names none is asked again', ['anything but a', '7', 'b'], 'b'],
    ] as const)('%s', (_name, said, choice) => {
      const played = asked(...said);
      expect(played.handoff?.result).toMatchObject({ choice });
      expect(played.handoff?.context.at(-1)?.summary).toContain('people decided');
    });

    test('three times nothing of the kind: there is no agreement', () => {
      expect(codeOf(asked('neither', 'not c', '9'))).toBe('no_consensus');
    });

    test('a no is final', () => {
      const { effects } = approvalEffects();
      const signals = [answer('a1', 'reject', 60_000, 'not now')];
      expect(codeOf(play(open, votes('a', 'b'), { effects, signals }))).toBe('approval_rejected');
    });

    test('nobody is asked when somebody won', () => {
      const { effects, told } = approvalEffects();
      expect(play(open, votes('a'), { effects }).handoff?.result).toMatchObject({ choice: 'a' });
      expect(told).toEqual([]);
    });
  });

  test('options may come from the list before', () => {
    const open: Node = { kind: 'consensus', id: 'format', question: 'Which?', participants: ['backend'] };
    expect(play(open, votes('two'), {}, given({ items: ['one', 'two'] })).handoff?.result).toMatchObject({
      choice: 'two',
    });
    expect(codeOf(play(open, votes('two')))).toBe('no_options');
  });

  test.each([
    ['weights that do not sum', { weights: { ...weights, devops: 0.3 } }],
    ['a voter without a weight', { weights: { architect: 1 } }],
    ['a weight without a voter', { weights: { ...weights, devops: 0.1, qa: 0.1 } }],
    ['no weights', { weights: undefined }],
    ['a threshold above 1', { threshold: 1.5 }],
    ['a threshold above 100%', { threshold: '175%' }],
    ['a voter twice', { method: 'majority', weights: undefined, participants: ['qa', 'qa'] }],
    ['a tie for a conductor who is not there', { tie: 'conductor' }],
  ])('%s is refused', (_name, change) => {
    expect(consensus.schema.safeParse({ ...node, ...change }).success).toBe(false);
  });

  test('a percentage is a share', () => {
    expect(consensus.schema.safeParse({ ...node, threshold: '75%' })).toMatchObject({
      success: true,
      data: { threshold: 0.75 },
    });
  });
});

describe('flags', () => {
  const fork = (rule: string): Node => ({
    kind: 'conditional',
    id: 'fork',
    cases: [{ if: rule, then: { kind: 'agent', id: 'new', agent: 'backend', task: 't' } }],
    else: { kind: 'agent', id: 'old', agent: 'backend', task: 't' },
  });
  const asked = (rule: string, flags: Record<string, boolean>) => {
    const played = play(fork(rule), {}, { effects: { 'flags.read': () => flags } });
    return [played.tasks.map(({ node }) => node), played.keys.filter((key) => key.endsWith('/flags')).length];
  };

  test('are read in one step where a rule asks for them, and not elsewhere', () => {
    expect(asked('flags.fancy and passed', { fancy: true })).toEqual([['new'], 1]);
    expect(asked('flags.fancy', { fancy: false })).toEqual([['old'], 1]);
    expect(asked('flags.fancy', {})).toEqual([['old'], 1]);
    expect(asked('passed', { fancy: true })).toEqual([['new'], 0]);
    expect(asked('result.flags == 1', { fancy: true })).toEqual([['old'], 0]);
  });
});
