import { openAccess } from '../../src/domain/access.ts';
import { Approvals, type ApprovalsDeps } from '../../src/orchestrator/approvals.ts';
import { currentDigest } from '../../src/orchestrator/payloads.ts';
import type { WorkspaceRegistry } from '../../src/orchestrator/workspace-registry.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Store } from '../../src/ports/store.ts';
import { everybody } from './directory.ts';

/** The use cases of approvals over a real store, in a workspace of members. */
export function approvalsOver(
  store: Pick<Store, 'approvals' | 'sessions' | 'runs'>,
  registry: WorkspaceRegistry,
  clock: Clock,
  more: Partial<ApprovalsDeps> = {},
): Approvals {
  const payloads = { registry, runs: store.runs, policyVersion: '', redact: (text: string) => text };
  return new Approvals({
    approvals: store.approvals,
    sessions: store.sessions,
    delegations: { ofTeam: async () => [] },
    directory: everybody,
    access: openAccess,
    sameRepository: (rule, repository) => rule === repository,
    digestNow: (approval, now) => currentDigest(payloads, approval, now),
    decided: () => undefined,
    clock,
    redact: (text) => text,
    ...more,
  });
}
