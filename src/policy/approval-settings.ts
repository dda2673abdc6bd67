import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Access, accessSchema, closedAccess } from '../domain/access.ts';
import { type ApprovalPolicy, policyDefaults, timeoutActions } from '../domain/approval.ts';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { type Escalation, urgencies } from '../domain/escalation.ts';
import { asJson, canonicalJson } from '../domain/json.ts';
import { type QuietHours, quietHoursSchema } from '../domain/local-time.ts';
import { type BareIds, writtenId } from '../domain/slack-id.ts';
import { bareIdsIn } from './bare-ids.ts';

/** What people are asked about, beside what a workflow itself asks. */
export const triggerKinds = [
  'breaking_api',
  'schema_change',
  'deploy',
  'architecture',
  'cost',
  'risky_command',
  'new_dependency',
  'files',
  'rollback',
  'hand_over',
] as const;
export type TriggerKind = (typeof triggerKinds)[number];

/** Which look of `Findings` a trigger is part of. */
export const lookOf = {
  breaking_api: 'ofChanges',
  schema_change: 'ofChanges',
  deploy: 'ofCommand',
  architecture: 'ofChanges',
  cost: 'ofCost',
  risky_command: 'ofCommand',
  new_dependency: 'ofChanges',
  files: 'ofChanges',
  rollback: 'ofRollback',
  hand_over: 'ofHandOver',
} as const satisfies Record<TriggerKind, string>;

/** Looks that somebody takes. A trigger of any other would be read and hold nothing: it is refused, so nobody relies on it. */
const TAKEN: ReadonlySet<string> = new Set(['ofChanges', 'ofCommand', 'ofCost', 'ofRollback', 'ofHandOver']);

/** A name that means nobody would let nobody pass, without a word why. */
const personId = writtenId('UW', 'Write the id of a member (profile, "Copy member ID"), such as U0123ABCD');
const groupId = writtenId('S', 'Write the id of a user group, such as S0123ABCD');
const ownerId = writtenId('UWS', 'Write the ids of members or user groups, such as U0123ABCD or S0123ABCD');

const deadlines = {
  remind_after: durationSchema.optional(),
  escalate_after: durationSchema.optional(),
  expire_after: durationSchema.optional(),
  execute_within: durationSchema.optional(),
  escalate_to: z.array(personId).optional(),
  on_timeout: z.enum(timeoutActions).optional(),
  urgency: z.enum(urgencies).optional(),
};
const count = z.number().int().min(1).max(20);

const anyTrigger = z.strictObject({
  when: z.enum(triggerKinds),
  /** Switches a trigger off that holds without being named. */
  off: z.boolean().default(false),
  people: z.array(personId).default([]),
  groups: z.array(groupId).default([]),
  /** The owners of what changes, by the repository's CODEOWNERS; each has to be covered. */
  code_owners: z.boolean().default(false),
  count: count.default(1),
  four_eyes: z.boolean().optional(),
  ...deadlines,
  /** Paths for `files` and `architecture`, commands for `deploy` and `risky_command`. */
  patterns: z.array(z.string().min(1).max(300)).max(100).default([]),
  /** For `cost`: US dollars. */
  above: z.number().positive().optional(),
  /** For `deploy`: for the roles that hold there. */
  environment: z.string().optional(),
});
/** Every key that a trigger may have. */
export const triggerKeys: readonly string[] = Object.keys(anyTrigger.shape);

const triggerSchema = anyTrigger
  .refine(({ when, patterns }) => when !== 'files' || patterns.length > 0, 'files needs patterns')
  .refine(({ when, above }) => when !== 'cost' || above !== undefined, 'cost needs above')
  .refine(({ when, code_owners: owners }) => when !== 'cost' || !owners, 'money has no code owners')
  .refine(
    ({ when, off }) => off || TAKEN.has(lookOf[when]),
    'nothing in this version of Baton asks about this, so it would hold nothing',
  );
export type Trigger = z.infer<typeof triggerSchema>;

const channelId = writtenId(
  'CG',
  'Write the id of a channel (its details, at the bottom), such as C0123ABCD',
);
/** One, or one for each workspace. */
const channelIds = z.union([channelId, z.array(channelId)]);

const escalationSettings = z.strictObject({
  urgency: z.enum(urgencies).optional(),
  channel: channelIds.optional(),
  on_call: z.union([groupId, z.array(groupId)]).optional(),
  quiet_hours: z.union([z.literal('none'), quietHoursSchema]).optional(),
});

/** Where `channels` of the settings says that things are told beside their threads. */
export const channelsSchema = z.strictObject({ escalations: channelIds.optional() });

/** Nights of those who are asked, where the settings say nothing. */
const QUIET: QuietHours = { from: '20:00', to: '08:00', days: [] };

const approvalsSchema = z.strictObject({
  people: z.array(personId).default([]),
  groups: z.array(groupId).default([]),
  count: count.default(1),
  four_eyes: z.boolean().default(false),
  escalate_to: z.array(personId).default([]),
  remind_after: durationSchema.default('10m'),
  escalate_after: durationSchema.default('20m'),
  expire_after: durationSchema.default('24h'),
  execute_within: durationSchema.default('24h'),
  on_timeout: z.enum(timeoutActions).default('pause'),
  triggers: z.array(triggerSchema).max(100).default([]),
  /** How a question reaches somebody. No part of what an approval is bound to: it changes who is told, not who may. */
  escalation: escalationSettings.optional(),
  /** Names in CODEOWNERS as Slack ids of people and user groups. */
  owners: z.record(z.string(), z.union([ownerId, z.array(ownerId)])).default({}),
});

/** Where a key of the settings stands, in words that end before its name: "baton.yaml, line 7: ". */
export type WhereIs = (keys: readonly (string | number)[]) => string;

/** What holds without a word in the settings: four eyes where a mistake reaches others or cannot be taken back. */
const HELD_ANYWAY: readonly TriggerKind[] = ['breaking_api', 'schema_change', 'deploy', 'rollback'];

/** Who decides about what, as the settings say. */
export interface PolicySettings {
  /** Digest of all of it: part of what every approval is bound to. */
  readonly version: string;
  /** Why nobody may decide: the settings cannot be read. Null: they can. */
  readonly problem: string | null;
  /** What holds for every approval, its ids as they are written: see `inWorkspace`. */
  readonly base: ApprovalPolicy;
  /** Where it is told that something waits, and who is called last: as written, at most one of them for a workspace. */
  readonly raised: { readonly channels: readonly string[]; readonly onCall: readonly string[] };
  /** Whose ids those are that are written without a workspace. */
  readonly bareIds: BareIds;
  readonly triggers: readonly Trigger[];
  readonly owners: ReadonlyMap<string, readonly string[]>;
  readonly access: Access;
}

/**
 * Reads the parts `approvals` and `access` of the settings. What cannot be read is no reason not to start, since
 * looking and working need nobody's yes; but nobody may decide until it is put right.
 * @param whereIs for the words about what is wrong
 * @param raisedIn channels in which it is told that something waits, where `approvals.escalation` names none
 * @param bareIds whose ids those are that are written without a workspace; where they are nobody's, each is a problem
 */
export function readPolicy(
  approvals: unknown,
  access: unknown,
  raisedIn: readonly string[] = [],
  whereIs: WhereIs = () => '',
  bareIds: BareIds = 'one',
): PolicySettings {
  const said = approvalsSchema.safeParse(approvals ?? {});
  const who = accessSchema.safeParse(access ?? {});
  const problems = [
    ...problemsOf('approvals', said.error, whereIs),
    ...problemsOf('access', who.error, whereIs),
    ...(bareIds === null ? [...bareIdsIn('approvals', said.data), ...bareIdsIn('access', who.data)] : []).map(
      ({ keys, message }) => `${whereIs(keys)}${keys.join('.')}: ${message}`,
    ),
  ];
  const problem = problems.length === 0 ? null : problems.join('; ');
  const { escalation, ...settings } = said.data ?? approvalsSchema.parse({});
  const named = new Set(settings.triggers.map(({ when }) => when));
  const anyway = HELD_ANYWAY.filter((when) => !named.has(when)).map((when) =>
    anyTrigger.parse({ when, four_eyes: true }),
  );
  const triggers = [...settings.triggers.map(withDefaults), ...anyway].filter(({ off }) => !off);
  const version = createHash('sha256')
    .update(canonicalJson(asJson({ settings, triggers, access: who.data ?? null, problem })))
    .digest('hex');
  return {
    version,
    problem,
    base: {
      ...policyDefaults,
      people: settings.people,
      groups: settings.groups,
      count: settings.count,
      fourEyes: settings.four_eyes,
      escalateTo: settings.escalate_to,
      remindAfterMs: durationMs(settings.remind_after),
      escalateAfterMs: durationMs(settings.escalate_after),
      expireAfterMs: durationMs(settings.expire_after),
      executeWithinMs: durationMs(settings.execute_within),
      onTimeout: settings.on_timeout,
      escalation: escalationOf(escalation),
      version,
      problem,
    },
    raised: {
      channels: listOf(escalation?.channel ?? raisedIn),
      onCall: listOf(escalation?.on_call ?? []),
    },
    bareIds,
    triggers,
    owners: new Map(Object.entries(settings.owners).map(([name, ids]) => [name, listOf(ids)])),
    // Who may do what is not known then: nobody may, rather than everybody.
    access: who.data === undefined ? closedAccess : { ...who.data, bareIds },
  };
}

function listOf(written: string | readonly string[]): readonly string[] {
  return typeof written === 'string' ? [written] : written;
}

/** Without where and whom: that is each workspace's own. */
function escalationOf(said: z.infer<typeof escalationSettings> | undefined): Escalation {
  const { urgency = 'normal', quiet_hours: quiet = QUIET } = said ?? {};
  return { urgency, channel: null, onCall: null, quiet: quiet === 'none' ? null : quiet };
}

/** One of those that hold anyway keeps its four eyes unless the settings say otherwise. */
function withDefaults(trigger: Trigger): Trigger {
  return { ...trigger, four_eyes: trigger.four_eyes ?? HELD_ANYWAY.includes(trigger.when) };
}

function problemsOf(section: string, error: z.ZodError | undefined, whereIs: WhereIs): string[] {
  return (error?.issues ?? []).slice(0, 5).map(({ path, message }) => {
    const keys = [section, ...path.map((key) => (typeof key === 'number' ? key : String(key)))];
    return `${whereIs(keys)}${keys.join('.')}: ${message}`;
  });
}
