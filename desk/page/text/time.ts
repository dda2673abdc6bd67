/** @returns the milliseconds of a Slack `ts` (seconds with six decimals). */
export function msOf(ts: string): number {
  return Number.parseFloat(ts) * 1000;
}

/** The time of day as the reader's browser writes it, hours and minutes. */
export function clockOf(ts: string): string {
  return new Date(msOf(ts)).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** `Today`, `Yesterday` or the date, in the reader's time zone. */
export function dayOf(ts: string, now: Date): string {
  const day = new Date(msOf(ts));
  if (day.toDateString() === now.toDateString()) return 'Today';
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (day.toDateString() === yesterday.toDateString()) return 'Yesterday';
  return day.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' });
}

/** Slack's date tokens (`{date_short} {time}` …) in the reader's zone; unknown tokens stay as they are. */
export function formatDate(seconds: number, format: string): string {
  const at = new Date(seconds * 1000);
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const short = at.toLocaleDateString([], { day: 'numeric', month: 'short', year: 'numeric' });
  const long = at.toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  return format
    .replaceAll(/\{date_num\}/g, at.toISOString().slice(0, 10))
    .replaceAll(/\{date_long(?:_pretty)?\}/g, long)
    .replaceAll(/\{date(?:_short)?(?:_pretty)?\}/g, short)
    .replaceAll(/\{time_secs\}/g, at.toLocaleTimeString())
    .replaceAll(/\{time\}/g, time)
    .replaceAll(/\{ago\}/g, short);
}
