import type { Clock } from './clock.ts';
import { newSecret } from './ids.ts';

/** A bot's token that ends, with what it is exchanged for the next one; in the words of `oauth.v2.access`. */
export type IssuedToken = Readonly<{ access_token: string; refresh_token: string; expires_in: number }>;

/** The bot's tokens where they rotate. Kept in memory: a restarted desk knows none of those it gave out. */
export type Rotation = Readonly<{
  /** A token for an app that was just installed. */
  issue(): IssuedToken;
  /** The next one; null for a refresh token that is not known, or was used: each counts once. */
  exchange(refreshToken: string): IssuedToken | null;
  /** What a token is now; the one before works on until its own end. */
  look(token: string): 'good' | 'expired' | 'unknown';
}>;

/** @param lifeMs how long a token is good; Slack's are for twelve hours */
export function createRotation(clock: Clock, lifeMs: number): Rotation {
  const ends = new Map<string, number>();
  const open = new Set<string>();
  const issue = (): IssuedToken => {
    const issued = {
      access_token: `xoxe.xoxb-desk-${newSecret(12)}`,
      refresh_token: `xoxe-desk-${newSecret(12)}`,
      expires_in: Math.floor(lifeMs / 1_000),
    };
    ends.set(issued.access_token, clock.now() + lifeMs);
    open.add(issued.refresh_token);
    return issued;
  };
  return {
    issue,
    exchange: (refreshToken) => (open.delete(refreshToken) ? issue() : null),
    look(token) {
      const end = ends.get(token);
      if (end === undefined) return 'unknown';
      return clock.now() < end ? 'good' : 'expired';
    },
  };
}
