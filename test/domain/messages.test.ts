import { describe, expect, test } from 'vitest';
import { isCarried, unheard } from '../../src/domain/messages.ts';

/** What waits for a run at the moment it is taken back to: two nodes had begun by then. */
const from = { at: 100, keys: new Set(['work/first/at', 'work/first/listen', 'work/second/at']) };

describe('a message to a run that is taken back', () => {
  test.each([
    ['by hand, before, and nobody took it', { name: 'wait:go', at: 90, takenBy: null }, true],
    ['by hand, before, taken since', { name: 'wait:go', at: 90, takenBy: 'work/third/signal' }, true],
    ['by hand, before, taken by then', { name: 'wait:go', at: 90, takenBy: 'work/second/at' }, false],
    ['by hand, since', { name: 'wait:go', at: 101, takenBy: null }, false],
    ['heard by who listened then', { name: 'event:work/first', at: 150, takenBy: null }, true],
    ['heard by who listened anew', { name: 'event:work/first~2', at: 150, takenBy: 'work/first/x' }, true],
    ['heard by who had not begun', { name: 'event:work/later', at: 150, takenBy: null }, false],
    ['heard by one whose name begins alike', { name: 'event:work/fir', at: 150, takenBy: null }, false],
    ['an answer of people', { name: 'approval:apr_1', at: 90, takenBy: null }, false],
    ['the plan', { name: 'plan', at: 90, takenBy: null }, false],
  ] as const)('%s', (_name, signal, carried) => {
    expect(isCarried(signal, from)).toBe(carried);
  });

  test('is told as lost where it was heard by nodes that had not begun', () => {
    const since = ['event:work/first', 'event:work/later', 'wait:go', 'approval:apr_1'];
    expect(unheard(since, from.keys)).toEqual(['event:work/later']);
  });
});
