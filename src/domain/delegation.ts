import { z } from 'zod';

/** Somebody who is away has named who decides in their place, for a time. */
export const delegationSchema = z.object({
  id: z.string(),
  team: z.string(),
  from: z.string(),
  to: z.string(),
  /** Holds from here, and before `until`. Milliseconds since the epoch. */
  since: z.number(),
  until: z.number(),
  /** When it was taken back; null while it was not. */
  endedAt: z.number().nullable(),
});
export type Delegation = z.infer<typeof delegationSchema>;

export function holds({ since, until, endedAt }: Delegation, now: number): boolean {
  return since <= now && now < until && (endedAt === null || now < endedAt);
}

/** Longest that somebody may be stood in for: whoever is away longer names somebody in the policy. */
export const LONGEST_MS = 60 * 86_400_000;

/** Why a delegation is not made. */
export type DelegationRefusal =
  | 'self'
  | 'not_a_person'
  | 'outsider'
  | 'no_role'
  | 'own_role'
  | 'past'
  | 'too_long';
