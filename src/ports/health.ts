import { z } from 'zod';
import type { Circuit, CircuitOutcome } from '../domain/circuit.ts';
import { contract } from './activity.ts';

export const healthKinds = ['agent', 'model', 'server'] as const;
export type HealthKind = (typeof healthKinds)[number];

/** What is kept of one agent, of one model at one address, or of one server of tools. */
export interface Health {
  readonly kind: HealthKind;
  /** The role's name, `model@host`, or the server's name in baton.yaml. */
  readonly name: string;
  readonly circuit: Circuit;
  /** Tasks of agents that ended well and badly; of servers, calls. */
  readonly done: number;
  readonly failed: number;
  /** The last thing that went wrong. */
  readonly lastFailure: { readonly code: string; readonly message: string; readonly at: number } | null;
}

/** The one door to circuits. How agents' tasks end is counted where their events are written, in the same transaction. */
export interface HealthStore {
  read(kind: HealthKind, name: string): Promise<Health>;
  all(): Promise<Health[]>;
  /** Changes a circuit by a pure function of what it is; nothing is written when it stays as it is. */
  change(
    kind: HealthKind,
    name: string,
    change: (circuit: Circuit) => Circuit,
    failure?: { readonly code: string; readonly message: string },
  ): Promise<{ readonly before: Circuit; readonly after: Circuit }>;
  /** Counts how something ended, for the circuit and for people. @param by who was admitted */
  ended(
    kind: HealthKind,
    name: string,
    by: string,
    outcome: CircuitOutcome,
    failure?: { readonly code: string; readonly message: string },
  ): Promise<void>;
}

/** Asks whether an agent may be given work, or who stands in for it meanwhile. */
export const admitAgent = contract(
  'agent.admit',
  z.object({ node: z.string(), agent: z.string(), backup: z.string().nullable(), holder: z.string() }),
  z.object({ agent: z.string(), reason: z.string().nullable() }),
);
