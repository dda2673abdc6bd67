import path from 'node:path';
import { parseArgs } from 'node:util';
import { openToRead } from '../../db/read-only.ts';
import { createUsageReader } from '../../db/usage.ts';
import type { UsageEntry } from '../ports/usage.ts';
import { systemClock } from '../system-clock.ts';
import { configFromEnvironment } from './environment.ts';

const DAY_MS = 86_400_000;

const columns: readonly (readonly [string, (entry: UsageEntry) => string | number | null])[] = [
  ['time', ({ at }) => new Date(at).toISOString()],
  ['session', ({ session }) => session],
  ['run', ({ runId }) => runId],
  ['step', ({ step }) => step],
  ['team', ({ team }) => team],
  ['channel', ({ channel }) => channel],
  ['requester', ({ requester }) => requester],
  ['workflow', ({ workflow }) => workflow],
  ['kind', ({ kind }) => kind],
  ['agent', ({ agent }) => agent],
  ['model', ({ model }) => model],
  ['input_tokens', ({ inputTokens }) => inputTokens],
  ['cached_tokens', ({ cachedTokens }) => cachedTokens],
  ['output_tokens', ({ outputTokens }) => outputTokens],
  ['reasoning_tokens', ({ reasoningTokens }) => reasoningTokens],
  ['seconds', ({ durationMs }) => Math.round(durationMs) / 1_000],
  // Empty where no price is known: never 0.
  ['cost_usd', ({ costUsd }) => costUsd],
];

/** `baton cost`: what was spent, read beside a running Baton. @returns 0 */
export async function cost(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { csv: { type: 'boolean', default: false }, days: { type: 'string', default: '7' } },
  });
  const [id] = positionals;
  const days = Number(values.days);
  if (!Number.isFinite(days) || days <= 0) {
    console.error('--days is a number above 0');
    return 2;
  }
  const raw = openToRead(path.join(configFromEnvironment().home, 'baton.db'));
  try {
    const since = id === undefined ? systemClock.now() - days * DAY_MS : 0;
    const entries = createUsageReader(raw).entries(since);
    const wanted = id === undefined ? entries : of(id, entries);
    if (values.csv) printCsv(wanted);
    else printSums(wanted, id ?? `the last ${days} days`);
    return 0;
  } finally {
    raw.close();
  }
}

function* of(id: string, entries: Iterable<UsageEntry>): Iterable<UsageEntry> {
  for (const entry of entries)
    if (entry.runId.endsWith(id) || entry.session?.endsWith(id) === true) yield entry;
}

function printCsv(entries: Iterable<UsageEntry>): void {
  console.log(columns.map(([name]) => name).join(','));
  for (const entry of entries) console.log(columns.map(([, value]) => cell(value(entry))).join(','));
}

/** RFC 4180; what a spreadsheet would take for a formula is kept from being one. */
export function cell(value: string | number | null): string {
  if (value === null) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function printSums(entries: Iterable<UsageEntry>, title: string): void {
  const sums = new Map<string, { calls: number; usd: number; unpriced: number }>();
  for (const { kind, agent, model, costUsd } of entries) {
    const name = [kind, agent, model].filter((part) => part !== null).join(' · ');
    const sum = sums.get(name) ?? { calls: 0, usd: 0, unpriced: 0 };
    sum.calls += 1;
    if (costUsd === null) sum.unpriced += 1;
    else sum.usd += costUsd;
    sums.set(name, sum);
  }
  console.log(`Spent: ${title}`);
  for (const [name, { calls, usd, unpriced }] of [...sums].sort(([, a], [, b]) => b.usd - a.usd))
    console.log(
      `${`$${usd.toFixed(4)}`.padStart(12)}  ${String(calls).padStart(6)}×  ${name}${unpriced === 0 ? '' : `  (${unpriced} without a price)`}`,
    );
}
