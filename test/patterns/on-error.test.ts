import { describe, expect, test } from 'vitest';
import { BatonError, type FailureClass } from '../../src/domain/failure.ts';
import type { Json } from '../../src/domain/json.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { sequence } from '../../src/patterns/sequence.ts';
import { answer, approvalEffects, failure, type Played, play } from './driver.ts';

const agent = (on_error?: Json, more: Record<string, Json> = {}): Node => ({
  kind: 'agent',
  id: 'a',
  agent: 'backend',
  task: 'do it',
  ...(on_error === undefined ? {} : { on_error }),
  ...more,
});
const handled = ({ events }: Played) =>
  events.flatMap((event) => (event.type === 'error.handled' ? [event.action] : []));
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const failing = (kind: FailureClass, code = 'broken', message = 'it was broken') =>
  new BatonError({ class: kind, code, message });
const agents = ({ tasks }: Played) => tasks.map(({ role }) => role.name);

describe('retry', () => {
  test('tries again after waits that double, until it works', () => {
    const played = play(agent({ retry: { tries: 3, base: '2s' } }), {
      agents: { a: [failure('one'), failure('two'), { summary: 'done' }] },
    });
    expect(played.outcome.ok).toBe(true);
    expect(handled(played)).toEqual(['retry', 'retry']);
    // Half of each wait is fixed, half chance: 2 s and 4 s at most.
    expect(played.elapsedMs).toBeGreaterThanOrEqual(3_000);
    expect(played.elapsedMs).toBeLessThanOrEqual(6_000);
  });

  test('the same failure three times over stops it and asks', () => {
    const asked = approvalEffects();
    const played = play(
      agent({ retry: { tries: 9 } }),
      {
        agents: {
          a: [
            failing('terminal', 'broken', 'at line 12'),
            failing('terminal', 'broken', 'at line 97'),
            failing('terminal', 'broken', 'at line 3'),
            { summary: 'done' },
          ],
        },
      },
      { effects: asked.effects, signals: [answer('a1', 'approve', 60_000)] },
    );
    expect(handled(played)).toEqual(['retry', 'retry', 'escalate']);
    expect(played.outcome.ok).toBe(true);
  });

  test('failures that differ are tried to the end', () => {
    const different = ['one', 'two', 'three', 'four'].map((code) => failing('terminal', code, code));
    expect(codeOf(play(agent('retry'), { agents: { a: different } }))).toBe('four');
  });
});

describe('failover', () => {
  test('the named agent takes over', () => {
    const played = play(agent([{ failover: 'qa' }]), {
      agents: { a: [failure('broken'), { summary: 'done' }] },
    });
    expect(agents(played)).toEqual(['backend', 'qa']);
    expect(played.outcome.ok).toBe(true);
  });

  test('where there is no backup, the next of the chain is looked at', () => {
    const played = play(agent(['failover', 'skip']), { agents: { a: [failure('broken')] } });
    expect(handled(played)).toEqual(['skip']);
    expect(played.handoff?.warnings).toEqual(['a was skipped: it was broken']);
  });
});

describe('escalate', () => {
  const broken = { agents: { a: [failure('broken'), { summary: 'done' }] } };
  test('yes: once more; with words: they are handed over; no, or nobody: it ends', () => {
    const run = (verdict: 'approve' | 'reject' | 'request_changes' | null) => {
      const asked = approvalEffects();
      return play(agent('escalate'), broken, {
        effects: asked.effects,
        signals: verdict === null ? [] : [answer('a1', verdict, 60_000, 'use the cache')],
      });
    };
    expect(run('approve').outcome.ok).toBe(true);
    expect(run('request_changes').tasks.at(-1)?.feedback).toEqual(['it was broken', 'use the cache']);
    expect(codeOf(run('reject'))).toBe('broken');
    expect(codeOf(run(null))).toBe('broken');
  });
});

describe('what a chain is for', () => {
  test.each<[FailureClass, string]>([
    ['structural', 'structural'],
    ['cancelled', 'cancelled'],
  ])('never for a %s failure', (kind) => {
    const played = play(agent(['retry', 'skip']), { agents: { a: [failing(kind)] } });
    expect(handled(played)).toEqual([]);
    expect(codeOf(played)).toBe('broken');
  });

  test('what a person must mend is left to a pause: the node is run once more, pausing, at the end', () => {
    const played = play(agent([{ failover: 'qa' }]), {
      agents: { a: [failing('needs_person'), failing('needs_person'), { summary: 'mended' }] },
    });
    expect(agents(played)).toEqual(['backend', 'qa', 'backend']);
    expect(played.outcome.ok).toBe(true);
  });

  test('a chain above is for the nodes right below, unless they have their own', () => {
    const played = play(
      { kind: 'sequence', id: 's', on_error: 'skip', stages: [agent(), { ...agent('stop'), id: 'b' }] },
      { agents: { a: [failure('one')], b: [failure('two')] } },
    );
    expect(handled(played)).toEqual(['skip']);
    expect(codeOf(played)).toBe('two');
  });

  test('a node that fails says so', () => {
    const played = play(agent(), { agents: { a: [failure('broken')] } });
    expect(played.events.at(-1)).toEqual({
      type: 'node.finished',
      node: 'a',
      status: 'failed',
      summary: 'it was broken',
    });
  });
});

describe("a person's no", () => {
  const asks: Node = { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'because' };
  const after = { ...agent(), id: 'after' };
  const rejected = () => ({ effects: approvalEffects().effects, signals: [answer('a1', 'reject', 1_000)] });

  test.each<[string, Node]>([
    ['skip', { kind: 'sequence', id: 's', on_error: 'skip', stages: [asks, after] }],
    ['retry, then skip', { kind: 'sequence', id: 's', on_error: ['retry', 'skip'], stages: [asks, after] }],
    [
      'escalate, then skip',
      { kind: 'sequence', id: 's', on_error: ['escalate', 'skip'], stages: [asks, after] },
    ],
    ['its own skip', { kind: 'sequence', id: 's', stages: [{ ...asks, on_error: 'skip' }, after] }],
    [
      'a skip further up',
      {
        kind: 'sequence',
        id: 's',
        on_error: 'skip',
        stages: [{ kind: 'sequence', id: 'inner', stages: [asks] }, after],
      },
    ],
  ])('is not passed over by %s', (_name, node) => {
    const played = play(node, {}, rejected());
    expect(codeOf(played)).toBe('approval_rejected');
    expect(played.tasks).toEqual([]);
    expect(handled(played)).toEqual([]);
  });

  test('nor by a map that keeps what works', () => {
    const asked = approvalEffects();
    const node: Node = { kind: 'map', id: 'm', items: ['one', 'two'], on_item_error: 'keep', body: asks };
    const signals = [answer('a2', 'approve', 500), answer('a1', 'reject', 1_000)];
    expect(codeOf(play(node, {}, { effects: asked.effects, signals }))).toBe('approval_rejected');
  });

  test('nor is silence', () => {
    const played = play(
      { kind: 'sequence', id: 's', on_error: 'skip', stages: [asks, after] },
      {},
      { effects: approvalEffects().effects },
    );
    expect(codeOf(played)).toBe('approval_timeout');
    expect(played.tasks).toEqual([]);
  });
});

describe('timeout', () => {
  test('the whole node, retries included; what is late is cancelled', () => {
    const played = play(agent({ retry: { tries: 5, base: '10s' } }, { timeout: '15s' }), {
      agents: { a: ['1', '2', '3', '4', '5', '6'].map((n) => failing('terminal', n, n)) },
    });
    expect(codeOf(played)).toBe('node_timeout');
    expect(played.elapsedMs).toBe(15_000);
  });

  test('in time nothing is said of it', () => {
    expect(play(agent(undefined, { timeout: '15s' }), {}, { stepMs: () => 10_000 }).outcome.ok).toBe(true);
  });
});

test.each([
  ['something after the end', ['stop', 'retry']],
  ['an unknown word', 'panic'],
  ['nothing', []],
  ['no tries', { retry: { tries: 0 } }],
  ['a wait without a unit', { retry: { tries: 1, base: '5' } }],
])('%s is refused', (_name, on_error) => {
  expect(sequence.schema.safeParse({ kind: 'sequence', id: 's', stages: [agent()], on_error }).success).toBe(
    false,
  );
});
