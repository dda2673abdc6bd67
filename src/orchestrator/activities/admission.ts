import { admit, stateOf } from '../../domain/circuit.ts';
import { BatonError } from '../../domain/failure.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import type { Clock } from '../../ports/clock.ts';
import { admitAgent, type Health, type HealthStore } from '../../ports/health.ts';

export interface AdmissionDeps {
  readonly health: HealthStore;
  readonly clock: Clock;
}

/** A trial that another run makes is waited for this long before it is asked again. */
const TRIAL_MS = 15_000;

/**
 * Lets an agent begin, or its backup where the agent rests or was taken out of use. That somebody else goes on is an
 * event, and becomes a decision in the same transaction. Without a backup that works, the run waits for the agent's
 * rest to end, or for a person.
 */
export function admissionActivity({ health, clock }: AdmissionDeps): Activity {
  return implement(admitAgent, async ({ node, agent, backup, holder }, context) => {
    const by = `${context.runId}/${holder}`;
    const first = await tryOne(agent);
    if (first.ok) return { agent, reason: null };
    const second = backup === null ? null : await tryOne(backup);
    if (backup === null || second?.ok !== true) throw unavailable(agent, backup, first);
    const reason = `${backup} takes over from ${agent}: ${first.why}`;
    context.emit({ type: 'error.handled', node, action: 'failover', reason });
    return { agent: backup, reason };

    async function tryOne(name: string): Promise<Tried> {
      const known = await health.read('agent', name);
      const found = admit(known.circuit, by, clock.now());
      if (!found.ok && stateOf(known.circuit, clock.now()) === 'half_open') return TRIED_ELSEWHERE;
      if (!found.ok) return { ok: false, retryInMs: found.retryInMs, why: whyNot(known, found.retryInMs) };
      if (found.circuit === known.circuit) return { ok: true };
      // Asked again inside the change: of two that ask in the same moment, one is the trial.
      let admitted = false;
      await health.change('agent', name, (circuit) => {
        const again = admit(circuit, by, clock.now());
        admitted = again.ok;
        return again.ok ? again.circuit : circuit;
      });
      return admitted ? { ok: true } : TRIED_ELSEWHERE;
    }
  });
}

type Tried =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryInMs: number | null; readonly why: string };

const TRIED_ELSEWHERE: Tried = {
  ok: false,
  retryInMs: TRIAL_MS,
  why: 'after failures it is being tried in another place at this moment',
};

function whyNot({ circuit, lastFailure }: Health, retryInMs: number | null): string {
  if (retryInMs === null)
    return `it was taken out of use (${circuit.quarantine?.reason ?? 'no reason given'})`;
  const last = lastFailure === null ? '' : `, last: ${lastFailure.message}`;
  return `it failed ${circuit.failures} times running and rests for ${Math.ceil(retryInMs / 1_000)} s${last}`;
}

function unavailable(agent: string, backup: string | null, tried: Extract<Tried, { ok: false }>): BatonError {
  const nobody = backup === null ? 'it has no backup' : `its backup ${backup} does not work either`;
  const message = `${agent} cannot be asked now: ${tried.why}, and ${nobody}.`;
  if (tried.retryInMs === null)
    return new BatonError({
      class: 'needs_person',
      code: 'agent_quarantined',
      message,
      hint: `Type /orchestrate agents restore ${agent}, then press Retry. Nothing was lost.`,
    });
  return new BatonError({
    class: 'transient',
    code: 'agent_resting',
    message,
    hint: 'It is tried again by itself when its rest is over.',
    retryAfterMs: tried.retryInMs,
  });
}
