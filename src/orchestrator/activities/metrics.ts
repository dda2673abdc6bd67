import { createHash } from 'node:crypto';
import { asJson, canonicalJson } from '../../domain/json.ts';
import type { Inventory } from '../../domain/resources.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DecisionStore } from '../../ports/decisions.ts';
import type { LeaseStore } from '../../ports/leases.ts';
import { type RunMetrics, readMetrics, recordDecision } from '../../ports/metrics.ts';

/** Steps that an error rate is of. */
const STEPS = 20;

export interface MetricsDeps {
  readonly metrics: RunMetrics;
  readonly leases: LeaseStore;
  readonly decisions: DecisionStore;
  readonly inventory: Inventory;
  readonly clock: Clock;
  /** Load of this machine's processors in percent, the mean of a minute; null where the system does not tell. */
  readonly cpuUsage: () => number | null;
}

/** What adaptive nodes look at, and where they write down what they made of it. */
export function metricsActivities(deps: MetricsDeps): Activity[] {
  const { metrics, leases, decisions, clock, cpuUsage } = deps;
  const inventory = createHash('sha256')
    .update(canonicalJson(asJson(deps.inventory)))
    .digest('hex')
    .slice(0, 16);
  return [
    implement(readMetrics, async (_input, { runId }) => {
      const { completed, failed } = metrics.lastSteps(runId, STEPS);
      const ended = completed + failed;
      return {
        at: clock.now(),
        cpuUsage: cpuUsage(),
        errorRate: ended === 0 ? null : (failed / ended) * 100,
        costUsd: metrics.costUsd(runId),
        waiting: (await leases.all()).filter((lease) => lease.runId === runId && !lease.held).length,
        inventory,
      };
    }),

    implement(recordDecision, async ({ at, ...decision }, { runId, idempotencyKey }) => {
      const id = `dec_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 20)}`;
      await decisions.record(runId, { ...decision, id, actor: 'baton', actorKind: 'baton' }, at);
      return {};
    }),
  ];
}
