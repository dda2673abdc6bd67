import { z } from 'zod';

/** Time as people's clocks show it. A zone is a name such as `Europe/Berlin`; an unknown one counts as UTC. */

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

export const weekdays = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const;

export interface LocalTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  /** From 0, Sunday. */
  readonly weekday: number;
  /** Since midnight by that clock. */
  readonly minute: number;
}

/** Formats are slow to make: one is kept per zone that is asked about. */
export class Clocks {
  readonly #formats = new Map<string, Intl.DateTimeFormat>();

  /** What the clock in a zone shows. */
  local(at: number, zone: string): LocalTime {
    const parts = this.#format(zone).formatToParts(at);
    const part = (name: Intl.DateTimeFormatPartTypes): number =>
      Number(parts.find(({ type }) => type === name)?.value ?? 0);
    const [year, month, day] = [part('year'), part('month'), part('day')];
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
    return { year, month, day, weekday, minute: part('hour') * 60 + part('minute') };
  }

  /**
   * When the clock in a zone shows this. Where it is set forward over it, the moment after; where it is set back and
   * shows it twice, the first.
   */
  moment({ year, month, day, minute }: Omit<LocalTime, 'weekday'>, zone: string): number {
    const wanted = Date.UTC(year, month - 1, day, 0, minute);
    const offset = (at: number): number => {
      const seen = this.local(at, zone);
      return Date.UTC(seen.year, seen.month - 1, seen.day, 0, seen.minute) - at + (at % MINUTE_MS);
    };
    // The offset before a change of clocks, and after it: one of the two is right, or neither where time is skipped.
    const tried = [wanted - offset(wanted - DAY_MINUTES * MINUTE_MS), wanted - offset(wanted)];
    const late = wanted - offset(wanted + DAY_MINUTES * MINUTE_MS);
    const right = [...tried, late].filter((at) => offset(at) === wanted - at);
    return right.length > 0 ? Math.min(...right) : Math.max(...tried, late);
  }

  #format(zone: string): Intl.DateTimeFormat {
    const known = this.#formats.get(zone);
    if (known !== undefined) return known;
    const format = formatOf(zone);
    if (this.#formats.size > 500) this.#formats.clear();
    this.#formats.set(zone, format);
    return format;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const shown = {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  } as const;
  try {
    return new Intl.DateTimeFormat('en-GB', { ...shown, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...shown, timeZone: 'UTC' });
  }
}

const CLOCK_TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;
const clockTime = z.string().regex(CLOCK_TIME, 'Write a time of day such as "20:00"');

/** When nobody is disturbed, by their own clock: from one time of day to another, and on whole days. */
export const quietHoursSchema = z.strictObject({
  from: clockTime,
  to: clockTime,
  days: z.array(z.enum(weekdays)).max(6, 'Leave at least one day of the week').default([]),
});
export type QuietHours = z.infer<typeof quietHoursSchema>;

export function minuteOf(time: string): number {
  const [, hours, minutes] = CLOCK_TIME.exec(time) ?? [];
  return Number(hours ?? 0) * 60 + Number(minutes ?? 0);
}

function isQuiet({ weekday, minute }: LocalTime, { from, to, days }: QuietHours): boolean {
  const day = weekdays[weekday];
  if (day !== undefined && days.includes(day)) return true;
  const [begin, end] = [minuteOf(from), minuteOf(to)];
  return begin <= end ? minute >= begin && minute < end : minute >= begin || minute < end;
}

/** The first moment from `at` on at which somebody in this zone may be disturbed. */
export function awakeFrom(at: number, zone: string, quiet: QuietHours | null, clocks: Clocks): number {
  if (quiet === null) return at;
  let when = at;
  // Days and times that are quiet meet at most at one edge a day, so that a week of looks is enough.
  for (let look = 0; look < 16; look += 1) {
    const local = clocks.local(when, zone);
    if (!isQuiet(local, quiet)) return when;
    const edge = [minuteOf(quiet.to), DAY_MINUTES].filter((minute) => minute > local.minute);
    const next = clocks.moment({ ...local, minute: Math.min(...edge) }, zone);
    when = Math.max(next, when + MINUTE_MS);
  }
  return when;
}
