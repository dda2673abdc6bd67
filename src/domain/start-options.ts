import { z } from 'zod';
import { parseDuration } from './duration.ts';

/** What a request is like, beside its words. Each has a default per channel; a start may say otherwise. */
export const dimensionsSchema = z.strictObject({
  complexity: z.enum(['simple', 'moderate', 'complex', 'enterprise']).optional(),
  quality: z.enum(['standard', 'high', 'critical']).default('standard'),
  timeline: z.enum(['urgent', 'normal', 'flexible']).default('normal'),
  /** How much risk people bear. */
  risk: z.enum(['low', 'normal', 'high']).default('normal'),
  /** How much people want to be asked. */
  interaction: z.enum(['low', 'normal', 'high']).default('normal'),
});
export type Dimensions = z.infer<typeof dimensionsSchema>;

/** What a channel says otherwise: without the defaults, which would go before those of all channels. */
const ownSchema = z.strictObject({
  complexity: dimensionsSchema.shape.complexity,
  quality: dimensionsSchema.shape.quality.unwrap().optional(),
  timeline: dimensionsSchema.shape.timeline.unwrap().optional(),
  risk: dimensionsSchema.shape.risk.unwrap().optional(),
  interaction: dimensionsSchema.shape.interaction.unwrap().optional(),
});

/** Defaults for all channels, and what some channels say otherwise. */
export const requestDefaultsSchema = z.strictObject({
  defaults: dimensionsSchema.prefault({}),
  channels: z.record(z.string(), ownSchema).default({}),
});
export type RequestDefaults = z.infer<typeof requestDefaultsSchema>;

/** What a request from a channel is like unless it says otherwise. */
export function dimensionsOf({ defaults, channels }: RequestDefaults, channel: string): Dimensions {
  const own = Object.hasOwn(channels, channel) ? (channels[channel] ?? {}) : {};
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return dimensionsSchema.parse({ ...defaults, ...said });
}

/** Ways of coordinating that a start may ask for by name; `auto` leaves the choice to Baton. */
export const patternNames = ['one-agent', 'sequence', 'delegation', 'mesh', 'parallel', 'feedback'] as const;
export type PatternName = (typeof patternNames)[number];

/** What stands behind the words of a start. */
export interface StartOptions {
  readonly budgetUsd: number | null;
  /** Milliseconds from the request on. */
  readonly withinMs: number | null;
  readonly pattern: PatternName | 'auto' | null;
  readonly quality: Dimensions['quality'] | null;
  readonly timeline: Dimensions['timeline'] | null;
  readonly risk: Dimensions['risk'] | null;
}

export const noStartOptions: StartOptions = {
  budgetUsd: null,
  withinMs: null,
  pattern: null,
  quality: null,
  timeline: null,
  risk: null,
};

export type ReadOptions =
  | { readonly ok: true; readonly options: StartOptions }
  /** What cannot be read, and what to write instead. */
  | { readonly ok: false; readonly problem: string };

/** Reads the values of `budget: by: pattern: quality: urgency: risk:`. Pure: `now` is the moment of the request. */
export function readStartOptions(values: ReadonlyMap<string, string>, now: number): ReadOptions {
  const problems: string[] = [];
  const one = <T extends string>(key: string, of: readonly T[]): T | null => {
    const said = values.get(key)?.toLowerCase();
    if (said === undefined) return null;
    const found = of.find((each) => each === said);
    if (found === undefined) problems.push(`${key}:${said} is none of ${of.join(', ')}`);
    return found ?? null;
  };
  const budget = values.get('budget');
  const budgetUsd = budget === undefined ? null : moneyOf(budget);
  if (budget !== undefined && budgetUsd === null)
    problems.push(`budget:${budget} is no amount in dollars, such as $5 or 2.50`);
  const by = values.get('by');
  const withinMs = by === undefined ? null : untilOf(by, now);
  if (by !== undefined && withinMs === null)
    problems.push(`by:${by} is no time to come; write 2h, 3d, 17:00 (UTC) or 2026-12-01`);
  const shape = dimensionsSchema.shape;
  const options: StartOptions = {
    budgetUsd,
    withinMs,
    pattern: one('pattern', ['auto', ...patternNames]),
    quality: one('quality', shape.quality.unwrap().options),
    timeline: one('urgency', shape.timeline.unwrap().options),
    risk: one('risk', shape.risk.unwrap().options),
  };
  return problems.length === 0 ? { ok: true, options } : { ok: false, problem: problems.join('; ') };
}

/** "$5", "5", "2.50", "5usd" in dollars; null for anything else, and for nothing at all. */
function moneyOf(text: string): number | null {
  const match = /^\$?(\d{1,6}(?:\.\d{1,2})?)(?:\$|usd)?$/i.exec(text);
  const amount = match === null ? 0 : Number(match[1]);
  return amount > 0 ? amount : null;
}

/** Milliseconds until a duration, a time of day or the end of a date (UTC); null when that cannot be, or is past. */
function untilOf(text: string, now: number): number | null {
  const duration = parseDuration(text);
  if (duration !== null) return duration > 0 ? duration : null;
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (clock !== null) {
    const at = new Date(now).setUTCHours(Number(clock[1]), Number(clock[2]), 0, 0);
    return at > now ? at - now : at + 86_400_000 - now;
  }
  const end = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T23:59:59Z`) : Number.NaN;
  return end > now ? end - now : null;
}

/** What was asked for, in words for people; nothing that is as usual. */
export function wantedWords(dimensions: Dimensions): string[] {
  const { complexity, quality, timeline, risk, interaction } = dimensions;
  return [
    ...(complexity === undefined ? [] : [`${complexity} work`]),
    ...(quality === 'standard' ? [] : [`${quality} quality`]),
    ...(timeline === 'normal' ? [] : [timeline]),
    ...(risk === 'normal' ? [] : [`${risk} risk`]),
    ...(interaction === 'normal' ? [] : [interaction === 'low' ? 'few questions' : 'many questions']),
  ];
}
