import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { stepLimitsSchema } from '../domain/agent.ts';
import { budgetSettingsSchema } from '../domain/budget.ts';
import { declarationsSchema } from '../domain/bus-event.ts';
import { durationSchema } from '../domain/duration.ts';
import { flagSettingsSchema } from '../domain/flags.ts';
import { hooksSchema } from '../domain/hook.ts';
import { mcpSchema } from '../domain/mcp-settings.ts';
import { peopleSchema } from '../domain/person-task.ts';
import { limitsSchema } from '../domain/rate-limit.ts';
import { inventorySchema } from '../domain/resources.ts';
import { runnersSchema } from '../domain/runner-settings.ts';
import { requestDefaultsSchema } from '../domain/start-options.ts';
import { subscriptionSchema } from '../domain/subscription.ts';
import { ratesSchema } from '../domain/usage.ts';
import { channelsSchema } from '../policy/approval-settings.ts';
import { address } from './address.ts';
import { invalid } from './problem.ts';
import { readSettings } from './settings-file.ts';

/** What `baton.yaml` may hold; the defaults are those of a file that holds nothing. */
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

export type SettingsFile = z.infer<typeof fileSchema>;

/**
 * Reads and checks the settings file.
 * @param named where it is, else `baton.yaml` in the current folder, if there is one
 * @throws BatonError `config_invalid` naming each wrong key by its line
 */
export function readSettingsFile(named: string | undefined) {
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
