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
    name: z.string().optional(),
    real_name: z.string().optional(),
    deleted: z.boolean().optional(),
    is_bot: z.boolean().optional(),
    is_restricted: z.boolean().optional(),
    is_ultra_restricted: z.boolean().optional(),
    is_stranger: z.boolean().optional(),
    tz: z.string().optional(),
  }),
});

/** How long what Slack said of a person is believed. Short: somebody who left must not decide for long. */
const BELIEVE_MS = 30_000;

/** People move rarely, and a wrong hour does no harm. */
const ZONE_MS = 3_600_000;

const NAMES_MS = 300_000;
/** Ten thousand people; in a larger workspace those beyond are named by their member id. */
const MOST_PAGES = 50;

interface Named {
  readonly id: string;
  readonly names: readonly string[];
}

const listSchema = z.object({
  members: z.array(
    z.object({
      id: z.string(),
      name: z.string().optional(),
      deleted: z.boolean().optional(),
      is_bot: z.boolean().optional(),
      profile: z.object({ display_name: z.string().optional() }).optional(),
    }),
  ),
  response_metadata: z.object({ next_cursor: z.string().optional() }).optional(),
});

const groupsSchema = z.object({
  usergroups: z.array(z.object({ id: z.string(), handle: z.string() })),
});
const membersSchema = z.object({ users: z.array(z.string()) });
/** What Slack answers about a user group that is gone, or was switched off: nobody is in it. */
const NO_GROUP = /no_such_subteam|subteam_not_found/;

/** Who people are, as Slack says. Throws when Slack does not say: nobody decides on a guess. */
export class People implements Directory {
  readonly #client: (team: string) => WebClient;
  readonly #clock: Clock;
  readonly #known = new Map<
    string,
    { readonly until: number; readonly decider: Decider; readonly name: string }
  >();
  readonly #zones = new Map<string, { readonly until: number; readonly zone: string | null }>();
  readonly #names = new Map<string, { readonly until: number; readonly people: readonly Named[] }>();
  readonly #handles = new Map<
    string,
    { readonly until: number; readonly handles: ReadonlyMap<string, string> }
  >();
  readonly #groups = new Map<string, { readonly until: number; readonly members: readonly string[] }>();

  /** @param client of the workspace by its key; throws where Baton is not installed */
  constructor(client: (team: string) => WebClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @param team the workspace in which the person acted, as its key; @param homeTeam its bare id */
  async decider(user: string, team: string, homeTeam: string, fresh = false): Promise<Decider> {
    const key = `${team}/${user}`;
    const now = this.#clock.monotonic();
    const known = this.#known.get(key);
    if (!fresh && known !== undefined && known.until > now) return known.decider;
    const client = this.#client(team);
    const { user: info } = infoSchema.parse(await client.users.info({ user }));
    const decider: Decider = {
      id: info.id,
      team,
      isBot: info.is_bot === true || info.deleted === true,
      isGuest: info.is_restricted === true || info.is_ultra_restricted === true,
      isStranger: info.is_stranger === true || (info.team_id !== undefined && info.team_id !== homeTeam),
    };
    if (this.#known.size > 5_000) this.#known.clear();
    if (this.#zones.size > 5_000) this.#zones.clear();
    this.#zones.set(key, { until: now + ZONE_MS, zone: info.tz ?? null });
    this.#known.set(key, { until: now + BELIEVE_MS, decider, name: info.real_name ?? info.name ?? info.id });
    return decider;
  }

  /** What somebody is called, for a list to choose from. */
  async name(user: string, team: string): Promise<string> {
    await this.person(user, team, false);
    return this.#known.get(`${team}/${user}`)?.name ?? user;
  }

  person(user: string, team: string, fresh: boolean): Promise<Decider> {
    return this.decider(user, team, bareTeam(team), fresh);
  }

  async zone(user: string, team: string): Promise<string | null> {
    const known = this.#zones.get(`${team}/${user}`);
    if (known !== undefined && known.until > this.#clock.monotonic()) return known.zone;
    await this.decider(user, team, bareTeam(team), true);
    return this.#zones.get(`${team}/${user}`)?.zone ?? null;
  }

  /** Ids of the members whom people mean by a mention, a member id, or a name as it stands after an @. */
  async named(said: string, team: string): Promise<readonly string[]> {
    const id = /^<@([UW][A-Z0-9]+)(?:\|[^>]*)?>$/.exec(said)?.[1] ?? /^([UW][A-Z0-9]{6,})$/.exec(said)?.[1];
    if (id !== undefined) return [id];
    const wanted = said.replace(/^@/, '').toLowerCase();
    const names = await this.#everybody(team);
    return names.filter(({ names: known }) => known.includes(wanted)).map((each) => each.id);
  }

  /** Asked for rarely, page by page, so it is kept a while. */
  async #everybody(team: string): Promise<readonly Named[]> {
    const now = this.#clock.monotonic();
    const known = this.#names.get(team);
    if (known !== undefined && known.until > now) return known.people;
    const people: Named[] = [];
    const client = this.#client(team);
    let cursor = '';
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const found = listSchema.parse(
        await client.users.list({
          limit: 200,
          team_id: bareTeam(team),
          ...(cursor === '' ? {} : { cursor }),
        }),
      );
      for (const { id, name, deleted, is_bot: bot, profile } of found.members) {
        if (deleted === true || bot === true) continue;
        const names = [name, profile?.display_name].flatMap((each) => (each ? [each.toLowerCase()] : []));
        people.push({ id, names });
      }
      cursor = found.response_metadata?.next_cursor ?? '';
      if (cursor === '') break;
    }
    this.#names.set(team, { until: now + NAMES_MS, people });
    return people;
  }

  async members(group: string, team: string, fresh: boolean): Promise<readonly string[]> {
    const key = `${team}/${group}`;
    const now = this.#clock.monotonic();
    const known = this.#groups.get(key);
    if (!fresh && known !== undefined && known.until > now) return known.members;
    const members = await this.#membersOf(group, team);
    if (this.#groups.size > 1_000) this.#groups.clear();
    this.#groups.set(key, { until: now + BELIEVE_MS, members });
    return members;
  }

  /** What user groups are called, by their ids; those of which Slack says nothing are left out. Never throws. */
  async handles(groups: readonly string[], team: string): Promise<ReadonlyMap<string, string>> {
    if (groups.length === 0) return new Map();
    const now = this.#clock.monotonic();
    const known = this.#handles.get(team);
    if (known !== undefined && known.until > now) return known.handles;
    try {
      const listed = groupsSchema.parse(
        await this.#client(team).usergroups.list({ team_id: bareTeam(team) }),
      );
      const handles = new Map(listed.usergroups.map(({ id, handle }) => [id, handle]));
      this.#handles.set(team, { until: now + NAMES_MS, handles });
      return handles;
    } catch {
      return new Map();
    }
  }

  async #membersOf(group: string, team: string): Promise<readonly string[]> {
    const client = this.#client(team);
    try {
      // An organisation's token asks about one workspace of it; a workspace's own is not changed by it.
      const asked = { usergroup: group, team_id: bareTeam(team) };
      return membersSchema.parse(await client.usergroups.users.list(asked)).users;
    } catch (error) {
      if (error instanceof Error && NO_GROUP.test(error.message)) return [];
      throw error;
    }
  }
}
