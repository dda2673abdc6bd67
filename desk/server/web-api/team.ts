import { z } from 'zod';
import { validateBlocks, validateView } from '../blocks/validate.ts';
import type { Desk } from '../desk.ts';
import { ApiError } from '../errors.ts';
import { type Json, parseJson } from '../json.ts';
import { readArgs } from './args.ts';
import type { Methods } from './method.ts';

const botSchema = z.object({ bot: z.string().optional() });

function authTest(desk: Desk): Json {
  const { teamId, teamName, botUser, botId } = desk.identity;
  return {
    url: `${desk.baseUrl()}/`,
    team: teamName,
    user: desk.setup.botName,
    team_id: teamId,
    user_id: botUser,
    bot_id: botId,
    is_enterprise_install: false,
  };
}

function openConnection(desk: Desk): Json {
  const url = desk.socketUrl();
  if (url === null)
    throw new ApiError('not_allowed_token_type', ['Socket Mode is off: a request URL is set.']);
  return { url };
}

function botInfo(desk: Desk, args: Json): Json {
  const { botId, botUser, appId } = desk.identity;
  const { bot } = readArgs(botSchema, args);
  if (bot !== undefined && bot !== botId) throw new ApiError('bot_not_found');
  return {
    bot: { id: botId, app_id: appId, user_id: botUser, name: desk.setup.name, deleted: false, icons: {} },
  };
}

const unwrap = (value: unknown): unknown => (typeof value === 'string' ? parseJson(value) : value);
const messageSchema = z.object({ blocks: z.unknown() });

function validate(_desk: Desk, args: Json): Json {
  const given = ['blocks', 'view', 'message'].filter((key) => args[key] !== undefined);
  if (given.length !== 1) {
    throw new ApiError('invalid_arguments', ['must provide exactly one of `blocks`, `view`, or `message`']);
  }
  const value = unwrap(args[given[0] ?? '']);
  const faults =
    given[0] === 'view'
      ? validateView(value)
      : validateBlocks(
          given[0] === 'blocks' ? value : unwrap(messageSchema.safeParse(value).data?.blocks),
          'message',
        );
  if (faults.length > 0) {
    throw new ApiError(
      'invalid_blocks',
      faults.map((fault) => `[ERROR] ${fault}`),
    );
  }
  return {};
}

export const teamMethods: Methods = {
  'auth.test': { tier: 'special', token: 'bot', run: authTest },
  // Slack lists tier 1 but lets an app reconnect in bursts; a strict minute would only test the test.
  'apps.connections.open': { tier: 'special', token: 'app', run: openConnection },
  'bots.info': { tier: 'tier3', token: 'bot', run: botInfo },
  'team.info': {
    tier: 'tier3',
    token: 'bot',
    run: ({ identity }) => ({
      team: { id: identity.teamId, name: identity.teamName, domain: identity.teamDomain, icon: {} },
    }),
  },
  'blocks.validate': { tier: 'tier4', token: 'bot', run: validate },
};
