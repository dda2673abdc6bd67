import { z } from 'zod';
import { type Uses, usesSchema } from '../domain/resources.ts';
import { contract } from './activity.ts';

/** A run's claim on named resources, across runs: kept from the wish on until its holder has ended. */
export interface Lease {
  readonly id: string;
  readonly runId: string;
  readonly wants: Uses;
  readonly held: boolean;
  readonly askedAt: number;
}

/**
 * The one door to the table of leases. A claim lives as long as the timer that its holder set before it asked: the
 * engine takes that timer away in the very transaction in which the holder ends, fails or is cancelled, so there is
 * no way of ending that leaves a lease behind.
 */
export interface LeaseStore {
  /** Idempotent by id. `gone`: the holder ended meanwhile, so nothing was claimed. */
  claim(input: {
    readonly id: string;
    readonly runId: string;
    readonly timer: string;
    readonly wants: Uses;
    readonly now: number;
  }): Promise<'held' | 'waiting' | 'gone'>;
  /** Releases what nobody holds any more and grants what has become free. Safe at any time. */
  settle(now: number): Promise<{
    /** Runs that were told that their wait is over. */
    readonly wake: readonly string[];
    readonly nextAt: number | null;
    readonly open: number;
  }>;
  /** Held and waiting, in the order in which they came. */
  all(): Promise<readonly Lease[]>;
}

/** Claims what a node uses. */
export const claimResources = contract(
  'resources.claim',
  z.object({
    node: z.string(),
    uses: usesSchema,
    /** The fiber under which the holder's timer stands. */
    holder: z.string(),
  }),
  z.object({ lease: z.string(), status: z.enum(['held', 'waiting', 'gone']) }),
);

/** What a waiting run is sent when its turn has come; `refused` when the inventory no longer has what it wants. */
export const leaseSignalSchema = z.object({ refused: z.string().nullable() });

export function leaseSignal(lease: string): string {
  return `lease:${lease}`;
}
