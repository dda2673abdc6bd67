import type { Decider } from '../../src/domain/approval.ts';
import type { Directory } from '../../src/ports/directory.ts';

/** A member of the workspace, and nothing else. */
export function member(id: string, team: string): Decider {
  return { id, team, isBot: false, isGuest: false, isStranger: false };
}

/** Everybody is a member, and nobody in a group. */
export const everybody: Directory = {
  person: async (id, team) => member(id, team),
  members: async () => [],
  zone: async () => null,
};
