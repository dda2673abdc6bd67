import { z } from 'zod';

/** What a name in `resources:` and `uses:` looks like. */
const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'A resource is lower-case letters, digits and dashes, at most 40');

/** Throughputs are compared by the day: whole numbers for every unit people write. */
const PER_DAY: Readonly<Record<string, number>> = { s: 86_400, min: 1_440, h: 24, d: 1 };
const RATE = /^([1-9]\d{0,5})\/(s|min|h|d)$/;

/** So many of something, or so much of its throughput ("5/min"). */
export const amountSchema = z.union([
  z.number().int().min(1).max(1_000_000),
  z.string().regex(RATE, 'Write how many, such as 2, or a throughput, such as "5/min" (s, min, h or d)'),
]);
export type Amount = z.infer<typeof amountSchema>;

/** What a node reserves before it starts, by name; all of it at once. */
export const usesSchema = z
  .record(nameSchema, amountSchema)
  .refine((uses) => Object.keys(uses).length > 0, 'Name at least one resource, such as `staging-db: 1`.');
export type Uses = z.infer<typeof usesSchema>;

const WINDOW =
  /^(?:(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? )?(\d\d):(\d\d)-(\d\d):(\d\d)$/;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const windowSchema = z
  .string()
  .regex(WINDOW, 'Write when it is there, in UTC, such as "mon-fri 09:00-17:00" or "22:00-06:00"')
  .refine((text) => {
    const [, , , h1, m1, h2, m2] = WINDOW.exec(text) ?? [];
    return [h1, h2].every((h) => Number(h) < 24) && [m1, m2].every((m) => Number(m) < 60);
  }, 'Hours go from 00 to 23 and minutes from 00 to 59');

/** One entry of the inventory: how much there is, of what kind, and when. A bare amount is a service. */
const entrySchema = z.strictObject({
  amount: amountSchema,
  kind: z.enum(['person', 'compute', 'service']).default('service'),
  /** A preference below `amount`: more is used only where it has to be, and what that costs is recorded. */
  soft: amountSchema.optional(),
  /** What each breach of `soft` costs, in whatever unit the team counts. */
  cost: z.number().min(0).default(1),
  /** Times at which it is there; always, unless given. */
  open: z.array(windowSchema).min(1).max(20).optional(),
});
export const resourceSchema = z.union([
  entrySchema,
  amountSchema.transform((amount) => entrySchema.parse({ amount })),
]);

export const inventorySchema = z.record(nameSchema, resourceSchema);
export type Inventory = z.infer<typeof inventorySchema>;

/** An amount as a number that can be compared, and whether it is a throughput. */
export function measure(amount: Amount): { readonly size: number; readonly rate: boolean } {
  if (typeof amount === 'number') return { size: amount, rate: false };
  const [, count, unit] = RATE.exec(amount) ?? [];
  return { size: Number(count) * (PER_DAY[unit ?? ''] ?? Number.NaN), rate: true };
}

/** Why a wish can never be granted with this inventory; null when it can. */
export function impossible(uses: Uses, inventory: Inventory): string | null {
  for (const [name, amount] of Object.entries(uses)) {
    const resource = Object.hasOwn(inventory, name) ? inventory[name] : undefined;
    if (resource === undefined) return `There is no resource "${name}"`;
    const [wanted, there] = [measure(amount), measure(resource.amount)];
    if (wanted.rate !== there.rate)
      return `"${name}" is counted ${there.rate ? 'as a throughput' : 'in pieces'}, and ${amount} is ${wanted.rate ? 'a throughput' : 'a number of pieces'}`;
    if (wanted.size > there.size) return `${amount} of "${name}" are wanted and there are ${resource.amount}`;
  }
  return null;
}

/** When a resource is next there: `now` if it is there now. Windows are in UTC and may run over midnight. */
export function opensAt(windows: readonly string[] | undefined, now: number): number {
  if (windows === undefined) return now;
  const starts = windows.flatMap((text): number[] => {
    const [, from, to, h1, m1, h2, m2] = WINDOW.exec(text) ?? [];
    const begin = Number(h1) * 60 + Number(m1);
    const end = Number(h2) * 60 + Number(m2);
    const minutes = end > begin ? end - begin : end - begin + 1_440;
    const midnight = new Date(now).setUTCHours(0, 0, 0, 0);
    // From yesterday, whose window may run over midnight, to the same day of next week.
    return Array.from({ length: 9 }, (_, day) => midnight + (day - 1) * 86_400_000)
      .filter((day) => inDays(from, to, new Date(day).getUTCDay()))
      .flatMap((day) => {
        const opens = day + begin * 60_000;
        return opens + minutes * 60_000 > now ? [Math.max(now, opens)] : [];
      });
  });
  return Math.min(...starts);
}

function inDays(from: string | undefined, to: string | undefined, day: number): boolean {
  if (from === undefined) return true;
  const first = DAYS.indexOf(from);
  const length = (DAYS.indexOf(to ?? from) - first + 7) % 7;
  return (day - first + 7) % 7 <= length;
}

/** Somebody's wish for resources, as the table of leases holds it. Claims are in the order in which they came. */
export interface Claim {
  readonly id: string;
  readonly wants: Uses;
  readonly held: boolean;
}

/** What becomes of the claims that wait. */
export interface Grants {
  readonly grant: readonly string[];
  /** Claims that this inventory can never satisfy, with why. */
  readonly refuse: readonly { readonly id: string; readonly why: string }[];
  /** When to look again although nothing is given back: a time window opens. Null: never. */
  readonly nextAt: number | null;
}

/**
 * Which waiting claims may begin. All of a claim is granted at once, so nobody holds one thing while waiting for
 * another and no circle can form; and whoever came first for a resource is served first, so that nobody starves.
 * A claim that waits for a time window keeps nobody else waiting.
 */
export function grants(claims: readonly Claim[], inventory: Inventory, now: number): Grants {
  const free = new Map<string, number>();
  for (const [name, { amount }] of Object.entries(inventory)) free.set(name, measure(amount).size);
  for (const { held, wants } of claims) if (held) take(free, wants);
  const spokenFor = new Set<string>();
  const grant: string[] = [];
  const refuse: { id: string; why: string }[] = [];
  let nextAt: number | null = null;
  for (const { id, wants, held } of claims) {
    if (held) continue;
    const why = impossible(wants, inventory);
    if (why !== null) {
      refuse.push({ id, why });
      continue;
    }
    const names = Object.keys(wants);
    const opens = Math.max(now, ...names.map((name) => opensAt(inventory[name]?.open, now)));
    if (opens > now) {
      nextAt = Math.min(nextAt ?? opens, opens);
      continue;
    }
    const fits = Object.entries(wants).every(
      ([name, amount]) => (free.get(name) ?? 0) >= measure(amount).size,
    );
    if (fits && !names.some((name) => spokenFor.has(name))) {
      take(free, wants);
      grant.push(id);
    } else for (const name of names) spokenFor.add(name);
  }
  return { grant, refuse, nextAt };
}

function take(free: Map<string, number>, wants: Uses): void {
  for (const [name, amount] of Object.entries(wants))
    free.set(name, (free.get(name) ?? 0) - measure(amount).size);
}
