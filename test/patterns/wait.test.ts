import { expect, test } from 'vitest';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { wait, waitSignal } from '../../src/patterns/wait.ts';
import { type Played, play } from './driver.ts';

const node = (more: object): Node => ({ kind: 'wait', id: 'rest', ...more });
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const given = { ...emptyHandoff, result: 'before' };
const WEEK_MS = 604_800_000;

test.each([
  ['10m', 600_000],
  ['6w', 6 * WEEK_MS],
  ['0s', 0],
])('for %s, then what came before goes on', (text, ms) => {
  const played = play(node({ for: text }), {}, {}, given);
  expect(played.elapsedMs).toBe(ms);
  expect(played.handoff).toEqual(given);
});

test('for a signal, whose payload becomes the result', () => {
  const signals = [{ name: waitSignal('deployed'), at: 5_000, payload: { version: 2 } }];
  for (const more of [{}, { within: '8w' }]) {
    const played = play(node({ signal: 'deployed', ...more }), {}, { signals }, given);
    expect(played.elapsedMs).toBe(5_000);
    expect(played.handoff?.result).toEqual({ version: 2 });
    expect(played.handoff?.context).toEqual([{ node: 'rest', agent: null, summary: '"deployed" came' }]);
  }
});

test('a payload of null is a signal that came', () => {
  const signals = [{ name: waitSignal('go'), at: 1, payload: null }];
  const played = play(node({ signal: 'go', within: '1m' }), {}, { signals }, given);
  expect(played.handoff?.result).toBeNull();
  expect(played.handoff?.warnings).toEqual([]);
});

test('a signal that does not come fails the wait, or is gone on without', () => {
  const late = play(node({ signal: 'go', within: '1h' }), {}, {}, given);
  expect([codeOf(late), late.elapsedMs]).toEqual(['wait_timeout', 3_600_000]);
  const goOn = play(node({ signal: 'go', within: '1h', on_timeout: 'go_on' }), {}, {}, given);
  expect(goOn.handoff).toEqual({ ...given, warnings: ['rest: "go" did not come within 1h'] });
});

test('signals of decisions cannot be taken', () => {
  const signals = [{ name: 'approval', at: 1, payload: null }];
  expect(codeOf(play(node({ signal: 'approval', within: '1h' }), {}, { signals }))).toBe('wait_timeout');
});

test.each([
  ['neither', {}],
  ['both', { for: '1m', signal: 'go' }],
  ['a bare number', { for: 10 }],
  ['a number without its unit', { for: '10' }],
  ['a time limit for a timer', { for: '1m', within: '2m' }],
  ['what happens after a limit that is not there', { signal: 'go', on_timeout: 'go_on' }],
  ['an unknown word', { signal: 'go', within: '1m', on_timeout: 'skip' }],
  ['a signal of another part', { signal: 'approval:a1' }],
  ['an unknown key', { for: '1m', until: 'noon' }],
])('%s: refused', (_name, more) => {
  expect(wait.schema.safeParse(node(more)).success).toBe(false);
});

test('an estimate', () => {
  const estimate = (more: object) =>
    new Interpreter(patterns).estimate(node(more), {
      agentTask: () => {
        throw new Error('no agent here');
      },
      commandMs: 1,
    }).ms;
  expect(estimate({ for: '1s' })).toEqual({ low: 1_000, mid: 1_000, high: 1_000 });
  expect(estimate({ signal: 'go', within: '2s' })).toEqual({ low: 0, mid: 1_000, high: 2_000 });
  expect(estimate({ signal: 'go' })).toEqual({ low: 0, mid: 0, high: 0 });
});
