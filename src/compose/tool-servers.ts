import { createMcpPins } from '../../db/mcp-pins.ts';
import type { Db } from '../../db/open.ts';
import { serverTools } from '../agents/mcp/activity.ts';
import type { McpSettings } from '../domain/mcp-settings.ts';
import type { Approvals } from '../orchestrator/approvals.ts';
import type { PayloadDeps } from '../orchestrator/payloads.ts';
import { toolGate } from '../orchestrator/tool-gate.ts';
import type { WorkspaceRegistry } from '../orchestrator/workspace-registry.ts';
import type { HealthStore } from '../ports/health.ts';
import type { Store } from '../ports/store.ts';
import type { ModelsOptions } from './models.ts';

interface Joined extends Pick<ModelsOptions, 'clock' | 'redact'> {
  readonly mcp?: McpSettings;
  readonly db: Db;
  readonly registry: WorkspaceRegistry;
  readonly approvals: Approvals;
  readonly store: Pick<Store, 'approvals'>;
  readonly payloads: PayloadDeps;
  readonly health: HealthStore;
}

/** The tools of other servers: where their programs run, what was seen of them, and who allows what. */
export function joinToolServers({
  mcp,
  db,
  registry,
  approvals,
  store,
  payloads,
  health,
  clock,
  redact,
}: Joined) {
  return serverTools({
    ...(mcp ?? { servers: {}, values: {} }),
    workspaceOf: (runId, stream) => registry.of(runId, stream),
    pins: createMcpPins(db, () => clock.now()),
    allow: toolGate({ approvals, store: store.approvals, payloads }),
    health,
    redact,
    clock,
  });
}
