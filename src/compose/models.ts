import type { EventLog } from '../../db/event-log.ts';
import type { Db } from '../../db/open.ts';
import { tellProgress } from '../../db/progress.ts';
import { createProviderPauses } from '../../db/settings.ts';
import type { AnswerStore } from '../agents/model/answer-cache.ts';
import type { ModelClient, ModelClientOptions } from '../agents/model/model-client.ts';
import { type Endpoint, ModelPool } from '../agents/model/model-pool.ts';
import { modelTurn } from '../agents/model/model-turn.ts';
import type { PriceTable } from '../agents/model/prices.ts';
import { hostOf } from '../domain/host-of.ts';
import { type Limits, limitFor, noRateLimit } from '../domain/rate-limit.ts';
import type { Activity } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import type { DecisionStore, NewDecision } from '../ports/decisions.ts';
import type { GuidanceStore } from '../ports/guidance.ts';
import type { HealthStore } from '../ports/health.ts';
import type { RecentCalls } from '../ports/recent-calls.ts';
import type { Redact } from '../ports/redactor.ts';

export interface ModelEndpoint {
  readonly api: 'responses' | 'chat';
  readonly apiKey: string | null;
  readonly baseUrl: string;
  readonly model: string;
}

export interface ModelsOptions {
  readonly model: ModelEndpoint;
  /** Models that stand in for it, in order. */
  readonly backups?: readonly ModelEndpoint[];
  /** What model servers may be asked for. No limit unless given. */
  readonly limits?: Limits;
  /** Whether what was answered to the very same question, in the same repository, may be answered again. */
  readonly cacheAnswers?: boolean;
  readonly rehearsal: boolean;
  readonly clock: Clock;
  readonly redact: Redact;
}

interface Joined extends ModelsOptions {
  readonly db: Db;
  readonly log: EventLog;
  readonly health: HealthStore;
  readonly decisions: DecisionStore;
  readonly guidance: GuidanceStore;
  readonly answers: AnswerStore;
  readonly recent: RecentCalls;
  readonly repositoryOf: (runId: string) => Promise<string | null>;
  /** How much a run counts beside others that wait for a model. */
  readonly weightOf: (runId: string) => Promise<number>;
  /** The last look before a call is made. */
  readonly pass: (runId: string) => Promise<void>;
  readonly prices: PriceTable;
}

export interface Models {
  readonly activity: Activity;
  readonly pool: ModelPool;
  /** Calls back when an agent told what it does in the middle of a step. */
  readonly onProgress: (hear: () => void) => void;
}

/** The models: where they stand, who stands in, what they may be asked for, and the step that calls them. */
export function joinModels(options: Joined): Models {
  const { clock, redact, db, log, health, decisions, prices } = options;
  const heard = new Set<() => void>();
  const endpoint = (of: ModelEndpoint, rests: boolean): Endpoint => ({
    client: lateClient({ ...of, clock }),
    host: hostOf(of.baseUrl),
    rests,
  });
  const pool = new ModelPool({
    endpoints: [
      endpoint(options.model, !options.rehearsal),
      ...(options.backups ?? []).map((of) => endpoint(of, true)),
    ],
    clock,
    health,
    pauses: createProviderPauses(db, () => clock.now()),
    recent: options.recent,
    limitOf: (host) => (options.limits === undefined ? noRateLimit : limitFor(options.limits, host)),
  });
  const activity = modelTurn({
    models: pool,
    redact,
    guidance: options.guidance,
    prices,
    weightOf: options.weightOf,
    pass: options.pass,
    ...(options.cacheAnswers === true
      ? { cache: { store: options.answers, repositoryOf: options.repositoryOf } }
      : {}),
    tell: async (runId, node, agent, text) => {
      tellProgress(db, log, { runId, node, agent, text, now: clock.now() });
      for (const hear of heard) hear();
    },
    failedOver: (runId, from, to, why) =>
      decisions.record(runId, failedOver(runId, from, to, why), clock.now()),
  });
  return { activity, pool, onProgress: (hear) => void heard.add(hear) };
}

/** That another model goes on is a decision: the first time in a run, for each two of them. */
function failedOver(runId: string, from: string, to: string, why: string): NewDecision {
  return {
    id: `dec_model_${runId}_${from}_${to}`,
    kind: 'failover',
    actor: 'baton',
    actorKind: 'baton',
    choice: `${to} answers in place of ${from}`,
    reason: why,
    alternatives: [from],
    evidence: { from, to },
  };
}

/** The model's client, read with the first question: its library takes a tenth of a second that no start should wait. */
function lateClient(options: ModelClientOptions): ModelClient {
  let loading: Promise<ModelClient> | null = null;
  return {
    model: options.model,
    complete: async (request, signal) => {
      loading ??= import('../agents/model/model-client.ts').then(({ createModelClient }) =>
        createModelClient(options),
      );
      return (await loading).complete(request, signal);
    },
  };
}
