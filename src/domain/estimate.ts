import type { Estimate } from './workflow.ts';

const ZERO: Estimate['ms'] = { low: 0, mid: 0, high: 0 };
export const noEstimate: Estimate = { ms: ZERO, usd: ZERO, asks: 0 };

type Three = Estimate['ms'];
function each(a: Three, b: Three, join: (x: number, y: number) => number): Three {
  return { low: join(a.low, b.low), mid: join(a.mid, b.mid), high: join(a.high, b.high) };
}
const add = (x: number, y: number): number => x + y;

/** One after the other: time, money and questions add up. Unknown money stays unknown. */
export function inSequence(estimates: readonly Estimate[]): Estimate {
  return estimates.reduce(
    (a, b) => ({
      ms: each(a.ms, b.ms, add),
      usd: a.usd && b.usd ? each(a.usd, b.usd, add) : null,
      asks: a.asks + b.asks,
    }),
    noEstimate,
  );
}

/**
 * Side by side with at most `limit` at once: money adds up; time is at least the longest branch and at least the
 * total shared by `limit` (the bound of list scheduling, Graham 1966, from below; its sum from above). Where there is a
 * place for everyone, the longest branch is also the most.
 */
export function inParallel(estimates: readonly Estimate[], limit: number): Estimate {
  const total = inSequence(estimates);
  const longest = estimates.reduce((a, b) => each(a, b.ms, Math.max), ZERO);
  const shared = { low: total.ms.low / limit, mid: total.ms.mid / limit, high: total.ms.high / limit };
  const least = each(longest, shared, Math.max);
  const rest = limit >= estimates.length ? 0 : (total.ms.high - longest.high) / limit;
  const most = longest.high + rest;
  return { ...total, ms: { low: least.low, mid: least.mid, high: most } };
}

/** Exactly one of several: the cheapest bounds from below, the dearest from above, and each is expected alike. */
export function oneOf(estimates: readonly Estimate[]): Estimate {
  const pick = (threes: readonly Three[]): Three =>
    threes.length === 0
      ? ZERO
      : {
          low: Math.min(...threes.map(({ low }) => low)),
          mid: threes.reduce((sum, { mid }) => sum + mid, 0) / threes.length,
          high: Math.max(...threes.map(({ high }) => high)),
        };
  const money = estimates.flatMap(({ usd }) => usd ?? []);
  return {
    ms: pick(estimates.map(({ ms }) => ms)),
    usd: money.length < estimates.length ? null : pick(money),
    asks: Math.max(0, ...estimates.map(({ asks }) => asks)),
  };
}

/** Between `low` and `high` times, `mid` expected. */
export function times(estimate: Estimate, low: number, mid: number, high: number): Estimate {
  const scale = (three: Three): Three => ({
    low: three.low * low,
    mid: three.mid * mid,
    high: three.high * high,
  });
  return { ms: scale(estimate.ms), usd: estimate.usd && scale(estimate.usd), asks: estimate.asks * high };
}

/** How far one command's time may be from the usual, either way: until a team's own history says better. */
const SPREAD = 4;

/** One command that runs, of which `ms` is the usual time. */
export function commandEstimate(ms: number): Estimate {
  return { ...noEstimate, ms: { low: ms / SPREAD, mid: ms, high: ms * SPREAD } };
}

/** The same estimate without its lower bound: it may not be needed, or be cut short. */
export function fromNothing(estimate: Estimate): Estimate {
  return { ...estimate, ms: { ...estimate.ms, low: 0 }, usd: estimate.usd && { ...estimate.usd, low: 0 } };
}
