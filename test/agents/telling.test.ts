import { describe, expect, it } from 'vitest';
import { createAgentRunner } from '../../src/agents/agent-runner.ts';
import { BatonError } from '../../src/domain/failure.ts';
import { asJson } from '../../src/domain/json.ts';
import { askPerson } from '../../src/patterns/ask-person.ts';
import type { Guard } from '../../src/ports/runner.ts';
import { answer, approvalEffects, drive, type World } from '../patterns/driver.ts';
import { backend, taskFor, workDone } from './support.ts';

const guard: Guard = {
  *command() {
    yield* [];
    return null;
  },
  *tool() {
    yield* [];
    return null;
  },
  ask: (question, flow) => askPerson(question, { node: 'build', agent: 'backend' }, flow),
};

/** An agent that makes one call and ends; what the call gave is the last thing the model was told. */
function told(call: { readonly name: string; readonly arguments: string }, world: World) {
  const seen: string[] = [];
  const turn = (input: unknown) => {
    const { messages } = Object(input);
    const last = messages.at(-1);
    const reply = { text: '', toolCalls: [{ id: 'c1', ...call }], finish: 'tool_calls' };
    if (last.role === 'tool') seen.push(last.text);
    return {
      ...(last.role === 'tool' ? { text: workDone, toolCalls: [], finish: 'stop' } : reply),
      tokens: { input: 1, cached: 0, output: 1, reasoning: 0 },
      durationMs: 1,
    };
  };
  const role = { ...backend, tools: ['ask' as const, 'emit' as const, 'tell' as const] };
  const driven = drive(
    function* (flow) {
      return asJson(yield* createAgentRunner().run(taskFor(role), flow, guard));
    },
    { ...world, effects: { ...world.effects, 'model.turn': turn } },
  );
  return { seen, driven };
}

const question = JSON.stringify({ question: 'Keep the old name?', why: 'Two pages use it.' });
const event = (name: string) => JSON.stringify({ event: name, payload: '{"files": 3}' });

describe('an agent that asks a person', () => {
  it.each([
    ['approve', null, 'The answer is yes.'],
    ['reject', 'call it rows', 'The answer is no. They said: "call it rows"'],
    ['request_changes', 'ask Ada', 'The answer is neither yes nor no. They said: "ask Ada"'],
  ] as const)('hears %s', (verdict, comment, words) => {
    const { effects, told: opened } = approvalEffects();
    const { seen, driven } = told(
      { name: 'ask', arguments: question },
      { effects, signals: [answer('a1', verdict, 60_000, comment)] },
    );
    expect(seen).toEqual([words]);
    expect(driven.outcome.ok).toBe(true);
    expect(opened).toEqual(['open 1']);
  });

  it('goes on when nobody answers in time', () => {
    const { effects } = approvalEffects();
    const { seen } = told({ name: 'ask', arguments: question }, { effects });
    expect(seen[0]).toContain('Nobody answered in time');
  });
});

describe('an agent that publishes an event', () => {
  it('hears its number, and the event says what it said', () => {
    const published: unknown[] = [];
    const effects = {
      'event.publish': (input: unknown) => {
        published.push(input);
        return { event: 'evt-7' };
      },
    };
    const { seen } = told({ name: 'emit', arguments: event('report.ready') }, { effects });
    expect(seen).toEqual(['Published as evt-7.']);
    expect(published).toMatchObject([{ name: 'report.ready', payload: { files: 3 }, node: 'build' }]);
  });

  it('hears what is wrong with it, and goes on', () => {
    const effects = {
      'event.publish': () => {
        throw new BatonError({ class: 'terminal', code: 'event_unknown', message: 'Nobody declared it.' });
      },
    };
    const { seen, driven } = told({ name: 'emit', arguments: event('no.such') }, { effects });
    expect(seen).toEqual(['Not published: Nobody declared it.']);
    expect(driven.outcome.ok).toBe(true);
  });
});

describe('an agent that tells another', () => {
  const note = (to: string, text = 'The parser drops the last row.') =>
    JSON.stringify({ to, kind: 'warning', text });

  it.each([
    ['qa', 'Kept for qa of this work'],
    ['all', 'Kept for all agents of this work'],
  ])('hears that it is kept for %s', (to, words) => {
    const { seen, driven } = told({ name: 'tell', arguments: note(to) }, { effects: {} });
    expect(seen[0]).toContain(words);
    expect(driven.outcome.ok).toBe(true);
  });

  it('hears that a note is too long, and nothing is told', () => {
    const { seen } = told({ name: 'tell', arguments: note('qa', 'x'.repeat(1_001)) }, { effects: {} });
    expect(seen[0]).not.toContain('Kept for');
  });
});
