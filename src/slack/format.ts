import type { Range } from '../domain/events.ts';

/** How far something is, by one sign each: the only emoji Baton writes. */
export const signs = {
  waiting: '▫️',
  in_progress: '⏳',
  done: '✅',
  needs_person: '🚨',
  failed: '❌',
  paused: '⏸',
  skipped: '⏭',
} as const;
export type Sign = keyof typeof signs;

/** What is written where no price is known: never $0. */
const PRICE_UNKNOWN = 'price unknown';

/** US dollars: "$0.46", "$1,204.00", "under $0.01"; null is "price unknown". */
export function money(usd: number | null): string {
  if (usd === null || !Number.isFinite(usd)) return PRICE_UNKNOWN;
  if (usd > 0 && usd < 0.01) return 'under $0.01';
  return `$${usd.toFixed(2).replace(/\B(?=(\d{3})+(?!\d))/g, ',')}`;
}

/** An estimate of money: "$1.10 ($0.70-2.00)"; a range without width is the amount alone. */
export function moneyRange(range: Range | null): string {
  if (range === null) return PRICE_UNKNOWN;
  const [low, mid, high] = [money(range.low), money(range.mid), money(range.high)];
  if (low === high) return mid;
  return `${mid} (${low}-${high.replace(/^\$/, '')})`;
}

/** A measured time: "0.4s", "50s", "2m 40s", "1h 05m", "3d 2h". @param ms milliseconds */
export function elapsed(ms: number): string {
  const total = Math.max(0, ms);
  if (total < 950) return `${(Math.ceil(total / 100) / 10).toFixed(1)}s`;
  const seconds = Math.round(total / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
  return `${Math.floor(minutes / 1_440)}d ${Math.floor((minutes % 1_440) / 60)}h`;
}

/** A time in a sentence: "40 s", "12 min", "3 h", "2 days". @param ms milliseconds */
export function roughly(ms: number): string {
  const { value, unit } = rough(ms);
  return `${value} ${unit}`;
}

/** An estimate of time: "about 12 min (8-20)", "about 40 s (20 s-2 min)". */
export function timeRange(range: Range): string {
  const [low, mid, high] = [rough(range.low), rough(range.mid), rough(range.high)];
  const middle = `about ${mid.value} ${mid.unit}`;
  if (low.unit === high.unit && low.value === high.value) return middle;
  if (low.unit === mid.unit && high.unit === mid.unit) return `${middle} (${low.value}-${high.value})`;
  return `${middle} (${low.value} ${low.unit}-${high.value} ${high.unit})`;
}

function rough(ms: number): { readonly value: string; readonly unit: string } {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 59.5) return { value: String(Math.max(1, Math.round(seconds))), unit: 's' };
  const minutes = seconds / 60;
  if (minutes < 90) return { value: String(Math.round(minutes)), unit: 'min' };
  const hours = minutes / 60;
  if (hours < 36) return { value: trimmed(hours), unit: 'h' };
  const days = hours / 24;
  return { value: trimmed(days), unit: 'days' };
}

function trimmed(value: number): string {
  return value < 10 ? String(Math.round(value * 2) / 2) : String(Math.round(value));
}

/** "1 file", "3 files"; give the plural where it is not the singular and "s". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** "once", "twice", "3 times". */
export function times(n: number): string {
  return n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`;
}

/** "a, b and c"; after `max` items "a, b and 4 more". */
export function list(items: readonly string[], max = items.length): string {
  const shown = items.slice(0, max);
  const more = items.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  const last = shown.at(-1);
  if (last === undefined) return '';
  return shown.length === 1 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
}

/** The part of something done, as "41%"; 100% only when it is whole, 0% only when nothing is. @param part 0-1 */
export function percent(part: number): string {
  if (part <= 0) return '0%';
  if (part >= 1) return '100%';
  return `${Math.min(99, Math.max(1, Math.round(part * 100)))}%`;
}

/** Ends with one full stop, whatever it ended with: messages of others come with and without. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text.trimEnd()) ? text.trimEnd() : `${text.trimEnd()}.`;
}
