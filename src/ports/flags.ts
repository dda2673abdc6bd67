import { z } from 'zod';
import type { Flag } from '../domain/flags.ts';
import { contract } from './activity.ts';

export interface FlagStore {
  /** Those set in a channel, by name. */
  of(team: string, channel: string): Promise<Flag[]>;
  /** The one way in which a flag changes; it is in the audit with who did it. */
  set(where: { readonly team: string; readonly channel: string }, flag: Flag): Promise<void>;
}

/** The flags of the run's channel as they are now; what was read is the step's outcome, so that a replay reads the same. */
export const readFlags = contract(
  'flags.read',
  z.object({ node: z.string() }),
  z.record(z.string(), z.boolean()),
);
