import type { Delegation } from '../domain/delegation.ts';

export type NewDelegation = Omit<Delegation, 'endedAt'>;

/** Who decides in whose place while they are away. Each change has its row in the audit, in the same transaction. */
export interface DelegationStore {
  /** Takes the place of what this person had said before. Idempotent by id. */
  make(delegation: NewDelegation, now: number): Promise<void>;
  /** Takes back what this person said. @returns what held or was still to come */
  end(team: string, from: string, now: number): Promise<Delegation[]>;
  /** Of a workspace: those that hold now or are still to come, the earliest first. */
  ofTeam(team: string, now: number): Promise<Delegation[]>;
  /** Workspaces in which anything began to hold, or ceased to, from the first of these moments up to the second. */
  changed(from: number, upTo: number): Promise<string[]>;
}
