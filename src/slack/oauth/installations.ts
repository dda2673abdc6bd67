import type { InstallationStore as BoltStore, Installation, InstallationQuery } from '@slack/bolt';
import { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import type { InstallationRow, InstallationStore } from '../../ports/installations.ts';
import { teamKey } from '../team.ts';
import type { Workspace, Workspaces } from '../workspaces.ts';
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
  /** A workspace has come, or has come back. */
  readonly onPut: () => void;
  readonly onTrouble: (id: string, error: unknown) => void;
}

/** Bolt's store of installations over ours: sealed when they are written, and only for those who may install. */
export class Installations implements BoltStore {
  readonly #options: InstallationsOptions;

  constructor(options: InstallationsOptions) {
    this.#options = options;
  }

  /** Opens what is there, and seals with today's key what an older one sealed. */
  async load(): Promise<void> {
    const { store, keys, onTrouble } = this.#options;
    for (const row of await store.all()) {
      try {
        const text = keys.open(row, row.id);
        this.#connect(row, secretSchema.parse(JSON.parse(text)));
        if (row.keyId === keys.current) continue;
        const { sealed, keyId } = keys.seal(text, row.id);
        await store.reseal(row.id, sealed, keyId);
      } catch (error) {
        onTrouble(row.id, error);
      }
    }
  }

  /** @throws when nobody has said that this workspace may install */
  async storeInstallation(installation: Installation): Promise<void> {
    const { store, keys, allowed, clock, onPut } = this.#options;
    const { team, enterprise, bot, user, isEnterpriseInstall } = installation;
    const whole = isEnterpriseInstall === true;
    const id = idOf(team?.id, enterprise?.id, whole);
    const named = [...(whole ? [] : [team?.id]), enterprise?.id].some(
      (each) => each !== undefined && allowed.includes(each),
    );
    if (id === null || bot === undefined || !named)
      throw new Error('This workspace is not among those named under `workspaces:` in baton.yaml');
    const secret: Secret = {
      botToken: bot.token,
      botUser: bot.userId,
      botId: bot.id,
      scopes: bot.scopes,
      by: user.id,
      team: team?.id ?? null,
      enterprise: enterprise?.id ?? null,
    };
    const name = (whole ? enterprise?.name : team?.name) ?? id;
    const row = { id, name, ...keys.seal(JSON.stringify(secret), id), installedAt: clock.now() };
    await store.put(row, user.id);
    this.#connect(row, secret);
    onPut();
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
