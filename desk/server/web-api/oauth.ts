import { z } from 'zod';
import { ApiError } from '../errors.ts';
import { readArgs } from './args.ts';
import type { Methods } from './method.ts';

const exchangeSchema = z.object({
  client_id: z.string(),
  client_secret: z.string(),
  code: z.string().optional(),
  grant_type: z.literal('refresh_token').optional(),
  refresh_token: z.string().optional(),
});

/**
 * Where an app that is installed here gets its token: for the code that this workspace hands out, `code-<team>`, and where
 * tokens rotate, the next one for a refresh token.
 */
export const oauthMethods: Methods = {
  'oauth.v2.access': {
    tier: 'special',
    token: 'none',
    run: (desk, args, { botToken, rotation }) => {
      const { teamId, teamName, appId, botUser } = desk.identity;
      const { code, grant_type, refresh_token = '' } = readArgs(exchangeSchema, args);
      if (grant_type === undefined && code !== `code-${teamId}`) throw new ApiError('invalid_code');
      const issued = grant_type === undefined ? rotation?.issue() : rotation?.exchange(refresh_token);
      // Also where tokens do not rotate: then nobody was ever given one.
      if (grant_type !== undefined && (issued ?? null) === null) throw new ApiError('invalid_refresh_token');
      const [installer] = desk.directory.people().filter(({ isBot }) => !isBot);
      return {
        app_id: appId,
        authed_user: { id: installer?.id ?? '' },
        scope: 'chat:write,commands',
        token_type: 'bot',
        access_token: botToken,
        ...issued,
        bot_user_id: botUser,
        team: { id: teamId, name: teamName },
        enterprise: null,
        is_enterprise_install: false,
      };
    },
  },
};
