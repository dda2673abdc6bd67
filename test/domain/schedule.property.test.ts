import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Job, type Limit, pathsOf, Schedule, simulate } from '../../src/domain/schedule.ts';

type Limits = Readonly<Record<string, Limit>>;
type Times = ReadonlyMap<string, { readonly from: number; readonly to: number }>;
type Simulate = (jobs: readonly Job[], limits: Limits, most: number) => Times | null;

const job = (id: string, ms: number, more: Partial<Job> = {}): Job => ({
  id,
  ms,
  needs: [],
  uses: {},
  priority: 1,
  ...more,
});
const hard = (size: number): Limit => ({ hard: size, soft: null, cost: 0 });

/** A few jobs that need only those before them, over two resources. */
function jobsArbitrary(most: number, withNeeds: boolean): fc.Arbitrary<Job[]> {
  const one = fc.record({
    ms: fc.integer({ min: 1, max: 6 }),
    a: fc.integer({ min: 0, max: 2 }),
    b: fc.integer({ min: 0, max: 2 }),
    priority: fc.integer({ min: 0, max: 2 }),
    needs: fc.array(fc.nat(most), { maxLength: withNeeds ? 2 : 0 }),
  });
  return fc.array(one, { minLength: 1, maxLength: most }).map((all) =>
    all.map(({ ms, a, b, priority, needs }, at) => ({
      id: `j${at}`,
      ms,
      priority,
      uses: { ...(a > 0 ? { a } : {}), ...(b > 0 ? { b } : {}) },
      needs: [...new Set(needs.filter((need) => need < at))].map((need) => `j${need}`),
    })),
  );
}
const limitsArbitrary: fc.Arbitrary<Limits> = fc
  .tuple(fc.integer({ min: 2, max: 3 }), fc.integer({ min: 2, max: 3 }))
  .map(([a, b]) => ({ a: hard(a), b: hard(b) }));

/** Throws when a schedule breaks a promise. Returns at how many moments something was free and nobody was ready for it. */
function check(jobs: readonly Job[], limits: Limits, most: number, times: Times | null): void {
  if (times === null || times.size !== jobs.length) throw new Error('not all ran');
  const at = (id: string) => times.get(id) ?? { from: -1, to: -1 };
  const moments = [...new Set([...times.values()].flatMap(({ from, to }) => [from, to]))];
  for (const now of moments) {
    const running = jobs.filter(({ id }) => at(id).from <= now && now < at(id).to);
    if (running.length > most) throw new Error('too many at once');
    const used = (name: string): number => running.reduce((sum, { uses }) => sum + (uses[name] ?? 0), 0);
    for (const [name, { hard: size }] of Object.entries(limits))
      if (used(name) > size) throw new Error(`more ${name} than there is`);
    for (const { id, needs, uses } of jobs) {
      const ready = at(id).from > now && needs.every((need) => at(need).to <= now);
      const fits = Object.entries(uses).every(
        ([name, size]) => used(name) + size <= (limits[name]?.hard ?? Infinity),
      );
      if (ready && fits && running.length < most)
        throw new Error(`${id} was ready, and what it needs was free`);
    }
  }
  for (const { id, needs } of jobs)
    for (const need of needs)
      if (at(need).to > at(id).from) throw new Error(`${id} did not wait for ${need}`);
}

function spanOf(times: Times | null): number {
  return Math.max(0, ...[...(times?.values() ?? [])].map(({ to }) => to));
}

/** The shortest schedule there is: every order of starting, each job as early as it can (semi-active schedules). */
function optimum(jobs: readonly Job[], limits: Limits, most: number): number {
  let best = Number.POSITIVE_INFINITY;
  const place = (placed: Map<string, { from: number; to: number }>): void => {
    const span = spanOf(placed);
    if (span >= best) return;
    if (placed.size === jobs.length) {
      best = span;
      return;
    }
    for (const each of jobs) {
      if (placed.has(each.id) || !each.needs.every((need) => placed.has(need))) continue;
      const earliest = Math.max(0, ...each.needs.map((need) => placed.get(need)?.to ?? 0));
      const starts = [earliest, ...[...placed.values()].map(({ to }) => to)].filter((t) => t >= earliest);
      for (const from of starts.sort((x, y) => x - y)) {
        const next = new Map(placed).set(each.id, { from, to: from + each.ms });
        if (!bearable(jobs, limits, most, next)) continue;
        place(next);
        break;
      }
    }
  };
  place(new Map());
  return best;
}

function bearable(jobs: readonly Job[], limits: Limits, most: number, times: Times): boolean {
  return [...times.values()].every(({ from: now }) => {
    const running = jobs.filter(({ id }) => {
      const time = times.get(id);
      return time !== undefined && time.from <= now && now < time.to;
    });
    const used = (name: string): number => running.reduce((sum, { uses }) => sum + (uses[name] ?? 0), 0);
    return (
      running.length <= most && Object.entries(limits).every(([name, { hard: size }]) => used(name) <= size)
    );
  });
}

describe('list scheduling', () => {
  test('a hard limit is never broken, and nothing free idles while a job that fits is ready', () => {
    let crowded = 0;
    fc.assert(
      fc.property(
        jobsArbitrary(12, true),
        limitsArbitrary,
        fc.integer({ min: 1, max: 4 }),
        (jobs, limits, most) => {
          const times = simulate(jobs, limits, most);
          check(jobs, limits, most, times);
          if (spanOf(times) > Math.max(...pathsOf(jobs).values())) crowded += 1;
        },
      ),
      { numRuns: 400 },
    );
    expect(crowded, 'cases in which somebody had to wait for a resource').toBeGreaterThan(100);
  });

  test('without needs it takes at most (resources + 1) times the optimum (Garey and Graham 1975)', () => {
    let worse = 0;
    fc.assert(
      fc.property(jobsArbitrary(5, false), limitsArbitrary, (jobs, limits) => {
        const span = spanOf(simulate(jobs, limits, 100));
        const best = optimum(jobs, limits, 100);
        if (span > best) worse += 1;
        expect(span).toBeGreaterThanOrEqual(best);
        expect(span).toBeLessThanOrEqual(3 * best);
      }),
      { numRuns: 150 },
    );
    expect(worse, 'cases in which the optimum was better').toBeGreaterThan(0);
  });

  test('with needs and m alike it takes at most 2 - 1/m times the optimum (Graham 1966)', () => {
    fc.assert(
      fc.property(jobsArbitrary(5, true), fc.integer({ min: 1, max: 3 }), (given, m) => {
        const jobs = given.map((each) => ({ ...each, uses: {} }));
        const best = optimum(jobs, {}, m);
        expect(spanOf(simulate(jobs, {}, m))).toBeLessThanOrEqual((2 - 1 / m) * best + 1e-9);
      }),
      { numRuns: 150 },
    );
  });

  /** Starts one job at a time, as if nothing could run beside another. */
  const timid: Simulate = (jobs, limits) => simulate(jobs, limits, 1);
  /** Believes that there is one more of everything. */
  const greedy: Simulate = (jobs, limits, most) =>
    simulate(
      jobs,
      Object.fromEntries(Object.entries(limits).map(([name, { hard: size }]) => [name, hard(size + 1)])),
      most,
    );
  /** Waits for nobody. */
  const rash: Simulate = (jobs, limits, most) =>
    simulate(
      jobs.map((each) => ({ ...each, needs: [] })),
      limits,
      most,
    );
  test.each([
    ['one that idles', timid, /was ready/],
    ['one that breaks a hard limit', greedy, /than there is/],
    ['one that forgets needs', rash, /did not wait|was ready/],
  ])('%s is caught', (_name, planted, words) => {
    const found = fc.check(
      fc.property(jobsArbitrary(12, true), limitsArbitrary, (jobs, limits) => {
        check(jobs, limits, 4, planted(jobs, limits, 4));
      }),
      { numRuns: 400 },
    );
    expect(found.failed).toBe(true);
    expect(String(found.errorInstance)).toMatch(words);
  });
});

describe('the order', () => {
  const order = (jobs: readonly Job[], limits: Limits = { desk: hard(1) }): string[] =>
    [...(simulate(jobs, limits, 10)?.entries() ?? [])]
      .sort(([, a], [, b]) => a.from - b.from)
      .map(([id]) => id);
  const desk = { uses: { desk: 1 } };

  test('the user’s priority first, then the longest path, then what takes least, then as written', () => {
    expect(order([job('a', 9, desk), job('b', 1, { ...desk, priority: 2 })])).toEqual(['b', 'a']);
    expect(order([job('a', 3, desk), job('b', 2, desk), job('c', 5, { needs: ['b'] })])[0]).toBe('b');
    const wide = { desk: hard(1), gpu: hard(4) };
    expect(order([job('a', 2, { uses: { desk: 1, gpu: 4 } }), job('b', 2, desk)], wide)).toEqual(['b', 'a']);
    expect(order([job('a', 2, desk), job('b', 2, desk)])).toEqual(['a', 'b']);
  });

  test('a circle has no order, and a job that never fits never begins', () => {
    expect(pathsOf([job('a', 1, { needs: ['b'] }), job('b', 1, { needs: ['a'] })]).size).toBe(0);
    expect(simulate([job('a', 1, { uses: { desk: 2 } })], { desk: hard(1) }, 1)).toBeNull();
  });
});

describe('a soft limit', () => {
  const limits = { desk: { hard: 2, soft: 1, cost: 5 } };
  const desk = { uses: { desk: 1 } };
  /** Two who want the one desk that is wished for: the first has it, and this is what becomes of the second. */
  const second = (more: Partial<Job>, leftMs: number | null) => {
    const schedule = new Schedule(
      [job('a', 10, { ...desk, ...more }), job('b', 5, { ...desk, ...more })],
      limits,
      10,
    );
    const first = schedule.next(null);
    if (first !== null) schedule.start(first.job);
    return schedule.next(leftMs);
  };

  test('is kept while something else is under way', () => {
    expect(second({}, null)).toBeNull();
    expect(second({}, 5)).toBeNull();
  });
  test.each([
    ['its priority is high', { priority: 2 }, null],
    ['the deadline is near', {}, 4],
  ])('is broken where %s, with its cost', (reason, more, left) => {
    expect(second(more, left)).toMatchObject({ reason, breaches: [{ used: 2, soft: 1, cost: 5 }] });
  });
  test('is broken where nothing else could go on', () => {
    const schedule = new Schedule([job('a', 1, { uses: { desk: 2 } })], limits, 10);
    expect(schedule.next(null)?.breaches).toEqual([{ resource: 'desk', used: 2, soft: 1, cost: 5 }]);
  });
});
