import type { InstallationStore as BoltStore, Installation, InstallationQuery } from '@slack/bolt';
import { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import type { InstallationRow, InstallationStore } from '../../ports/installations.ts';
import { teamKey } from '../team.ts';
import type { Workspace, Workspaces } from '../workspaces.ts';
import type { Exchange, RotatedToken } from './exchange.ts';
import type { KeyRing } from './seal.ts';

/** What is sealed: all that is needed to speak there, and nothing of the person who installed it but their id. */
const secretSchema = z.object({
  botToken: z.string(),
  botUser: z.string(),
  botId: z.string(),
  scopes: z.array(z.string()),
  by: z.string(),
  team: z.string().nullable(),
  enterprise: z.string().nullable(),
  /** Where Slack rotates tokens: what the next one is asked with, and when this one ends, in ms since the epoch. */
  refreshToken: z.string().nullable().default(null),
  expiresAt: z.number().nullable().default(null),
});
type Secret = z.infer<typeof secretSchema>;

export interface InstallationsOptions {
  readonly store: InstallationStore;
  readonly keys: KeyRing;
  readonly workspaces: Workspaces;
  /** Ids of the workspaces and organisations that may install. */
  readonly allowed: readonly string[];
  readonly connect: (found: Pick<Workspace, 'id' | 'name' | 'botToken' | 'botUser' | 'botId'>) => Workspace;
  readonly clock: Clock;
  readonly exchange: Exchange;
  /** A workspace cannot be spoken to any more until it installs Baton anew. */
  readonly onGone: () => void;
  /** A workspace has come, or has come back. */
  readonly onPut: () => void;
  readonly onTrouble: (id: string, error: unknown) => void;
}

/** Slack's tokens that rotate hold for twelve hours; two of them are time for it to answer again. */
const EARLY_MS = 2 * 3_600_000;
/** Between two attempts. */
const RETRY_MS = 60_000;
const ENDS =
  'Slack does not exchange the token of this workspace any more; it works until its end. Install Baton there again at /slack/install';
const ENDED =
  'The token of this workspace has ended and could not be exchanged: nothing is sent there, and its runs wait. Install Baton there again at /slack/install';
const NOT_NAMED = 'This workspace is not among those named under `workspaces:` in baton.yaml';

/** Bolt's store of installations over ours: sealed when they are written, and only for those who may install. */
export class Installations implements BoltStore {
  readonly #options: InstallationsOptions;
  #cancelTimer: () => void = () => undefined;
  #stopped = false;
  #working = Promise.resolve();
  /** Exchanged and not kept yet, with what is to be replaced: a refresh token that counted once is of no more use. */
  readonly #unkept = new Map<string, { readonly was: string; readonly fresh: Secret }>();

  constructor(options: InstallationsOptions) {
    this.#options = options;
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    return this.#working;
  }

  /**
   * Exchanges the tokens that are about to end, one after the other: each refresh token counts once, so nobody else may
   * be at it. What was not answered is asked again while the old token still works.
   */
  rotate(): Promise<void> {
    this.#working = this.#working
      .then(() => this.#rotateAll())
      .catch((error: unknown) => {
        this.#options.onTrouble('', error);
        this.#lookAgain(RETRY_MS);
      });
    return this.#working;
  }

  async #rotateAll(): Promise<void> {
    const { store, onTrouble } = this.#options;
    const next: number[] = [];
    for (const row of await store.all()) {
      const at = await this.#rotateOne(row).catch((error: unknown) => {
        onTrouble(row.id, error);
        return this.#options.clock.now() + RETRY_MS;
      });
      if (at !== null) next.push(at);
    }
    if (next.length > 0) this.#lookAgain(Math.min(...next) - this.#options.clock.now());
  }

  #lookAgain(ms: number): void {
    this.#cancelTimer();
    if (this.#stopped) return;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, ms), () => void this.rotate());
  }

  /** @returns when to look again; null when there is nothing to look for */
  async #rotateOne(row: InstallationRow): Promise<number | null> {
    const { keys, clock, workspaces, exchange, onTrouble, onGone } = this.#options;
    // What cannot be opened, or is not served, was told of when it was loaded.
    if (workspaces.of(row.id)?.id !== row.id) return null;
    const unkept = this.#unkept.get(row.id);
    if (unkept?.was === row.sealed) return this.#keep(row, unkept.fresh);
    const secret = secretSchema.parse(JSON.parse(keys.open(row, row.id)));
    const { refreshToken, expiresAt } = secret;
    if (refreshToken === null || expiresAt === null) return null;
    if (expiresAt - clock.now() > EARLY_MS) return expiresAt - EARLY_MS;
    const over = (): number | null => {
      if (clock.now() < expiresAt) return Math.min(expiresAt, clock.now() + RETRY_MS);
      workspaces.remove(row.id);
      onTrouble(row.id, new Error(ENDED));
      onGone();
      return null;
    };
    let given: RotatedToken | null;
    try {
      given = await exchange(refreshToken);
    } catch (error) {
      onTrouble(row.id, error);
      return over();
    }
    if (given === null) {
      onTrouble(row.id, new Error(ENDS));
      // Asking again is of no use: the old one works until its end.
      return clock.now() < expiresAt ? expiresAt : over();
    }
    const { botToken, refreshToken: after, expiresIn } = given;
    const fresh: Secret = {
      ...secret,
      botToken,
      refreshToken: after,
      expiresAt: clock.now() + expiresIn * 1_000,
    };
    return this.#keep(row, fresh);
  }

  /** Where it cannot be kept now, it is tried again with the next look: Slack is not asked a second time. */
  async #keep(row: InstallationRow, fresh: Secret): Promise<number | null> {
    const { store, keys, clock } = this.#options;
    this.#unkept.set(row.id, { was: row.sealed, fresh });
    const { sealed, keyId } = keys.seal(JSON.stringify(fresh), row.id);
    // Installed anew, or taken out, while Slack was asked: what stands there now goes before this.
    if (await store.reseal(row.id, row.sealed, sealed, keyId)) this.#connect(row, fresh);
    this.#unkept.delete(row.id);
    return fresh.expiresAt === null ? null : Math.max(clock.now() + RETRY_MS, fresh.expiresAt - EARLY_MS);
  }

  /** Opens what is there, and seals with today's key what an older one sealed. */
  async load(): Promise<void> {
    const { store, keys, onTrouble } = this.#options;
    for (const row of await store.all()) {
      try {
        const text = keys.open(row, row.id);
        const secret = secretSchema.parse(JSON.parse(text));
        // Whoever was taken off the list is not served any more: ids without a workspace may count on it.
        if (!this.#mayInstall(secret.team, secret.enterprise, row.id === secret.enterprise))
          throw new Error(NOT_NAMED);
        this.#connect(row, secret);
        if (row.keyId === keys.current) continue;
        const { sealed, keyId } = keys.seal(text, row.id);
        await store.reseal(row.id, row.sealed, sealed, keyId);
      } catch (error) {
        onTrouble(row.id, error);
      }
    }
    await this.rotate();
  }

  /** @throws when nobody has said that this workspace may install */
  async storeInstallation(installation: Installation): Promise<void> {
    const { store, keys, clock, onPut } = this.#options;
    const { team, enterprise, bot, user, isEnterpriseInstall } = installation;
    const whole = isEnterpriseInstall === true;
    const id = idOf(team?.id, enterprise?.id, whole);
    const named = this.#mayInstall(team?.id ?? null, enterprise?.id ?? null, whole);
    if (id === null || bot === undefined || !named) throw new Error(NOT_NAMED);
    const secret: Secret = {
      botToken: bot.token,
      botUser: bot.userId,
      botId: bot.id,
      scopes: bot.scopes,
      by: user.id,
      team: team?.id ?? null,
      enterprise: enterprise?.id ?? null,
      refreshToken: bot.refreshToken ?? null,
      // Slack tells it in seconds.
      expiresAt: bot.expiresAt === undefined ? null : bot.expiresAt * 1_000,
    };
    const name = (whole ? enterprise?.name : team?.name) ?? id;
    const row = { id, name, ...keys.seal(JSON.stringify(secret), id), installedAt: clock.now() };
    await store.put(row, user.id);
    this.#connect(row, secret);
    onPut();
    await this.rotate();
  }

  async fetchInstallation(query: InstallationQuery<boolean>): Promise<Installation<'v2', boolean>> {
    const { store, keys } = this.#options;
    const id = idOf(query.teamId, query.enterpriseId, query.isEnterpriseInstall);
    const row = (await store.all()).find((each) => each.id === id);
    if (row === undefined) throw new Error('Baton is not installed there');
    const { botToken, botUser, botId, scopes, by, team, enterprise } = secretSchema.parse(
      JSON.parse(keys.open(row, row.id)),
    );
    return {
      team: team === null ? undefined : { id: team },
      enterprise: enterprise === null ? undefined : { id: enterprise },
      user: { id: by, token: undefined, scopes: undefined },
      bot: { token: botToken, id: botId, userId: botUser, scopes },
      isEnterpriseInstall: query.isEnterpriseInstall,
      authVersion: 'v2',
    };
  }

  async deleteInstallation(query: InstallationQuery<boolean>): Promise<void> {
    const id = idOf(query.teamId, query.enterpriseId, query.isEnterpriseInstall);
    if (id !== null) await this.revoke(id, 'deleted');
  }

  /** Nothing is sent there from this moment on. @returns false when it was not installed */
  async revoke(id: string, how: string): Promise<boolean> {
    this.#options.workspaces.remove(id);
    return this.#options.store.revoke(id, how, this.#options.clock.now());
  }

  /** By its own id, or its organisation's; as a whole, an organisation by its own alone. */
  #mayInstall(team: string | null, enterprise: string | null, whole: boolean): boolean {
    const { allowed } = this.#options;
    return [whole ? null : team, enterprise].some((each) => each !== null && allowed.includes(each));
  }

  #connect({ id, name }: Pick<InstallationRow, 'id' | 'name'>, { botToken, botUser, botId }: Secret): void {
    const { workspaces, connect } = this.#options;
    workspaces.put(connect({ id, name, botToken, botUser, botId }));
  }
}

/** The key under which an installation is kept. Null: Slack told neither of workspace nor of organisation. */
export function idOf(
  team: string | undefined,
  enterprise: string | undefined,
  whole: boolean,
): string | null {
  if (whole) return enterprise ?? null;
  return team === undefined ? null : teamKey(enterprise, team);
}
