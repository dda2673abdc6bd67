import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { invalid } from './config-problem.ts';
import { type SlackConfig, slackOf } from './config-slack.ts';
import { bareIdsOf, checkWorkspaces } from './config-workspaces.ts';
import { type StepLimits, stepLimitsSchema } from './domain/agent.ts';
import { type BudgetSettings, budgetSettingsSchema } from './domain/budget.ts';
import { declarationsSchema } from './domain/bus-event.ts';
import { durationMs, durationSchema } from './domain/duration.ts';
import { type FlagSettings, flagSettingsSchema } from './domain/flags.ts';
import { hooksSchema } from './domain/hook.ts';
import { type McpSettings, mcpSchema, variablesOf } from './domain/mcp-settings.ts';
import { type PeopleSettings, peopleSchema } from './domain/person-task.ts';
import { type Limits, limitsSchema } from './domain/rate-limit.ts';
import { type Inventory, inventorySchema } from './domain/resources.ts';
import { type Runners, runnersSchema } from './domain/runner-settings.ts';
import { type RequestDefaults, requestDefaultsSchema } from './domain/start-options.ts';
import { subscriptionSchema } from './domain/subscription.ts';
import { type Rates, ratesSchema } from './domain/usage.ts';
import { channelsSchema, type PolicySettings, readPolicy } from './policy/approval-settings.ts';
import { readSettings } from './settings-file.ts';

/** The environment, read once, here and nowhere else. An empty variable counts as one that is not set. */
const environmentSchema = z.object({
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
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

const fileSchema = z.strictObject({
  repository: z.string().optional(),
  /** What people in Slack may name with `repo:`, beside the default; a path or an address, `/*` at its end for all below. */
  repositories: z.array(z.string().min(1)).optional(),
  /** Whether only mentions steer a run, or also plain words of whoever asked for it. */
  steering: z.enum(['mention', 'requester']).default('mention'),
  /** Who decides about what, and who may do what. Read on their own: see `readPolicy`. */
  approvals: z.unknown().optional(),
  access: z.unknown().optional(),
  /** Ids of the workspaces and organisations that may install by OAuth. */
  workspaces: z.array(z.string().regex(/^[TE][A-Z0-9]+$/, 'Write ids such as T0123ABCD')).default([]),
  /** Where things are told beside their threads. */
  channels: channelsSchema.prefault({}),
  /** What requests are like, by channel, unless they say otherwise. */
  requests: requestDefaultsSchema.prefault({}),
  /** Switches by channel that rules may ask for. */
  flags: flagSettingsSchema.prefault({}),
  /** People who can be given tasks, by member id, and what they can do. */
  people: peopleSchema.default({}),
  /** What there is of what, for `uses:` in workflows. */
  resources: inventorySchema.default({}),
  /** Events of your own, what starts on which event, and who may send events from outside. */
  events: declarationsSchema.default({}),
  subscriptions: z.array(subscriptionSchema).max(500).default([]),
  hooks: hooksSchema.default({}),
  hooks_port: z.number().int().min(0).max(65_535).default(3_000),
  /** Programs that play agents. */
  runners: runnersSchema.default({}),
  /** Servers whose tools agents may use. */
  mcp: mcpSchema.default({}),
  /** What a model server may be asked for; `servers` has others for single hosts. */
  limits: limitsSchema.prefault({}),
  models: z
    .strictObject({
      /** Who answers in place of OPENAI_MODEL when that cannot; in order. */
      backup: z
        .array(
          z.strictObject({
            model: z.string().min(1),
            /** The server of OPENAI_BASE_URL, with its key, unless given. */
            base_url: address(
              'models.backup.base_url is an address such as http://127.0.0.1:11434/v1',
            ).optional(),
            api: z.enum(['responses', 'chat']).optional(),
            /** The environment variable that holds its key. */
            key_env: z
              .string()
              .regex(/^[A-Z][A-Z0-9_]*$/)
              .optional(),
          }),
        )
        .max(5)
        .default([]),
    })
    .prefault({}),
  /** For how long what a run left in its repository stays after it was pushed; what was merged goes at once. */
  clean: z.strictObject({ after: durationSchema.default('14d') }).prefault({}),
  /** What may be answered from what was answered before. */
  cache: z.strictObject({ answers: z.boolean().default(false) }).prefault({}),
  /** What time costs, in US dollars: a second of a command, a minute of a person. */
  rates: ratesSchema.prefault({}),
  /** What a run may use before it pauses and asks, and how it is counted. */
  budget: budgetSettingsSchema.prefault({}),
  /** Caps of one piece of an agent's work where neither its node nor its role says otherwise. */
  step_limits: stepLimitsSchema.default({}),
  prices: z
    .record(z.string(), z.strictObject({ input: z.number(), cached: z.number(), output: z.number() }))
    .default({}),
});

export type ModelConfig =
  | { readonly mode: 'rehearsal' }
  | {
      readonly mode: 'model';
      readonly api: 'responses' | 'chat';
      readonly apiKey: string | null;
      readonly baseUrl: string;
      readonly model: string;
    };

/** Events of the person's own, and what starts on which event. */
export interface EventSettings {
  readonly declared: z.infer<typeof fileSchema>['events'];
  readonly subscriptions: z.infer<typeof fileSchema>['subscriptions'];
}

/** Who may send events from outside. The secret is null when its variable is not set: then nobody may. */
export interface Hook {
  readonly name: string;
  /** What it publishes; null: what GitHub's own events are. */
  readonly event: string | null;
  readonly variable: string;
  readonly secret: string | null;
}

export interface Config {
  readonly home: string;
  /** 0 picks a free one; null: the usual one. */
  readonly port: number | null;
  readonly slack: SlackConfig;
  /** Who may install by OAuth. */
  readonly workspaces: readonly string[];
  readonly model: ModelConfig;
  /** The default repository; null: the rehearsal's sample. */
  readonly repository: string | null;
  /** Null: any, which is right only where everybody is at this machine. */
  readonly repositories: readonly string[] | null;
  readonly steering: 'mention' | 'requester';
  readonly policy: PolicySettings;
  readonly requests: RequestDefaults;
  readonly people: PeopleSettings;
  readonly flags: FlagSettings;
  readonly resources: Inventory;
  readonly events: EventSettings;
  readonly hooks: { readonly list: readonly Hook[]; readonly port: number };
  readonly prices: z.infer<typeof fileSchema>['prices'];
  readonly runners: Runners;
  readonly mcp: McpSettings;
  readonly rates: Rates;
  readonly budget: BudgetSettings;
  readonly stepLimits: StepLimits;
  readonly cacheAnswers: boolean;
  /** Milliseconds for which what was pushed stays here after its run ended. */
  readonly cleanAfterMs: number;
  /** Models that stand in for the configured one. */
  readonly backups: readonly Omit<Extract<ModelConfig, { mode: 'model' }>, 'mode'>[];
  readonly limits: Limits;
  readonly castDelayMs: number | null;
  readonly logLevel: string;
  readonly sshAuthSock: string | undefined;
  /** Null: no token. */
  readonly github: { readonly server: string; readonly api: string; readonly token: string } | null;
  /** Null: by the class of the run. */
  readonly commandMemoryBytes: number | null;
  /** What a command may leave on the disk; null: what is usual. */
  readonly commandDiskBytes: number | null;
  /** Values that must never be shown. */
  readonly secrets: readonly string[];
}

/**
 * Defaults, then `baton.yaml`, then the environment.
 * @throws BatonError `config_invalid` naming the variable or line and where to get the value
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success)
    throw invalid(
      parsed.error.issues
        .map(({ path: [name], message }) =>
          message.startsWith(String(name)) ? message : `${String(name)}: ${message}`,
        )
        .join('\n'),
    );
  const env = parsed.data;
  const { file, whereIs } = readFile(env.BATON_CONFIG);
  const slack = slackOf(env);
  const bareIds = bareIdsOf(slack, file.workspaces);
  if (bareIds === null) checkWorkspaces(file, whereIs);
  const hooks = hooksOf(file.hooks, given);
  const backups = backupsOf(file.models.backup, modelOf(env), given);
  const mcp = { servers: file.mcp, values: valuesFor(file.mcp, given) };
  return {
    home: path.resolve(env.BATON_HOME),
    port: env.PORT ?? null,
    slack,
    workspaces: file.workspaces,
    model: modelOf(env),
    repository: atHome(env.BATON_REPOSITORY ?? file.repository ?? null),
    repositories:
      file.repositories?.map((each) => atHome(each) ?? each) ?? (slack.mode === 'desk' ? null : []),
    steering: file.steering,
    policy: readPolicy(
      file.approvals,
      file.access,
      [file.channels.escalations ?? []].flat(),
      whereIs,
      bareIds,
    ),
    requests: file.requests,
    people: file.people,
    flags: file.flags,
    resources: file.resources,
    events: { declared: file.events, subscriptions: file.subscriptions },
    hooks: { list: hooks, port: file.hooks_port },
    prices: file.prices,
    runners: file.runners,
    mcp,
    rates: file.rates,
    budget: file.budget,
    stepLimits: file.step_limits,
    cacheAnswers: file.cache.answers,
    cleanAfterMs: durationMs(file.clean.after),
    backups,
    limits: file.limits,
    castDelayMs: env.CAST_DELAY_MS ?? null,
    logLevel: env.LOG_LEVEL,
    github:
      env.GITHUB_TOKEN === undefined
        ? null
        : { server: env.GITHUB_SERVER_URL, api: env.GITHUB_API_URL, token: env.GITHUB_TOKEN },
    sshAuthSock: env.SSH_AUTH_SOCK,
    commandMemoryBytes: env.BATON_COMMAND_MEMORY === undefined ? null : env.BATON_COMMAND_MEMORY * 1024 ** 2,
    commandDiskBytes: env.BATON_COMMAND_DISK === undefined ? null : env.BATON_COMMAND_DISK * 1024 ** 2,
    secrets: [
      env.GITHUB_TOKEN,
      env.SLACK_BOT_TOKEN,
      env.SLACK_APP_TOKEN,
      env.SLACK_SIGNING_SECRET,
      env.SLACK_CLIENT_SECRET,
      env.SLACK_STATE_SECRET,
      ...(env.BATON_TOKEN_KEYS?.split(',').map((each) => each.slice(each.indexOf(':') + 1)) ?? []),
      env.OPENAI_API_KEY,
      ...hooks.map(({ secret }) => secret ?? undefined),
      ...backups.map(({ apiKey }) => apiKey),
      ...Object.values(mcp.values),
    ].filter((secret) => typeof secret === 'string'),
  };
}

/** What the servers of `mcp:` are given, by variable. */
function valuesFor(
  servers: McpSettings['servers'],
  environment: Readonly<Record<string, string | undefined>>,
): McpSettings['values'] {
  const named = Object.entries(servers).flatMap(([server, settings]) =>
    variablesOf(settings).map((variable) => ({ server, variable })),
  );
  return Object.fromEntries(
    named.map(({ server, variable }) => {
      const value = environment[variable];
      if (value === undefined)
        throw invalid(`mcp.${server}: the variable ${variable}, which it is to be given, is not set.`);
      return [variable, value];
    }),
  );
}

/** Shorter ones can be guessed. */
const SHORTEST_SECRET = 16;

function hooksOf(
  written: z.infer<typeof hooksSchema>,
  environment: Readonly<Record<string, string | undefined>>,
): Hook[] {
  return Object.entries(written).map(([name, { secret: variable, event }]) => {
    const secret = environment[variable] ?? null;
    if (secret !== null && secret.length < SHORTEST_SECRET)
      throw invalid(
        `${variable} is the secret of the hook "${name}": it has at least ${SHORTEST_SECRET} characters.`,
      );
    return { name, event: event ?? null, variable, secret };
  });
}

/** `~/code/web` as a shell would read it. */
function atHome(location: string | null): string | null {
  return location?.startsWith('~/') === true ? path.join(homedir(), location.slice(2)) : location;
}

type Environment = z.infer<typeof environmentSchema>;

function modelOf(env: Environment): ModelConfig {
  if (env.OPENAI_API_KEY === undefined && env.OPENAI_BASE_URL === undefined) return { mode: 'rehearsal' };
  return {
    mode: 'model',
    api: env.OPENAI_API,
    apiKey: env.OPENAI_API_KEY ?? null,
    baseUrl: env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
    model: env.OPENAI_MODEL,
  };
}

/** Models that stand in: what they leave out is the configured one's. A key goes to no other server than its own. */
function backupsOf(
  listed: z.infer<typeof fileSchema>['models']['backup'],
  model: ModelConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Config['backups'] {
  if (model.mode === 'rehearsal') return [];
  return listed.map(({ model: name, base_url, api, key_env }) => {
    const key = key_env === undefined ? undefined : environment[key_env];
    if (key_env !== undefined && key === undefined)
      throw invalid(`models.backup: the variable ${key_env}, which holds the key for ${name}, is not set.`);
    const elsewhere = base_url !== undefined && new URL(base_url).host !== new URL(model.baseUrl).host;
    return {
      model: name,
      baseUrl: base_url ?? model.baseUrl,
      api: api ?? model.api,
      apiKey: key ?? (elsewhere ? null : model.apiKey),
    };
  });
}

function readFile(named: string | undefined) {
  const file = path.resolve(named ?? 'baton.yaml');
  if (!existsSync(file)) {
    if (named !== undefined) throw invalid(`BATON_CONFIG names ${file}, which does not exist.`);
    return { file: fileSchema.parse({}), whereIs: () => '' };
  }
  let read: ReturnType<typeof readSettings>;
  try {
    read = readSettings(path.basename(file), readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = fileSchema.safeParse(read.data ?? {});
  if (!parsed.success)
    throw invalid(
      parsed.error.issues
        .map((issue) => {
          const where = read.whereIs(issue.path.map(String));
          const place = where === '' ? `${file}: ` : `${path.dirname(file)}/${where}`;
          return `${place}${issue.path.join('.')}: ${said(issue)}`;
        })
        .join('\n'),
    );
  return { file: parsed.data, whereIs: read.whereIs };
}

/** What is wrong with a key of a record lies one below. */
function said(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
}

/** "localhost:1234" is an address too, of the scheme "localhost": refused, because nobody means that. */
function address(words: string) {
  return z.url({ protocol: /^https?$/, error: words });
}
