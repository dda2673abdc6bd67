import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { address } from './address.ts';

/** The environment, read once, here and nowhere else. An empty variable counts as one that is not set. */
export const environmentSchema = z.object({
  SLACK_BOT_TOKEN: z
    .string()
    .startsWith(
      'xoxb-',
      'SLACK_BOT_TOKEN starts with "xoxb-". It is on your app\'s page under "OAuth & Permissions".',
    )
    .optional(),
  SLACK_APP_TOKEN: z
    .string()
    .startsWith(
      'xapp-',
      'SLACK_APP_TOKEN starts with "xapp-". It is on your app\'s page under "Basic Information", "App-Level Tokens", with the scope connections:write.',
    )
    .optional(),
  SLACK_SIGNING_SECRET: z
    .string()
    .min(8, 'SLACK_SIGNING_SECRET is on your app\'s page under "Basic Information".')
    .optional(),
  SLACK_API_URL: address('SLACK_API_URL is an address such as https://slack.com/api/').default(
    'https://slack.com/api/',
  ),
  /** For installing by OAuth: both stand on the app's page under "Basic Information". */
  SLACK_CLIENT_ID: z.string().optional(),
  SLACK_CLIENT_SECRET: z.string().optional(),
  SLACK_STATE_SECRET: z
    .string()
    .min(16, 'SLACK_STATE_SECRET has at least 16 characters of your own.')
    .optional(),
  BATON_TOKEN_KEYS: z.string().optional(),
  OPENAI_API_KEY: z.string().optional(),
  OPENAI_BASE_URL: address('OPENAI_BASE_URL is an address such as http://127.0.0.1:11434/v1').optional(),
  OPENAI_MODEL: z.string().default('gpt-5.1'),
  OPENAI_API: z
    .enum(['responses', 'chat'], 'OPENAI_API is "responses" (OpenAI, Azure) or "chat" (most other servers).')
    .default('responses'),
  BATON_HOME: z.string().default(path.join(homedir(), '.baton')),
  BATON_REPOSITORY: z.string().optional(),
  BATON_CONFIG: z.string().optional(),
  PORT: z.coerce
    .number('PORT is a whole number up to 65535; 0 picks a free one.')
    .int()
    .min(0)
    .max(65_535)
    .optional(),
  /** Milliseconds the rehearsal cast takes per turn; tests set 0. */
  CAST_DELAY_MS: z.coerce.number().int().min(0).max(60_000).optional(),
  /** Megabytes a command may take, in place of what its run's way of working gives it. */
  BATON_COMMAND_MEMORY: z.coerce
    .number('BATON_COMMAND_MEMORY is a number of megabytes, such as 2048.')
    .int()
    .min(64)
    .max(1_048_576)
    .optional(),
  /** Megabytes a command may leave on the disk. */
  BATON_COMMAND_DISK: z.coerce
    .number('BATON_COMMAND_DISK is a number of megabytes, such as 8192.')
    .int()
    .min(64)
    .max(1_048_576)
    .optional(),
  /** For pushing branches and opening pull requests, when a person hands a run over. */
  GITHUB_TOKEN: z.string().min(1).optional(),
  GITHUB_API_URL: address('GITHUB_API_URL is an address such as https://api.github.com').default(
    'https://api.github.com',
  ),
  GITHUB_SERVER_URL: address('GITHUB_SERVER_URL is an address such as https://github.com').default(
    'https://github.com',
  ),
  /** The ssh agent, for repositories fetched over ssh. */
  SSH_AUTH_SOCK: z.string().optional(),
  /** Node's own: a PEM file of authorities beside the usual ones. Git is told of them, too. */
  NODE_EXTRA_CA_CERTS: z.string().optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Environment = z.infer<typeof environmentSchema>;
