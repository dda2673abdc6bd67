/** One promise of the README, measured. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** The median of the rounds. */
  readonly value: number;
  /** The best of the rounds: what a busy machine hides. */
  readonly best: number;
  /** What is promised; `least` for rates, `most` for times and sizes. Absent where the figure only compares. */
  readonly promised?: { readonly least: number } | { readonly most: number };
  readonly note?: string;
}

export const ROUNDS = 5;

export async function rounds(work: () => Promise<number>, count = ROUNDS): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < count; round += 1) values.push(await work());
  return values;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A rate: more is better. */
export function rate(
  name: string,
  unit: string,
  values: readonly number[],
  extra: Partial<Figure> = {},
): Figure {
  return { name, unit, value: median(values), best: Math.max(...values), ...extra };
}

/** A time or a size: less is better. */
export function cost(
  name: string,
  unit: string,
  values: readonly number[],
  extra: Partial<Figure> = {},
): Figure {
  return { name, unit, value: median(values), best: Math.min(...values), ...extra };
}

export function met({ value, promised }: Figure): boolean | null {
  if (promised === undefined) return null;
  return 'least' in promised ? value >= promised.least : value <= promised.most;
}

/** Processor time used by `work`, in milliseconds: what a machine shared with others changes least. */
export async function processorTime(work: () => Promise<unknown> | number): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

export function line(figure: Figure): string {
  const { name, unit, value, best, promised, note } = figure;
  const wanted =
    promised === undefined
      ? ''
      : 'least' in promised
        ? `>= ${show(promised.least)}`
        : `<= ${show(promised.most)}`;
  const kept = met(figure);
  const verdict = kept === null ? '' : kept ? 'met' : 'MISSED';
  const columns = [
    name.padEnd(46),
    show(value).padStart(9),
    unit.padEnd(8),
    `best ${show(best)}`.padEnd(15),
    wanted.padEnd(11),
    verdict.padEnd(6),
  ];
  return `${columns.join(' ')}${note === undefined ? '' : `  ${note}`}`.trimEnd();
}

function show(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-GB');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
