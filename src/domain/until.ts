import { parseDuration } from './duration.ts';
import { type Clocks, minuteOf, weekdays } from './local-time.ts';

const DAY_MINUTES = 1_440;
const TIME = String.raw`(?:[01]\d|2[0-3]):[0-5]\d`;
const DATE = new RegExp(String.raw`^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[ t](?<time>${TIME}))?$`);
const NAMED = new RegExp(String.raw`^(?<name>[a-z]+)(?: (?:at )?(?<time>${TIME}))?$`);
const ONLY_TIME = new RegExp(String.raw`^(?<time>${TIME})$`);

/**
 * The moment that people mean by "friday", "tomorrow 12:00", "2027-01-15", "17:00" or "3d", by their own clock. A day
 * without a time means its end; a time without a day the next time the clock shows it. Null: it cannot be read.
 */
export function readUntil(said: string, now: number, zone: string, clocks: Clocks): number | null {
  const text = said.toLowerCase().replaceAll(/\s+/g, ' ').trim();
  const lasts = parseDuration(text);
  if (lasts !== null) return now + lasts;
  const today = clocks.local(now, zone);
  const on = (days: number, time: string | undefined): number =>
    clocks.moment(
      { ...dayAfter(today, days), minute: time === undefined ? DAY_MINUTES : minuteOf(time) },
      zone,
    );

  const clock = ONLY_TIME.exec(text)?.groups?.['time'];
  if (clock !== undefined) return on(minuteOf(clock) > today.minute ? 0 : 1, clock);
  const date = DATE.exec(text)?.groups;
  if (date !== undefined) {
    const shown = {
      year: Number(date['year']),
      month: Number(date['month']),
      day: Number(date['day']),
      minute: date['time'] === undefined ? DAY_MINUTES : minuteOf(date['time']),
    };
    return isDate(shown) ? clocks.moment(shown, zone) : null;
  }
  const named = NAMED.exec(text)?.groups;
  const days = named === undefined ? null : daysUntil(named['name'] ?? '', today.weekday);
  return days === null ? null : on(days, named?.['time']);
}

function daysUntil(name: string, weekday: number): number | null {
  if (name === 'today') return 0;
  if (name === 'tomorrow') return 1;
  const found = weekdays.findIndex((day) => name.length >= 3 && day.startsWith(name));
  return found === -1 ? null : (found - weekday + 7) % 7;
}

interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

function dayAfter({ year, month, day }: Day, days: number): Day {
  const at = new Date(Date.UTC(year, month - 1, day + days));
  return { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
}

function isDate({ year, month, day }: Day): boolean {
  const at = new Date(Date.UTC(year, month - 1, day));
  return at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
}
