import type Database from 'better-sqlite3';
import type { RunEvent } from '../src/domain/events.ts';
import { asJson, type Json } from '../src/domain/json.ts';
import type { AuditLog } from './audit.ts';
import { HealthRows } from './health.ts';

/** A choice that Baton made by itself while it worked. */
interface Choice {
  readonly kind: string;
  readonly choice: string;
  readonly reason: string;
  readonly alternatives: readonly string[];
  readonly evidence: Json;
}

/** What some events of a run mean beyond the run. Must be called inside the transaction that stores the event. */
export class RunRecords {
  readonly #health: HealthRows;
  readonly #decide: Database.Statement;
  readonly #audit: AuditLog;

  constructor(raw: Database.Database, audit: AuditLog) {
    this.#health = new HealthRows(raw);
    this.#audit = audit;
    this.#decide = raw.prepare(
      "insert into decisions (id, run_id, kind, actor, actor_kind, choice, reason, alternatives, evidence, at) values (?, ?, ?, 'baton', 'baton', ?, ?, ?, ?, ?) on conflict do nothing",
    );
  }

  /** Returns the id of the decision that was recorded with it; null when there is none. */
  told(runId: string, seq: number, event: RunEvent, at: number): string | null {
    if (event.type === 'agent.ended') this.#health.told(runId, event, at);
    const made = choiceIn(event);
    if (made === null) return null;
    const { kind, choice, reason, alternatives, evidence } = made;
    const id = `dec_${kind}_${runId}_${seq}`;
    const rest = [choice, reason, JSON.stringify(alternatives), JSON.stringify(evidence), at];
    if (this.#decide.run(id, runId, kind, ...rest).changes === 0) return null;
    this.#audit.append({
      at,
      kind: `decision.${kind}`,
      actor: 'baton',
      actorKind: 'baton',
      team: null,
      runId,
      approvalId: null,
      shown: null,
      executed: null,
      detail: { id, choice, reason, alternatives: [...alternatives], evidence },
    });
    return id;
  }
}

/** The choice that an event tells of: who is to do something, what won a vote, what was done about a failure. */
function choiceIn(event: RunEvent): Choice | null {
  switch (event.type) {
    case 'route.chosen': {
      const { node, agent, by, reason } = event;
      return { kind: 'agent', choice: agent, reason, alternatives: [], evidence: { node, by } };
    }
    case 'vote.counted': {
      const { winner, ballots, question, method, threshold, share, node } = event;
      const named = [...new Set(ballots.flatMap(({ choice }) => (choice === null ? [] : [choice])))];
      return {
        kind: 'vote',
        choice: winner ?? 'nobody won',
        reason: `${Math.round(share * 100)}% of the votes; ${Math.round(threshold * 100)}% were needed (${method})`,
        alternatives: named.filter((each) => each !== winner),
        evidence: asJson({ node, question, method, threshold, share, ballots }),
      };
    }
    case 'error.handled': {
      const { node, action, reason } = event;
      return { kind: action, choice: HANDLED[action](node), reason, alternatives: [], evidence: { node } };
    }
    default:
      return null;
  }
}

const HANDLED = {
  retry: (node: string) => `${node} is tried again`,
  failover: (node: string) => `Somebody else goes on with ${node}`,
  degrade: (node: string) => `${node} is done in a simpler way`,
  escalate: (node: string) => `A person is asked about ${node}`,
  skip: (node: string) => `${node} is left out`,
} as const;
