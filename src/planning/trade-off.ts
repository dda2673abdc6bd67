import type { Estimate } from '../domain/workflow.ts';

/** Differences below this part of the plan's own are the same to people. */
const SAME = 0.1;

/** What choosing `other` instead of `mine` would mean, expected values only: "about 3 min sooner, $0.40 less". Pure. */
export function tradeOff(mine: Estimate, other: Estimate): string {
  const parts: string[] = [];
  const ms = other.ms.mid - mine.ms.mid;
  if (Math.abs(ms) > SAME * mine.ms.mid) parts.push(`about ${minutes(ms)} ${ms < 0 ? 'sooner' : 'longer'}`);
  const usd = mine.usd === null || other.usd === null ? 0 : other.usd.mid - mine.usd.mid;
  if (mine.usd !== null && Math.abs(usd) > SAME * mine.usd.mid)
    parts.push(`$${Math.max(0.01, Math.abs(usd)).toFixed(2)} ${usd < 0 ? 'less' : 'more'}`);
  const asks = other.asks - mine.asks;
  if (other.asks === 0 && asks < 0) parts.push('asks nobody');
  else if (asks !== 0)
    parts.push(`asks ${Math.abs(asks)} time${Math.abs(asks) === 1 ? '' : 's'} ${asks < 0 ? 'less' : 'more'}`);
  return parts.length === 0 ? 'about the same time and cost' : parts.join(', ');
}

function minutes(ms: number): string {
  const size = Math.abs(ms);
  return size < 90_000 ? `${Math.max(1, Math.round(size / 1_000))} s` : `${Math.round(size / 60_000)} min`;
}
