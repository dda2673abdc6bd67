import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readChat } from '../../src/cast/chat.ts';
import { parseCast } from '../../src/cast/load.ts';
import { chooseCast, play } from '../../src/cast/play.ts';
import { readResponses } from '../../src/cast/responses.ts';
import type { Entry, Transcript } from '../../src/cast/transcript.ts';
import { opening, shippedCasts } from './support.ts';

const casts = await shippedCasts();
const answerOf = (transcript: Transcript) => play(transcript, chooseCast(transcript, casts));

const texts = fc.constantFrom(
  'written',
  'renderActions and findReport',
  "const line = (fields) => fields.join(',');",
  'fields.map(quote)',
  'pass 16 fail 0',
  'a scripted cast played the agents',
);
/** Somebody at their own work, who calls tools, as often as anybody anywhere, who mostly has nothing to call. */
const whoWhere = fc.oneof(
  fc.constantFrom(
    { role: 'backend', node: 'implement' },
    { role: 'qa', node: 'tests' },
    { role: 'backend', node: 'repair' },
  ),
  fc.record({
    role: fc.constantFrom('architect', 'backend', 'qa', 'reviewer', 'gardener', 'constructor'),
    node: fc.constantFrom('design', 'implement', 'tests', 'judge', 'repair', 'rework', 'elsewhere'),
  }),
);
const moment = fc
  .record({
    at: whoWhere,
    request: fc.oneof(fc.constantFrom('Add CSV export', 'Blue footer'), fc.string()),
    feedback: fc.array(fc.string(), { maxLength: 2 }),
    turns: fc.array(fc.array(texts, { minLength: 1, maxLength: 3 }), { maxLength: 5 }),
  })
  .map(({ turns, at, ...brief }): Transcript => {
    const { system, user } = opening({ ...at, ...brief });
    const played = turns.flatMap((results): Entry[] => [
      { kind: 'assistant', text: '' },
      ...results.map((text): Entry => ({ kind: 'tool', text })),
    ]);
    return { system, entries: [{ kind: 'user', text: user }, ...played], resultName: 'work', mayCall: true };
  });

describe('an answer is a function of its transcript', () => {
  test('whatever was asked in between, and in whatever order', () => {
    const seen = { calls: 0, results: 0 };
    fc.assert(
      fc.property(fc.array(moment, { minLength: 2, maxLength: 8 }), (moments) => {
        const forwards = moments.map(answerOf);
        const backwards = moments.toReversed().map((each) => answerOf(structuredClone(each)));
        expect(backwards.toReversed()).toEqual(forwards);
        for (const turn of forwards) seen[turn.calls.length > 0 ? 'calls' : 'results'] += 1;
      }),
      { numRuns: 300 },
    );
    expect(seen.calls).toBeGreaterThan(20);
    expect(seen.results).toBeGreaterThan(20);
  });

  test('a conversation taken up after any turn goes on as it did', () => {
    let resumed = 0;
    fc.assert(
      fc.property(moment, (transcript) => {
        const history = transcript.entries.map((_, at) => transcript.entries.slice(0, at + 1));
        const live = history.map((entries) => answerOf({ ...transcript, entries }));
        for (const [at, entries] of history.entries()) {
          const replayed: Transcript = structuredClone({ ...transcript, entries });
          expect(answerOf(replayed)).toEqual(live[at]);
          resumed += at > 0 ? 1 : 0;
        }
      }),
    );
    expect(resumed).toBeGreaterThan(100);
  });

  test('it always ends with words or calls, never with nothing', () => {
    fc.assert(
      fc.property(moment, (transcript) => {
        const turn = answerOf(transcript);
        expect(turn.text + turn.calls.map((call) => call.name).join('')).not.toBe('');
        for (const call of turn.calls) JSON.parse(call.arguments);
      }),
    );
  });
});

test('every task of the shipped casts comes to an end, whatever the tools say', () => {
  fc.assert(
    fc.property(moment, fc.array(texts, { minLength: 8, maxLength: 8 }), (transcript, results) => {
      const entries: Entry[] = [...transcript.entries];
      for (const text of results) {
        if (answerOf({ ...transcript, entries }).calls.length === 0) return;
        entries.push({ kind: 'assistant', text: '' }, { kind: 'tool', text });
      }
      throw new Error('still calling tools after eight turns');
    }),
  );
});

test('every word a shipped cast speaks says that it is a rehearsal', () => {
  const lines = casts.flatMap((cast) => Object.values(cast.roles).flat());
  expect(lines.length).toBeGreaterThan(25);
  for (const line of lines) {
    expect(line.say ?? line.result?.['summary']).toMatch(/^Rehearsal: /);
  }
});

test('no edit of a shipped cast holds what it replaces, so doing it twice changes nothing more', () => {
  const calls = casts.flatMap((cast) => Object.values(cast.roles).flat()).flatMap((line) => line.calls ?? []);
  const edits = calls.filter((call) => call.tool === 'edit');
  expect(edits.length).toBeGreaterThan(3);
  for (const { arguments: edit } of edits) expect(edit['after']).not.toContain(edit['before']);
});

describe('choosing a line', () => {
  const cast = parseCast(
    `
name: Test
roles:
  backend:
    - { when: { feedback: true, feedback_contains: URGENT }, say: "urgent: {{feedback}}" }
    - { when: { feedback: true }, say: feedback }
    - { when: { request_contains: blue, turn: 0 }, say: "{{role}} at {{node}}: {{request}} {{constructor}}" }
    - { when: { last_tool_contains: exit 1 }, say: failed }
    - { when: { task_contains: do your part, turn: 1 }, say: second }
    - { say: otherwise }
`,
    'test.yaml',
  );
  const say = (brief: { request?: string; feedback?: string[] }, entries: Entry[] = []) => {
    const { system, user } = opening({ role: 'backend', node: 'n', request: 'plain', ...brief });
    return play(
      { system, entries: [{ kind: 'user', text: user }, ...entries], resultName: null, mayCall: true },
      cast,
    ).text;
  };
  const called: Entry = { kind: 'assistant', text: '' };

  test.each([
    ['feedback with its words', say({ feedback: ['urgent!'] }), 'urgent: urgent!'],
    ['two points of feedback', say({ feedback: ['urgent!', 'b'] }), 'urgent: 1. urgent!\n2. b'],
    ['feedback without them', say({ feedback: ['later'] }), 'feedback'],
    [
      'the words of the request',
      say({ request: 'Blue {{node}}' }),
      'backend at n: Blue {{node}} {{constructor}}',
    ],
    [
      'any of the last results',
      say({}, [called, { kind: 'tool', text: 'EXIT 1' }, { kind: 'tool', text: 'ok' }]),
      'failed',
    ],
    [
      'not an earlier result',
      say({}, [called, { kind: 'tool', text: 'exit 1' }, called, { kind: 'tool', text: 'ok' }]),
      'otherwise',
    ],
    ['two items of one turn are one turn', say({}, [called, called, { kind: 'tool', text: 'ok' }]), 'second'],
  ])('%s', (_, said, expected) => {
    expect(said).toBe(expected);
  });
});

test('a cast is chosen by whole words of the request, the first that fits', () => {
  const name = (request: string) => {
    const { system, user } = opening({ role: 'qa', node: 'tests', request });
    return chooseCast(
      { system, entries: [{ kind: 'user', text: user }], resultName: null, mayCall: true },
      casts,
    )?.name;
  };
  expect(name('Add a Csv download')).toBe('CSV export');
  expect(name('Support csvx files')).toBe('Any request');
});

test('both APIs read the same conversation alike', () => {
  const chat = readChat({
    model: 'm',
    messages: [
      { role: 'system', content: 'Role: qa' },
      { role: 'user', content: [{ type: 'text', text: 'Node: tests' }] },
      { role: 'assistant', content: null, tool_calls: [{}, {}] },
      { role: 'tool', tool_call_id: 'a', content: 'one' },
      { role: 'tool', tool_call_id: 'b', content: 'two' },
    ],
  });
  const responses = readResponses({
    model: 'm',
    instructions: 'Role: qa',
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'Node: tests' }] },
      { type: 'reasoning', id: 'r', summary: [] },
      { type: 'function_call', call_id: 'a', name: 'read', arguments: '{}' },
      { type: 'function_call', call_id: 'b', name: 'read', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: 'one' },
      { type: 'function_call_output', call_id: 'b', output: 'two' },
    ],
  });
  expect(play(responses.transcript, casts[0] ?? null)).toEqual(play(chat.transcript, casts[0] ?? null));
  expect(play(chat.transcript, null).text).toContain('no cast is for this request');
});
