import type { WebClient } from '@slack/web-api';
import { z } from 'zod';
import type { Decider } from '../domain/approval.ts';
import type { Clock } from '../ports/clock.ts';
import type { Directory } from '../ports/directory.ts';
import { bareTeam } from './team.ts';

const infoSchema = z.object({
  user: z.object({
    id: z.string(),
    team_id: z.string().optional(),
    deleted: z.boolean().optional(),
    is_bot: z.boolean().optional(),
    is_restricted: z.boolean().optional(),
    is_ultra_restricted: z.boolean().optional(),
    is_stranger: z.boolean().optional(),
  }),
});

/** How long what Slack said of a person is believed. Short: somebody who left must not decide for long. */
const BELIEVE_MS = 30_000;

const membersSchema = z.object({ users: z.array(z.string()) });
/** What Slack answers about a user group that is gone, or was switched off: nobody is in it. */
const NO_GROUP = /no_such_subteam|subteam_not_found/;

/** Who people are, as Slack says. Throws when Slack does not say: nobody decides on a guess. */
export class People implements Directory {
  readonly #client: WebClient;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly until: number; readonly decider: Decider }>();
  readonly #groups = new Map<string, { readonly until: number; readonly members: readonly string[] }>();

  constructor(client: WebClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @param team the workspace in which the person acted, as its key; @param homeTeam its bare id */
  async decider(user: string, team: string, homeTeam: string, fresh = false): Promise<Decider> {
    const key = `${team}/${user}`;
    const now = this.#clock.monotonic();
    const known = this.#known.get(key);
    if (!fresh && known !== undefined && known.until > now) return known.decider;
    const { user: info } = infoSchema.parse(await this.#client.users.info({ user }));
    const decider: Decider = {
      id: info.id,
      team,
      isBot: info.is_bot === true || info.deleted === true,
      isGuest: info.is_restricted === true || info.is_ultra_restricted === true,
      isStranger: info.is_stranger === true || (info.team_id !== undefined && info.team_id !== homeTeam),
    };
    if (this.#known.size > 5_000) this.#known.clear();
    this.#known.set(key, { until: now + BELIEVE_MS, decider });
    return decider;
  }

  person(user: string, team: string, fresh: boolean): Promise<Decider> {
    return this.decider(user, team, bareTeam(team), fresh);
  }

  async members(group: string, team: string, fresh: boolean): Promise<readonly string[]> {
    const key = `${team}/${group}`;
    const now = this.#clock.monotonic();
    const known = this.#groups.get(key);
    if (!fresh && known !== undefined && known.until > now) return known.members;
    const members = await this.#membersOf(group);
    if (this.#groups.size > 1_000) this.#groups.clear();
    this.#groups.set(key, { until: now + BELIEVE_MS, members });
    return members;
  }

  async #membersOf(group: string): Promise<readonly string[]> {
    try {
      return membersSchema.parse(await this.#client.usergroups.users.list({ usergroup: group })).users;
    } catch (error) {
      if (error instanceof Error && NO_GROUP.test(error.message)) return [];
      throw error;
    }
  }
}
