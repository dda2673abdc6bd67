import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue, type Waiting } from '../../src/domain/fair-queue.ts';

const fill = (queue: FairQueue<Waiting>, flow: string, weight: number, count: number): void => {
  for (let n = 0; n < count; n += 1) queue.push({ id: `${flow}${n}`, flow, weight });
};
const turns = (queue: FairQueue<Waiting>, count: number): string[] =>
  Array.from({ length: count }, () => queue.take()?.flow ?? '-');

describe('a fair queue', () => {
  test('runs of one weight take turns, however much each wants', () => {
    const queue = new FairQueue<Waiting>();
    fill(queue, 'a', 1, 50);
    fill(queue, 'b', 1, 3);
    expect(turns(queue, 7)).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a']);
  });

  test('four times the weight, four times the turns', () => {
    const queue = new FairQueue<Waiting>();
    fill(queue, 'urgent', 4, 40);
    fill(queue, 'usual', 1, 40);
    expect(turns(queue, 20).filter((flow) => flow === 'urgent')).toHaveLength(16);
  });

  test('within a run the oldest goes first, and who gives up is gone', () => {
    const queue = new FairQueue<Waiting>();
    fill(queue, 'a', 1, 3);
    queue.remove('a0');
    expect([queue.take()?.id, queue.take()?.id, queue.take()]).toEqual(['a1', 'a2', null]);
    expect(queue.size).toBe(0);
  });

  test('looking ahead counts, and changes nothing', () => {
    const queue = new FairQueue<Waiting>();
    fill(queue, 'a', 1, 3);
    fill(queue, 'b', 1, 1);
    expect([queue.ahead('a2'), queue.ahead('b0'), queue.ahead('gone')]).toEqual([3, 1, null]);
    expect(queue.size).toBe(4);
  });

  test('nobody starves: whatever the weights and however many come, a waiting run is served in bounded time', () => {
    let longest = 0;
    fc.assert(
      fc.property(
        fc.array(fc.record({ weight: fc.constantFrom(1, 2, 4), late: fc.boolean() }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 50, maxLength: 200 }),
        (others, arrivals) => {
          const queue = new FairQueue<Waiting>();
          let n = 0;
          const come = (index: number): void => {
            const other = others[index % others.length];
            n += 1;
            if (other !== undefined)
              queue.push({
                id: `o${n}`,
                flow: other.late ? `new${n}` : `f${index % others.length}`,
                weight: other.weight,
              });
          };
          // Greedy others: something always waits beside it.
          for (const [index] of others.entries()) come(index);
          for (const arrival of arrivals.slice(0, 10)) {
            queue.take();
            come(arrival);
          }
          queue.push({ id: 'mine', flow: 'mine', weight: 1 });
          const flows = new Set<string>();
          let served = 0;
          for (const arrival of arrivals) {
            const turn = queue.take();
            if (turn?.id === 'mine') {
              // Between its coming and its turn each other run had at most its weight's worth of turns, and one.
              longest = Math.max(longest, served);
              expect(served).toBeLessThanOrEqual(flows.size * 5);
              return;
            }
            flows.add(turn?.flow ?? '');
            served += 1;
            come(arrival);
          }
          expect.unreachable('it was never served');
        },
      ),
      { numRuns: 500 },
    );
    // Otherwise it was always first, and nothing was shown.
    expect(longest).toBeGreaterThan(3);
  });

  test('a run that begins late does not claim what it missed, and one that idles saves nothing', () => {
    const queue = new FairQueue<Waiting>();
    fill(queue, 'old', 1, 100);
    turns(queue, 50);
    fill(queue, 'new', 1, 50);
    expect(turns(queue, 20).filter((flow) => flow === 'new')).toHaveLength(10);
  });
});
