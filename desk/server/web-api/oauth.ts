import { z } from 'zod';
import { ApiError } from '../errors.ts';
import { readArgs } from './args.ts';
import type { Methods } from './method.ts';

const exchangeSchema = z.object({ code: z.string(), client_id: z.string(), client_secret: z.string() });

/** Where an app that is installed here gets its token: for the code that this workspace hands out, `code-<team>`. */
export const oauthMethods: Methods = {
  'oauth.v2.access': {
    tier: 'special',
    token: 'none',
    run: (desk, args, { botToken }) => {
      const { teamId, teamName, appId, botUser } = desk.identity;
      if (readArgs(exchangeSchema, args).code !== `code-${teamId}`) throw new ApiError('invalid_code');
      const [installer] = desk.directory.people().filter(({ isBot }) => !isBot);
      return {
        app_id: appId,
        authed_user: { id: installer?.id ?? '' },
        scope: 'chat:write,commands',
        token_type: 'bot',
        access_token: botToken,
        bot_user_id: botUser,
        team: { id: teamId, name: teamName },
        enterprise: null,
        is_enterprise_install: false,
      };
    },
  },
};
