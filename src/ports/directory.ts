import type { Decider } from '../domain/approval.ts';

/** Who people are and which groups they are in, as the chat's own directory says. Throws when it does not say. */
export interface Directory {
  /**
   * @param team the workspace in which the person acts, as its key
   * @param fresh asks anew, however short ago it was asked
   */
  person(user: string, team: string, fresh: boolean): Promise<Decider>;
  /** The name of the time zone somebody lives in, such as `Europe/Berlin`; null: it is not known. */
  zone(user: string, team: string): Promise<string | null>;
  /** Ids of a user group's members; none for a group that was emptied or is gone. */
  members(group: string, team: string, fresh: boolean): Promise<readonly string[]>;
}
