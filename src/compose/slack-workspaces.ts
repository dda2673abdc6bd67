import type { App, Authorize, AuthorizeSourceData, Logger } from '@slack/bolt';
import type { Logger as Log } from 'pino';
import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';
import type { Clock } from '../ports/clock.ts';
import type { InstallationStore } from '../ports/installations.ts';
import type { Redact } from '../ports/redactor.ts';
import type { AuditStore, TurnedAway } from '../ports/store.ts';
import { createClients } from '../slack/clients.ts';
import type { OtherDoor } from '../slack/doors/http-receiver.ts';
import { exchangeAt } from '../slack/oauth/exchange.ts';
import { installDoor } from '../slack/oauth/install-door.ts';
import { Installations, idOf } from '../slack/oauth/installations.ts';
import type { KeyRing } from '../slack/oauth/seal.ts';
import { createTransport } from '../slack/out/transport.ts';
import { teamKey } from '../slack/team.ts';
import { type Workspace, Workspaces } from '../slack/workspaces.ts';

/** How long Slack may take to exchange a token. */
const EXCHANGE_MS = 30_000;

/** How workspaces install Baton by themselves. */
export interface OAuthOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly stateSecret: string;
  readonly signingSecret: string;
  readonly keys: KeyRing;
  /** Ids of workspaces and organisations that may. */
  readonly allowed: readonly string[];
}

export interface WorkspacesOptions {
  /** Of the one workspace, or of the first where there are several; null: all come by installing. */
  readonly botToken: string | null;
  readonly oauth: OAuthOptions | null;
  readonly apiUrl: string;
  readonly store: InstallationStore;
  readonly audit: Pick<AuditStore, 'turnedAway'>;
  readonly clock: Clock;
  readonly redact: Redact;
  readonly log: Log;
  readonly logger: Logger;
  /** A workspace has come, or come back: what waits for it can be sent. */
  readonly onPut: () => void;
  /** Baton was taken out of one. */
  readonly onGone: () => void;
}

/** The workspace whose token stands in the environment. */
export interface Identity {
  readonly team: string;
  /** The workspace's bare id. */
  readonly homeTeam: string;
  readonly name: string;
}

/** The workspaces Baton speaks to: the one whose token is given, and those that installed it. */
export async function joinWorkspaces(options: WorkspacesOptions) {
  const { botToken, oauth, apiUrl, redact, log, store, clock, logger } = options;
  const workspaces = new Workspaces();
  const connect = (found: Pick<Workspace, 'id' | 'name' | 'botToken' | 'botUser' | 'botId'>): Workspace => {
    const clients = createClients({ token: found.botToken, apiUrl, redact, log });
    return { ...found, clients, transport: createTransport(clients) };
  };
  const installations =
    oauth === null
      ? null
      : new Installations({
          store,
          keys: oauth.keys,
          workspaces,
          allowed: oauth.allowed,
          connect,
          clock,
          exchange: exchangeAt(apiUrl, oauth.clientId, oauth.clientSecret, EXCHANGE_MS),
          onGone: options.onGone,
          onPut: options.onPut,
          onTrouble: (id, error) =>
            log.error({ id, error: redact(String(error)) }, 'Something is wrong with an installation'),
        });
  let identity: Identity | null = null;
  if (botToken !== null) {
    const asked = createClients({ token: botToken, apiUrl, redact, log }).prompt.auth.test();
    const found = await whoAmI(asked);
    workspaces.put(connect({ ...found, id: found.team, botToken }));
    identity = found;
  }
  await installations?.load();

  const authorize: Authorize<boolean> = async (source) => {
    const { teamId, enterpriseId, isEnterpriseInstall } = source;
    const id =
      teamId === undefined ? idOf(teamId, enterpriseId, isEnterpriseInstall) : teamKey(enterpriseId, teamId);
    const found = id === null ? null : workspaces.of(id);
    if (found === null) {
      await options.audit.turnedAway(turnedAway(id, source), clock.now());
      throw new Error('Baton is not installed there');
    }
    return { botToken: found.botToken, botId: found.botId, botUserId: found.botUser };
  };

  return {
    workspaces,
    identity,
    authorize,
    stop: async () => installations?.stop(),
    door:
      oauth === null || installations === null
        ? null
        : installDoor({ ...oauth, apiUrl, store: installations, logger }),
    /** From these events on nothing is sent there; what waits is kept, and goes out when it is installed again. */
    listen(app: App): void {
      const gone = async (body: unknown, how: string): Promise<void> => {
        const id = goneId(body);
        if (id === null) return;
        workspaces.remove(id);
        const held = (await installations?.revoke(id, how)) ?? false;
        log.warn(
          { workspace: id, how, held },
          'Baton was taken out of a workspace: nothing is sent there any more, and its runs wait. Install it there again at /slack/install',
        );
        options.onGone();
      };
      app.event('app_uninstalled', async ({ body }) => gone(body, 'app_uninstalled'));
      app.event('tokens_revoked', async ({ body }) => {
        if (revokedSchema.safeParse(body).success) await gone(body, 'tokens_revoked');
      });
    },
  };
}

/** What came from a workspace that is not here can be answered nobody: the audit has it. */
function turnedAway(id: string | null, { userId, conversationId }: AuthorizeSourceData<boolean>): TurnedAway {
  return {
    team: id ?? '',
    user: userId ?? '',
    place: conversationId ?? '',
    what: 'interaction',
    value: '',
    why: 'other_team',
  };
}

/** Several doors behind one port. */
export function besides(doors: readonly (OtherDoor | null)[]): OtherDoor | null {
  const there = doors.flatMap((door) => (door === null ? [] : [door]));
  if (there.length === 0) return null;
  return {
    takes: (request) => there.some((door) => door.takes(request)),
    serve: async (request, response) => there.find((door) => door.takes(request))?.serve(request, response),
  };
}

const goneSchema = z.object({
  team_id: z.string().optional(),
  enterprise_id: z.string().nullish(),
  is_enterprise_install: z.boolean().optional(),
  authorizations: z.array(z.object({ is_enterprise_install: z.boolean().optional() })).optional(),
});
/** Tokens of people are not used here: only a bot's that is taken back matters. */
const revokedSchema = z.object({
  event: z.object({ tokens: z.object({ bot: z.array(z.string()).min(1) }) }),
});

function goneId(body: unknown): string | null {
  const found = goneSchema.safeParse(body).data;
  if (found === undefined) return null;
  const whole = found.is_enterprise_install ?? found.authorizations?.[0]?.is_enterprise_install ?? false;
  return idOf(found.team_id, found.enterprise_id ?? undefined, whole);
}

const identitySchema = z.object({
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  user_id: z.string(),
  bot_id: z.string().optional(),
  team: z.string().optional(),
});

async function whoAmI(
  asked: Promise<unknown>,
): Promise<Identity & { readonly botUser: string; readonly botId: string }> {
  try {
    const found = identitySchema.parse(await asked);
    return {
      team: teamKey(found.enterprise_id, found.team_id),
      homeTeam: found.team_id,
      botUser: found.user_id,
      botId: found.bot_id ?? found.user_id,
      name: found.team ?? found.team_id,
    };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (/invalid_auth|not_authed|token_revoked|account_inactive/.test(text)) {
      throw new BatonError(
        {
          class: 'terminal',
          code: 'slack_token',
          message: 'Slack does not accept SLACK_BOT_TOKEN',
          hint: 'Copy it again from your app\'s page under "OAuth & Permissions" (it starts with "xoxb-"), then start again. Nothing was lost.',
        },
        error,
      );
    }
    throw new BatonError(
      {
        class: 'terminal',
        code: 'slack_unreachable',
        message: `Slack could not be reached: ${text}`,
        hint: 'Check the network and SLACK_API_URL, then start again. Nothing was lost.',
      },
      error,
    );
  }
}
