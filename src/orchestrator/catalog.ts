import type { AgentRole } from '../domain/agent.ts';
import type { Workflow } from '../domain/workflow.ts';

/** What can be started, and by whom it is carried out. Loaded once at the start. */
export interface Catalog {
  readonly workflows: ReadonlyMap<string, Workflow>;
  readonly roles: ReadonlyMap<string, AgentRole>;
}
