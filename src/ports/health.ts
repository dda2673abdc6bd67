import { z } from 'zod';
import type { Circuit } from '../domain/circuit.ts';
import { contract } from './activity.ts';

export const healthKinds = ['agent', 'model'] as const;
export type HealthKind = (typeof healthKinds)[number];

/** What is kept of one agent, or of one model at one address. */
export interface Health {
  readonly kind: HealthKind;
  /** The role's name, or `model@host`. */
  readonly name: string;
  readonly circuit: Circuit;
  /** Tasks that ended well and badly, of agents. */
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
}

/** Asks whether an agent may be given work, or who stands in for it meanwhile. */
export const admitAgent = contract(
  'agent.admit',
  z.object({ node: z.string(), agent: z.string(), backup: z.string().nullable(), holder: z.string() }),
  z.object({ agent: z.string(), reason: z.string().nullable() }),
);
