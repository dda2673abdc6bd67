import { amount, type BudgetUnit, raiseTo, type Used } from '../../domain/budget.ts';
import type { Range } from '../../domain/events.ts';
import { type RaiseOffer, raiseOffer } from '../../domain/raise.ts';
import type { RunView } from '../../domain/run-view.ts';
import { estimateRest } from '../../planning/rest-estimate.ts';
import type { BudgetAsked } from './contracts.ts';

/** Tasks named in each line; the rest is counted. */
const NAMED = 12;

interface Spent {
  /** All that counts against the budget. */
  readonly used: Used;
  /** How much of it was used before the run was rolled back. */
  readonly before: number;
}

/**
 * What people are told who decide about a budget: what is done, what is left, what more would buy. Pure.
 * @param ceilingOf of US dollars that are offered: where the policy begins to ask others; null: nowhere
 */
export function stockOf(
  view: RunView,
  spent: Spent,
  { unit, given }: BudgetAsked,
  ceilingOf: (to: number) => number | null,
): { readonly why: string; readonly stock: string; readonly to: number; readonly offer: RaiseOffer } {
  const { used } = spent;
  const nodes = [...view.nodes.values()].filter(({ agent }) => agent !== null);
  const named = (status: 'done' | 'open'): string[] =>
    nodes
      .filter((node) => (status === 'done' ? node.status === 'done' : node.status !== 'done'))
      .map(({ agent, node }) => `${agent} (${node})`);
  const planned = (view.plan?.agents ?? []).flatMap(({ agent, tasks }) =>
    tasks.map((node) => ({ agent, node })),
  );
  const begun = new Set(nodes.map(({ node }) => node));
  const toCome = planned
    .filter(({ node }) => !begun.has(node))
    .map(({ agent, node }) => `${agent} (${node})`);
  const done = named('done');
  const rest = estimateRest({
    planned: plannedOf(view, unit),
    used: used[unit],
    tasks: Math.max(planned.length, begun.size),
    done: done.length,
  });
  const to = raiseTo(given, used[unit], rest?.mid ?? null);
  return {
    why: whyOf(spent, unit, given),
    to,
    offer: raiseOffer(unit, used[unit], to, unit === 'usd' ? ceilingOf(to) : null),
    stock: lines(view, unit, { done, open: named('open'), toCome, rest, to }),
  };
}

function whyOf({ used, before }: Spent, unit: BudgetUnit, given: number): string {
  const assumed =
    unit === 'usd' && used.assumed > 0
      ? `, of it ${amount('usd', used.assumedUsd)} assumed for ${used.assumed} calls whose price is not known`
      : '';
  const back = before > 0 ? `, of it ${amount(unit, before)} before it was rolled back` : '';
  return `It has used ${amount(unit, used[unit])} of ${amount(unit, given)}${back}${assumed}. Nothing new begins until somebody decides.`;
}

interface Stock {
  readonly done: readonly string[];
  readonly open: readonly string[];
  readonly toCome: readonly string[];
  readonly rest: Range | null;
  readonly to: number;
}

function lines(view: RunView, unit: BudgetUnit, { done, open, toCome, rest, to }: Stock): string {
  const branch = view.branch === null ? 'its branch' : view.branch;
  const range =
    rest === null
      ? 'Nobody can tell yet what the rest takes.'
      : `The rest may take about ${amount(unit, rest.mid)} (${amount(unit, rest.low)} to ${amount(unit, rest.high)}).`;
  return [
    `Done: ${list(done)}`,
    `Begun: ${list(open)}`,
    `Left: ${list(toCome)}`,
    '',
    `Raise: it goes on, up to ${amount(unit, to)} in all, or an amount of your own. ${range}`,
    `Deliver: it ends here; what is there is put on ${branch}, marked as unfinished.`,
    'Stop: it is stopped; branch and snapshots are kept.',
  ].join('\n');
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What the plan expected of a unit; null where it says nothing of it. */
function plannedOf({ plan }: RunView, unit: BudgetUnit): Range | null {
  switch (unit) {
    case 'usd':
      return plan?.costUsd ?? null;
    case 'minutes':
    case 'tokens':
    case 'turns':
      return null;
    default:
      return unit satisfies never;
  }
}
