import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compact } from '../../src/agents/compaction.ts';
import { markAsData } from '../../src/agents/data-marks.ts';
import { type Message, transcriptTokens } from '../../src/agents/transcript.ts';
import { newTrace } from './drive.ts';
import { apis } from './model-server.ts';
import { workDone } from './support.ts';
import { startWorld, turnsIn } from './world.ts';

/** Room that the last turn takes at its shortest, beside what is never touched. */
const LEAST = 6_000;

const text = (chars: number, wide: boolean): string => (wide ? 'ж' : 'x').repeat(chars);
const size = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 2, arbitrary: fc.integer({ min: 400, max: 8_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 8_000, max: 60_000 }) },
);
const call = fc.record({
  name: fc.constantFrom('read', 'write', 'run', 'ask', 'tracker__find'),
  args: fc.oneof(
    fc.record({ path: fc.constantFrom('a.js', 'b.js'), content: size.map((chars) => text(chars, false)) }),
    fc.record({ rows: fc.array(fc.integer(), { maxLength: 2_000 }) }),
  ),
  result: fc.tuple(size, fc.boolean()).map(([chars, wide]) => text(chars, wide)),
});
const turn = fc.oneof(
  { weight: 5, arbitrary: fc.record({ says: size, calls: fc.array(call, { minLength: 0, maxLength: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ hears: fc.integer({ min: 1, max: 600 }) }) },
);

/** Every message begins with a number of its own, which no shortening takes away. */
const transcript = fc.array(turn, { minLength: 1, maxLength: 60 }).map((turns): Message[] => {
  let next = 0;
  const tag = (): string => {
    next += 1;
    return `#${next}# `;
  };
  const messages: Message[] = [
    { role: 'system', text: `${tag()}${'s'.repeat(3_000)}` },
    { role: 'user', text: `${tag()}${'t'.repeat(2_000)}` },
  ];
  for (const [index, one] of turns.entries()) {
    if ('hears' in one) {
      messages.push({ role: 'user', text: `${tag()}${'p'.repeat(one.hears)}` });
      continue;
    }
    const calls = one.calls.map(({ name, args }, at) => ({
      id: `c${index}-${at}`,
      name,
      // What people are asked is short.
      arguments: JSON.stringify(name === 'ask' ? { question: `q${index}` } : args),
    }));
    messages.push({ role: 'assistant', text: `${tag()}${'a'.repeat(one.says)}`, toolCalls: calls });
    for (const [at, { name, result }] of one.calls.entries())
      messages.push({
        role: 'tool',
        callId: `c${index}-${at}`,
        name,
        text: `${tag()}${name === 'ask' ? 'They said yes.' : markAsData('x', result)}`,
      });
  }
  return messages;
});

const tagOf = (message: Message): string => /^#(\d+)#/.exec(message.text)?.[1] ?? '';

/** What must be there to the letter, whatever happens. */
function untouchable(messages: readonly Message[]): Message[] {
  return messages.filter(
    ({ role, ...rest }) => role === 'system' || role === 'user' || ('name' in rest && rest.name === 'ask'),
  );
}

/** Calls and results in the order in which they stand; each call's results have to follow it, all of them. */
function pairs(messages: readonly Message[]): { readonly calls: string[]; readonly results: string[] } {
  const calls: string[] = [];
  const results: string[] = [];
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      expect(open.shift()).toBe(message.callId);
      results.push(message.callId);
      continue;
    }
    expect(open).toEqual([]);
    if (message.role !== 'assistant') continue;
    open = message.toolCalls.map(({ id }) => id);
    calls.push(...open);
    for (const each of message.toolCalls) expect(() => JSON.parse(each.arguments)).not.toThrow();
  }
  expect(open).toEqual([]);
  return { calls, results };
}

describe('what an agent carries from step to step', () => {
  it('is bounded, in order and whole: no pair torn, nothing lost of the rules, the task and people’s words', () => {
    let compacted = 0;
    let droppedTurns = 0;
    fc.assert(
      fc.property(transcript, fc.integer({ min: 0, max: 20_000 }), (messages, room) => {
        const kept = untouchable(messages);
        const askTurns = messages.filter(
          (message) => message.role === 'assistant' && message.toolCalls.some(({ name }) => name === 'ask'),
        );
        // A turn in which people were asked stays, with the short forms of what else it did.
        const budget = transcriptTokens(kept) + LEAST + askTurns.length * 1_200 + room;
        const { messages: left, done } = compact(messages, budget);
        expect(transcriptTokens(left)).toBeLessThanOrEqual(budget);
        const { calls, results } = pairs(left);
        expect(results).toEqual(calls);
        const order = left
          .map(tagOf)
          .filter((tag) => tag !== '')
          .map(Number);
        expect(order).toEqual([...order].sort((a, b) => a - b));
        for (const message of kept) expect(left).toContainEqual(message);
        for (const { id } of askTurns.flatMap((message) => ('toolCalls' in message ? message.toolCalls : [])))
          expect(calls).toContain(id);
        // The same again: it depends on nothing else, and there is nothing left to do.
        expect(compact(messages, budget).messages).toEqual(left);
        expect(compact(left, budget)).toEqual({ messages: left, done: null });
        const missing = messages.length - left.filter((message) => tagOf(message) !== '').length;
        expect(done === null).toBe(transcriptTokens(messages) <= budget);
        expect(missing > 0).toBe((done?.dropped ?? 0) > 0);
        if (missing > 0)
          expect(left.filter(({ text: words }) => words.startsWith('[left out: '))).toHaveLength(1);
        compacted += done === null ? 0 : 1;
        droppedTurns += done?.dropped ?? 0;
      }),
      { numRuns: 300, seed: 7 },
    );
    // It would say nothing if there had always been room.
    expect(compacted).toBeGreaterThan(100);
    expect(droppedTurns).toBeGreaterThan(20);
  });

  it('stays bounded however long the work goes on, and counts what is missing', () => {
    const budget = 12_000;
    let messages: Message[] = [
      { role: 'system', text: 'rules' },
      { role: 'user', text: 'task' },
    ];
    let dropped = 0;
    for (let at = 0; at < 400; at += 1) {
      messages.push(
        {
          role: 'assistant',
          text: `turn ${at}`,
          toolCalls: [{ id: `c${at}`, name: 'read', arguments: '{"path":"a"}' }],
        },
        { role: 'tool', callId: `c${at}`, name: 'read', text: markAsData(`file ${at}`, 'y'.repeat(4_000)) },
      );
      const made = compact(messages, budget);
      messages = made.messages;
      dropped += made.done?.dropped ?? 0;
      expect(transcriptTokens(messages)).toBeLessThanOrEqual(budget);
    }
    expect(dropped).toBeGreaterThan(200);
    expect(messages[2]?.text).toContain(`[left out: ${dropped} earlier turns`);
    expect(messages.filter(({ text: words }) => words.startsWith('[left out'))).toHaveLength(1);
    expect(messages.at(-1)?.text).toContain('y'.repeat(4_000));
  });

  it('shortens results of tools first, and closes data whose end is cut off', () => {
    const messages: Message[] = [
      { role: 'system', text: 'rules' },
      { role: 'user', text: 'task' },
      ...Array.from({ length: 8 }, (_, at): Message[] => [
        {
          role: 'assistant',
          text: 'words '.repeat(100),
          toolCalls: [{ id: `c${at}`, name: 'read', arguments: '{}' }],
        },
        { role: 'tool', callId: `c${at}`, name: 'read', text: markAsData('file', `${at}`.repeat(9_000)) },
      ]).flat(),
    ];
    const { messages: left, done } = compact(messages, 16_000);
    expect(done).toMatchObject({ dropped: 0 });
    expect(left[2]).toEqual(messages[2]);
    const first = left[3]?.text ?? '';
    expect(first).toContain('call the tool again if you need it');
    expect(first.match(/<data (\w+)/)?.[1]).toBe(first.match(/<\/data (\w+)/)?.[1]);
    expect(left.at(-1)).toEqual(messages.at(-1));
  });
});

describe.each(apis)('a long task over %s', (api) => {
  it('never sends more than fits, tells in an event what was left out, and replays to the same', async () => {
    const turns = 12;
    const world = await startWorld((asked) => {
      const turn = turnsIn(asked);
      if (turn >= turns) return { text: workDone };
      const calls = [0, 1, 2].map((at) => ({
        id: `c${turn}-${at}`,
        name: 'read',
        args: { path: 'big.txt', from: turn * 3 + at + 1, to: null },
      }));
      return { calls };
    }, api);
    try {
      const lines = Array.from({ length: 900 }, (_, at) => `${at} ${'line '.repeat(20)}`);
      await writeFile(join(world.workspace.folder, 'big.txt'), lines.join('\n'));
      const trace = newTrace();
      const limits = { turns: 40, tokens: 1e9, timeoutMs: 1e9 };
      const result = await world.run({ limits }, trace);
      const told = trace.events.filter((event) => event.type === 'context.compacted');
      expect(told.length).toBeGreaterThan(0);
      for (const { before, after, shortened } of told) {
        expect(before).toBeGreaterThan(60_000);
        expect(after).toBeLessThanOrEqual(60_000);
        expect(shortened).toBeGreaterThan(0);
      }
      // Four characters to a token, with what JSON and the tools' schemas add to it.
      for (const { body } of world.server.asked)
        expect(JSON.stringify(body).length).toBeLessThan(60_000 * 4 * 1.3);
      const last = JSON.stringify(world.server.asked.at(-1)?.body);
      expect(last).toContain('call the tool again if you need it');
      expect(last).toContain('Write src/csv.js');
      const replayed = newTrace(trace.journal);
      expect(await world.run({ limits }, replayed)).toEqual(result);
      expect(replayed.performed).toEqual([]);
      expect(replayed.events).toEqual(told);
    } finally {
      await world.close();
    }
  });
});
