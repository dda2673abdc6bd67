import type Database from 'better-sqlite3';
import { createMeter } from '../../db/meter.ts';
import type { PriceTable } from '../agents/model/prices.ts';
import { type BudgetSettings, budgetSchema, budgetSettingsSchema, worstCase } from '../domain/budget.ts';
import type { Usage } from '../domain/usage.ts';
import { type BudgetDeps, budgetActivities, withinBudget } from '../orchestrator/budget/activities.ts';
import { BudgetBreaker } from '../orchestrator/budget/breaker.ts';
import type { Findings } from '../orchestrator/findings.ts';
import type { Activity } from '../ports/activity.ts';
import type { Engine } from '../ports/engine.ts';

interface Joined extends Pick<BudgetDeps, 'store' | 'queries' | 'stop' | 'clock'> {
  readonly raw: Database.Database;
  readonly settings: BudgetSettings | undefined;
  readonly prices: PriceTable;
  /** US dollars for a second of a command. */
  readonly computeSecondUsd: number;
  readonly findings: Findings;
  /** The engine is there by the time anything is asked of it. */
  readonly engine: () => Pick<Engine, 'start' | 'status' | 'signal' | 'resume'>;
}

/** What runs may use: the sums, the look before each effect, and what is done at the end of a budget. */
export function joinBudget(joined: Joined) {
  const { raw, prices, store, findings, clock, engine } = joined;
  const settings = joined.settings ?? budgetSettingsSchema.parse({});
  const worst = worstCase(settings, prices);
  const meter = createMeter(raw, worst);
  const breaker = new BudgetBreaker({
    meter,
    runs: store.runs,
    decisions: store.decisions,
    engine: { start: (id, spec) => engine().start(id, spec), status: (id) => engine().status(id) },
    threshold: findings.costThreshold,
    warnAt: settings.warn_at,
    clock,
  });
  return {
    /** Of runs that say nothing of it. */
    budget: budgetSchema.strip().parse(settings),
    pass: (runId: string) => breaker.pass(runId),
    /** What programs that play agents are counted and held by. */
    ofPrograms: {
      prices,
      worst,
      pass: (runId: string) => breaker.pass(runId),
      watch: (runId: string, source: () => readonly Usage[]) => meter.watch(runId, source),
      computeSecondUsd: joined.computeSecondUsd,
    },
    within: (activity: Activity) => withinBudget(breaker, activity),
    activities: budgetActivities({
      ...joined,
      breaker,
      meter,
      ceilingOf: (usd) => findings.costCeiling(usd),
      engine: {
        signal: (runId, name, payload, key) => engine().signal(runId, name, payload, key),
        resume: (runId) => engine().resume(runId),
      },
    }),
  };
}
