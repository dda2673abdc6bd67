import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Steering, steeringSchema } from '../../src/domain/steering.ts';
import { type Heard, readSteering } from '../../src/planning/steering-words.ts';

const heard: Heard = {
  addressed: true,
  nodes: ['design', 'implement', 'tests', 'judge'],
  agents: ['architect', 'backend', 'frontend', 'qa', 'reviewer'],
  planOpen: false,
  taken: [],
};

describe('what is said to Baton', () => {
  test.each<[string, Partial<Steering>]>([
    ['stop', { kind: 'stop' }],
    ['Please stop the run.', { kind: 'stop' }],
    ['cancel it, please', { kind: 'stop' }],
    ['pause', { kind: 'pause' }],
    ['hold on a minute', { kind: 'pause' }],
    ['wait!', { kind: 'pause' }],
    ['resume', { kind: 'resume' }],
    ['ok, carry on', { kind: 'resume' }],
    ['keep going', { kind: 'resume' }],
    ['retry', { kind: 'retry', target: null }],
    ['retry the implement', { kind: 'retry', target: 'implement' }],
    ['try tests again', { kind: 'retry', target: 'tests' }],
    [
      'skip tests because there are none yet',
      { kind: 'skip', target: 'tests', reason: 'there are none yet' },
    ],
    ['skip this step: not needed', { kind: 'skip', target: null, reason: 'not needed' }],
    ["I'll take over implement", { kind: 'take_over', target: 'implement' }],
    ['let me do tests', { kind: 'take_over', target: 'tests' }],
    ['frontend instead of backend', { kind: 'reassign', target: 'backend', agent: 'frontend' }],
    ['let frontend do implement', { kind: 'reassign', target: 'implement', agent: 'frontend' }],
    ['give tests to backend', { kind: 'reassign', target: 'tests', agent: 'backend' }],
    ['roll back to design', { kind: 'rollback', reason: 'design' }],
    ['rollback', { kind: 'rollback', reason: null }],
    ['how far are you?', { kind: 'question' }],
    ['status', { kind: 'question' }],
    ['what does this cost', { kind: 'question' }],
    // Words that look like a command and are none.
    ['stop using tabs', { kind: 'direction', direction: 'stop using tabs' }],
    ["don't stop", { kind: 'direction' }],
    ['wait until Ben has looked at it', { kind: 'feedback' }],
    ['skip lunch', { kind: 'feedback' }],
    ['do we have tests?', { kind: 'question' }],
    ['done', { kind: 'feedback' }],
    ['go', { kind: 'feedback' }],
    [
      'use streams instead of buffers',
      { kind: 'direction', direction: 'use streams instead of buffers', target: null },
    ],
    ['backend: use streams', { kind: 'direction', direction: 'use streams', target: 'backend' }],
    [
      'tell qa to include the empty file',
      { kind: 'direction', target: 'qa', direction: 'include the empty file' },
    ],
    ['the export should be quoted, urgent', { kind: 'direction', priority: 'critical' }],
    ['this looks great, thanks', { kind: 'feedback', sentiment: 'positive' }],
    ['that is not good, the dates are wrong', { kind: 'feedback', sentiment: 'negative' }],
    ['minor: the label is ugly', { kind: 'feedback', sentiment: 'negative', priority: 'low' }],
    ['it is important that old files open', { kind: 'feedback', priority: 'high' }],
    ['', { kind: 'chatter' }],
  ])('%s', (text, expected) => expect(readSteering(text, heard)).toMatchObject(expected));

  test('with a plan open, going ahead starts it; with something taken over, done ends it', () => {
    for (const text of ['start', 'looks good, go ahead', 'do it']) {
      expect(readSteering(text, { ...heard, planOpen: true }).kind).toBe('start');
      expect(readSteering(text, heard).kind).not.toBe('start');
    }
    const taken = { ...heard, taken: ['tests', 'implement'] };
    expect(readSteering('done: all green', taken)).toMatchObject({
      kind: 'done',
      target: 'tests',
      reason: 'all green',
    });
    expect(readSteering("I'm done with implement", taken)).toMatchObject({
      kind: 'done',
      target: 'implement',
    });
  });
});

describe('what is said in the thread and not to Baton', () => {
  test.each([
    ['lunch?', 'chatter'],
    ['I wonder whether this is what the customer meant', 'chatter'],
    ['nice', 'chatter'],
    ['who is on call today?', 'chatter'],
    ['thanks everybody', 'chatter'],
    // Plain instructions, where whoever asked for the work may give them without a mention.
    ['stop', 'stop'],
    ['use the old format', 'direction'],
    ['skip tests', 'skip'],
  ])('%s', (text, kind) => expect(readSteering(text, { ...heard, addressed: false }).kind).toBe(kind));
});

test('whatever is said has the shape that is kept, and reads the same twice', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), fc.boolean(), (text, addressed) => {
      const read = readSteering(text, { ...heard, addressed });
      expect(steeringSchema.parse(read)).toEqual(read);
      expect(readSteering(text, { ...heard, addressed })).toEqual(read);
    }),
  );
});

test('a long message costs no more than reading it', () => {
  const began = performance.now();
  for (const text of [
    'please '.repeat(2_000),
    'ok, '.repeat(3_000),
    `stop ${'it '.repeat(3_000)}`,
    `done: ${'a '.repeat(5_000)}`,
  ])
    readSteering(text, { ...heard, taken: ['tests'] });
  expect(performance.now() - began).toBeLessThan(5_000);
});
