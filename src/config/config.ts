import { homedir } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import type { StepLimits } from '../domain/agent.ts';
import type { BudgetSettings } from '../domain/budget.ts';
import { durationMs } from '../domain/duration.ts';
import type { FlagSettings } from '../domain/flags.ts';
import type { hooksSchema } from '../domain/hook.ts';
import { type McpSettings, variablesOf } from '../domain/mcp-settings.ts';
import type { PeopleSettings } from '../domain/person-task.ts';
import type { Limits } from '../domain/rate-limit.ts';
import type { Inventory } from '../domain/resources.ts';
import type { Runners } from '../domain/runner-settings.ts';
import type { RequestDefaults } from '../domain/start-options.ts';
import type { Rates } from '../domain/usage.ts';
import { type PolicySettings, readPolicy } from '../policy/approval-settings.ts';
import { type Environment, environmentSchema } from './environment.ts';
import { readSettingsFile, type SettingsFile } from './file.ts';
import { invalid } from './problem.ts';
import { type SlackConfig, slackOf } from './slack.ts';
import { bareIdsOf, checkWorkspaces } from './workspaces.ts';

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
  readonly declared: SettingsFile['events'];
  readonly subscriptions: SettingsFile['subscriptions'];
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
  readonly prices: SettingsFile['prices'];
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
  /** A PEM file of authorities beside the usual ones; Node itself reads it for its own connections. */
  readonly extraAuthorities: string | undefined;
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
  const { file, whereIs } = readSettingsFile(env.BATON_CONFIG);
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
    extraAuthorities: env.NODE_EXTRA_CA_CERTS,
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
  listed: SettingsFile['models']['backup'],
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
