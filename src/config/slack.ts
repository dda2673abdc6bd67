import { invalid } from './problem.ts';

/** The variables that say how Slack is reached, as they were read. */
interface SlackEnvironment {
  readonly SLACK_BOT_TOKEN?: string | undefined;
  readonly SLACK_APP_TOKEN?: string | undefined;
  readonly SLACK_SIGNING_SECRET?: string | undefined;
  readonly SLACK_CLIENT_ID?: string | undefined;
  readonly SLACK_CLIENT_SECRET?: string | undefined;
  readonly SLACK_STATE_SECRET?: string | undefined;
  readonly BATON_TOKEN_KEYS?: string | undefined;
  readonly SLACK_API_URL: string;
}

export type SlackConfig =
  | { readonly mode: 'desk' }
  | { readonly mode: 'socket'; readonly botToken: string; readonly appToken: string; readonly apiUrl: string }
  | {
      readonly mode: 'http';
      readonly botToken: string;
      readonly signingSecret: string;
      readonly apiUrl: string;
    }
  | {
      readonly mode: 'oauth';
      /** Of a workspace that is there without installing. */
      readonly botToken: string | null;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly stateSecret: string;
      readonly signingSecret: string;
      readonly tokenKeys: string;
      readonly apiUrl: string;
    };

/** @throws BatonError `config_invalid` naming the variable that is missing, and where to get it */
export function slackOf(env: SlackEnvironment): SlackConfig {
  const {
    SLACK_BOT_TOKEN: botToken,
    SLACK_APP_TOKEN: appToken,
    SLACK_SIGNING_SECRET: signingSecret,
    SLACK_API_URL: apiUrl,
  } = env;
  if (env.SLACK_CLIENT_ID !== undefined) return oauthOf(env, env.SLACK_CLIENT_ID);
  if (botToken === undefined && appToken === undefined && signingSecret === undefined)
    return { mode: 'desk' };
  if (botToken === undefined)
    throw invalid(
      'SLACK_BOT_TOKEN is missing. It is on your app\'s page under "OAuth & Permissions" and starts with "xoxb-".',
    );
  if (appToken !== undefined) return { mode: 'socket', botToken, appToken, apiUrl };
  if (signingSecret !== undefined) return { mode: 'http', botToken, signingSecret, apiUrl };
  throw invalid(
    'SLACK_APP_TOKEN is missing. It is on your app\'s page under "Basic Information", "App-Level Tokens" (scope connections:write) and starts with "xapp-". For HTTP set SLACK_SIGNING_SECRET instead.',
  );
}

/** Several workspaces: what is missing is named, since half of it would let nobody in. */
function oauthOf(env: SlackEnvironment, clientId: string): SlackConfig {
  const needed = {
    clientSecret: ['SLACK_CLIENT_SECRET', env.SLACK_CLIENT_SECRET],
    stateSecret: ['SLACK_STATE_SECRET', env.SLACK_STATE_SECRET],
    signingSecret: ['SLACK_SIGNING_SECRET', env.SLACK_SIGNING_SECRET],
    tokenKeys: ['BATON_TOKEN_KEYS', env.BATON_TOKEN_KEYS],
  } as const;
  const get = ([name, value]: readonly [string, string | undefined]): string => {
    if (value !== undefined) return value;
    throw invalid(
      `${name} is missing. With SLACK_CLIENT_ID, workspaces install Baton by OAuth: docs/oauth.md.`,
    );
  };
  return {
    mode: 'oauth',
    botToken: env.SLACK_BOT_TOKEN ?? null,
    clientId,
    clientSecret: get(needed.clientSecret),
    stateSecret: get(needed.stateSecret),
    signingSecret: get(needed.signingSecret),
    tokenKeys: get(needed.tokenKeys),
    apiUrl: env.SLACK_API_URL,
  };
}
