import type { Spending, SpendingLine } from '../../ports/usage.ts';
import { bold, code, lines, type Part, type Piece, section } from '../blocks.ts';
import { count, elapsed, money } from '../format.ts';
import { type Message, message } from '../message.ts';
import { mk, short } from '../text.ts';
import { place } from '../words.ts';

/** Lines of one answer; the rest is summed up in its last. */
const LINES_SHOWN = 12;

const kinds = {
  model: 'Models',
  tool: 'Tools',
  compute: 'Machines',
  human: "People's time",
} as const;
const kindOrder = ['model', 'tool', 'compute', 'human'] as const;

/** "$0.46", "at least $0.46, 2 of 14 have no price", "price unknown". Never makes unknown into nothing. */
export function cost({ costUsd, unpriced, count: all }: Spending): string {
  if (unpriced === 0) return money(costUsd);
  if (unpriced === all) return money(null);
  return `at least ${money(costUsd)}, ${unpriced} of ${all} without a price`;
}

/**
 * `/orchestrate cost ID`: one run, by agent, by step, by model and by kind.
 * @param steps by their keys: what an agent did turn by turn is one line
 */
export function runCostBlocks(
  title: string,
  spent: readonly SpendingLine[],
  steps: readonly (Spending & { readonly step: string })[],
  rehearsal: boolean,
): Message {
  if (spent.length === 0)
    return message([lines([bold(short(title, 150)), ' · nothing was spent yet'])], rehearsal);
  const models = spent.filter(({ kind }) => kind === 'model');
  return message(
    [
      lines([bold(short(title, 150)), ` · ${cost(sum(spent.filter(priced)))}`], tokensRow(sum(models))),
      table(
        'By agent',
        grouped(models, ({ agent }) => agent ?? 'Baton'),
      ),
      table('By step', stepsOf(steps)),
      table(
        'By model',
        grouped(models, ({ model }) => model ?? 'unknown'),
      ),
      kindsTable(spent),
    ],
    rehearsal,
  );
}

/** `/orchestrate cost`: the week, by channel, day and agent. @param named channels as Slack draws them */
export function weekCostBlocks(
  channels: readonly (Spending & { readonly channel: string })[],
  also: {
    readonly days: readonly (Spending & { readonly day: string })[];
    readonly agents: readonly (Spending & { readonly agent: string })[];
  },
  rehearsal: boolean,
): Message {
  if (channels.length === 0)
    return message(
      [lines(['Nothing was spent in the last seven days: here, or by you elsewhere.'])],
      rehearsal,
    );
  const more = channels.length - LINES_SHOWN;
  return message(
    [
      lines([bold('The last seven days'), ` · ${cost(sum(channels))}`], tokensRow(sum(channels))),
      section(
        channels
          .slice(0, LINES_SHOWN)
          .map(
            (each) => mk`${place(each.channel)} · ${cost(each)} · ${count(each.count, 'entry', 'entries')}`,
          )
          .join('\n'),
      ),
      more > 0 ? lines([`and ${count(more, 'more channel')}`]) : null,
      lines([bold('By day')], ...also.days.map((each): Piece[] => [`${each.day} · ${cost(each)}`])),
      table('By agent', new Map(also.agents.map((each) => [each.agent, each]))),
      lines([
        'For one run: ',
        code('/orchestrate cost <id>'),
        '. As a table: ',
        code('baton cost --csv'),
        '.',
      ]),
    ],
    rehearsal,
  );
}

/** Keys end in what was done at a step, once or turn by turn: the step is what stands before. */
function stepsOf(steps: readonly (Spending & { readonly step: string })[]): Map<string, Spending> {
  const groups = new Map<string, Spending[]>();
  for (const each of steps) {
    const parts = each.step.split('/');
    const name = parts.length > 1 ? parts.slice(0, -1).join('/') : each.step;
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return new Map([...groups].map(([name, of]) => [name, sum(of)]));
}

/** People's time without a price is told, and does not make the sum unknown. */
function priced({ kind, unpriced }: SpendingLine): boolean {
  return kind !== 'human' || unpriced === 0;
}

function tokensRow(spent: Spending): Piece[] {
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens } = spent;
  if (inputTokens + outputTokens === 0) return [];
  const cached = cachedTokens === 0 ? '' : ` (${thousands(cachedTokens)} cached)`;
  const reasoning = reasoningTokens === 0 ? '' : ` (${thousands(reasoningTokens)} reasoning)`;
  return [`${thousands(inputTokens)} tokens in${cached}, ${thousands(outputTokens)} out${reasoning}`];
}

function kindsTable(spent: readonly SpendingLine[]): Part {
  const rows = kindOrder.flatMap((kind): Piece[][] => {
    const of = spent.filter((line) => line.kind === kind);
    if (of.length === 0) return [];
    const total = sum(of);
    const time = kind === 'model' || kind === 'tool' ? count(total.count, 'call') : elapsed(total.durationMs);
    return [[bold(kinds[kind]), ` · ${time} · ${cost(total)}`]];
  });
  return lines(...rows);
}

function table(title: string, groups: ReadonlyMap<string, Spending>): Part | null {
  if (groups.size === 0) return null;
  const sorted = [...groups].sort(([, a], [, b]) => b.costUsd - a.costUsd || b.count - a.count);
  const rows = sorted
    .slice(0, LINES_SHOWN)
    .map(([name, each]): Piece[] => [
      `${short(name, 60)} · ${cost(each)} · ${count(each.count, 'call')} · ${elapsed(each.durationMs)}`,
    ]);
  const more = sorted.length - LINES_SHOWN;
  return lines([bold(title)], ...rows, more > 0 ? [`and ${more} more`] : []);
}

function grouped(spent: readonly SpendingLine[], by: (line: SpendingLine) => string): Map<string, Spending> {
  const groups = new Map<string, SpendingLine[]>();
  for (const line of spent) groups.set(by(line), [...(groups.get(by(line)) ?? []), line]);
  return new Map([...groups].map(([name, of]) => [name, sum(of)]));
}

function sum(all: readonly Spending[]): Spending {
  const total = (of: (each: Spending) => number): number => all.reduce((so, each) => so + of(each), 0);
  return {
    count: total((each) => each.count),
    inputTokens: total((each) => each.inputTokens),
    cachedTokens: total((each) => each.cachedTokens),
    outputTokens: total((each) => each.outputTokens),
    reasoningTokens: total((each) => each.reasoningTokens),
    durationMs: total((each) => each.durationMs),
    costUsd: total((each) => each.costUsd),
    unpriced: total((each) => each.unpriced),
  };
}

/** "940", "12 k", "1.4 M". */
function thousands(n: number): string {
  if (n < 1_000) return String(n);
  return n < 999_500 ? `${Math.round(n / 1_000)} k` : `${(n / 1e6).toFixed(1)} M`;
}
