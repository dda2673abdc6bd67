import type { WebClient } from '@slack/web-api';
import { z } from 'zod';
import type { Decider } from '../domain/approval.ts';
import type { Clock } from '../ports/clock.ts';

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

/** Who people are, as Slack says. Throws when Slack does not say: nobody decides on a guess. */
export class People {
  readonly #client: WebClient;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly until: number; readonly decider: Decider }>();

  constructor(client: WebClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @param team the workspace in which the person acted, as its key; @param homeTeam its bare id */
  async decider(user: string, team: string, homeTeam: string): Promise<Decider> {
    const key = `${team}/${user}`;
    const now = this.#clock.monotonic();
    const known = this.#known.get(key);
    if (known !== undefined && known.until > now) return known.decider;
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
}
