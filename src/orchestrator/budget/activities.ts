import type { Approval } from '../../domain/approval.ts';
import { raisedTo } from '../../domain/approval-rules.ts';
import { amount } from '../../domain/budget.ts';
import { BatonError } from '../../domain/failure.ts';
import { rootRun } from '../../domain/run.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Store } from '../../ports/store.ts';
import type { Meter } from '../../ports/usage.ts';
import { DELIVER_SIGNAL } from '../contracts.ts';
import type { Queries } from '../queries.ts';
import type { BudgetBreaker } from './breaker.ts';
import { type BudgetAsked, DELIVERED, RAISED, settleBudget, takeStock } from './contracts.ts';
import { lineOf, usedBy } from './line.ts';
import { stockOf } from './stock.ts';

export interface BudgetDeps {
  readonly breaker: Pick<BudgetBreaker, 'forget'>;
  readonly meter: Meter;
  readonly queries: Pick<Queries, 'byRun'>;
  readonly store: Pick<Store, 'approvals' | 'decisions' | 'runs'>;
  readonly engine: Pick<Engine, 'signal' | 'resume'>;
  /** Stops a run for good; `asking` is the run that asked, which ends by itself. */
  readonly stop: (root: string, by: string, asking: string) => Promise<void>;
  /** The least number of US dollars, not below these, above which the policy asks others; null: it never does. */
  readonly ceilingOf: (usd: number) => number | null;
  readonly clock: Clock;
}

type Settled = { readonly root: string; readonly by: string; readonly approval: Approval };

/** What the question about a budget asks for: its content, and what is done about the answer. */
export function budgetActivities(deps: BudgetDeps): Activity[] {
  const { queries, meter, store } = deps;
  return [
    implement(takeStock, async (asked, { runId }) => {
      const root = rootRun(runId);
      const run = await queries.byRun(root);
      if (run === null) throw unknown(root);
      const line = await lineOf(store.runs, root);
      const used = usedBy(meter, line);
      const before = line.length > 1 ? used[asked.unit] - meter.used(root)[asked.unit] : 0;
      return stockOf(run.view, { used, before }, asked, deps.ceilingOf);
    }),

    implement(settleBudget, async (asked, { runId }) => {
      const root = rootRun(runId);
      // What the store says counts, not what brought us here.
      const approval = await store.approvals.byId(asked.approvalId);
      const by = approval?.decidedBy ?? null;
      if (approval === null || by === null) return { done: 'nothing' as const };
      const settled = { root, by, approval };
      switch (approval.status) {
        case 'approved':
        case 'taken':
          // What people allowed counts: they may have named an amount of their own.
          await raise(deps, settled, { ...asked, to: raisedTo(approval) ?? asked.to });
          return { done: 'raised' as const };
        case 'changes_requested':
          await deliver(deps, settled, asked);
          return { done: 'delivered' as const };
        case 'rejected':
          await deps.stop(root, by, runId);
          return { done: 'stopped' as const };
        case 'pending':
        case 'expired':
        case 'lapsed':
        case 'voided':
          return { done: 'nothing' as const };
        default:
          return approval.status satisfies never;
      }
    }),
  ];
}

async function raise(
  deps: BudgetDeps,
  settled: Settled,
  { unit, given, to }: BudgetAsked & { readonly to: number },
): Promise<void> {
  const { root, by } = settled;
  const used = usedBy(deps.meter, await lineOf(deps.store.runs, root))[unit];
  const choice = `Raise it to ${amount(unit, to)}`;
  const event = { type: 'budget.raised' as const, unit, from: given, to, by };
  await deps.store.decisions.record(
    root,
    decision(settled, RAISED, choice, { unit, from: given, to, used }),
    deps.clock.now(),
    event,
  );
  deps.breaker.forget(root);
  await goOn(deps, root);
}

async function deliver(deps: BudgetDeps, settled: Settled, { unit, given }: BudgetAsked): Promise<void> {
  const { root, by, approval } = settled;
  const used = usedBy(deps.meter, await lineOf(deps.store.runs, root))[unit];
  const evidence = { unit, given, used };
  await deps.store.decisions.record(
    root,
    decision(settled, DELIVERED, 'Deliver what is there', evidence),
    deps.clock.now(),
  );
  deps.breaker.forget(root);
  // Before it goes on: its work is given up in the same moment, and nothing of it begins again.
  await deps.engine.signal(root, DELIVER_SIGNAL, { by }, `deliver:${approval.id}`);
  await goOn(deps, root);
}

function decision(
  { by, approval }: Settled,
  kind: string,
  choice: string,
  evidence: { readonly [name: string]: string | number },
) {
  return {
    id: `dec_budget_${approval.id}`,
    kind,
    actor: by,
    actorKind: 'person' as const,
    choice,
    reason: approval.comment ?? 'Answered on the card about the budget',
    alternatives: ['raise it', 'deliver what is there', 'stop'],
    evidence: { ...evidence, approval: approval.id, shown: approval.subject.digest },
  };
}

/** The run and those of its parts that wait for money. */
async function goOn({ store, engine }: BudgetDeps, root: string): Promise<void> {
  for (const id of [root, ...(await store.runs.parts(root))]) {
    const run = await store.runs.status(id);
    if (run?.status !== 'paused' || run.outcome === null || run.outcome.ok) continue;
    if (run.outcome.failure.class === 'budget') await engine.resume(id);
  }
}

function unknown(runId: string): BatonError {
  return new BatonError({ class: 'structural', code: 'run_unknown', message: `There is no run ${runId}` });
}

/**
 * Effects that use a run's money, tokens or time. The others ask people, keep what was done and tidy up: they have to
 * work at the end of a budget.
 */
export const USING: ReadonlySet<string> = new Set([
  'model.turn',
  'tool.call',
  'program.run',
  'acp.exchange',
  'workspace.command',
  'mcp.call',
]);

/** The same activity; where it uses what runs are given, it begins only while its run has some left. */
export function withinBudget(breaker: BudgetBreaker, activity: Activity): Activity {
  if (!USING.has(activity.type)) return activity;
  return {
    type: activity.type,
    perform: async (input, context) => {
      await breaker.pass(context.runId);
      return activity.perform(input, context);
    },
  };
}
