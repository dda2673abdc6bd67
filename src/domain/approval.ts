import { z } from 'zod';
import { type Escalation, escalationSchema } from './escalation.ts';
import { raiseOfferSchema } from './raise.ts';

/**
 * Where an approval stands. `pending` is left once, by one of the others (rule A1). Only `approved` goes on: to
 * `taken` when what was allowed begins, once; to `lapsed` when it did not begin in time; to `voided` when it may
 * not begin after all. `expired` and `lapsed` are timeouts, and never somebody's rejection (A7).
 */
export const approvalStatuses = [
  'pending',
  'approved',
  'taken',
  'rejected',
  'changes_requested',
  'expired',
  'lapsed',
  'voided',
] as const;
export type ApprovalStatus = (typeof approvalStatuses)[number];

export const verdicts = ['approve', 'reject', 'request_changes'] as const;
export type Verdict = (typeof verdicts)[number];

/** What happens when nobody decides. In each case it is not done: the run waits, goes on without it, or ends. */
export const timeoutActions = ['pause', 'skip', 'stop'] as const;
export type TimeoutAction = (typeof timeoutActions)[number];

/** What a person is asked to allow: exactly what is hashed, and what of it is shown. */
export const approvalSubjectSchema = z.object({
  title: z.string(),
  why: z.string(),
  risk: z.string(),
  /** The canonical payload, as text: its SHA-256 is the digest. */
  payload: z.string(),
  digest: z.string(),
  /** What the card shows of the change; the digest covers the whole. */
  excerpt: z.string(),
  excerptCut: z.boolean(),
  /** What the answers are called where they choose rather than allow. */
  labels: z.object({ approve: z.string(), request_changes: z.string(), reject: z.string() }).optional(),
  /** Of a budget: between what people may choose who name an amount of their own. */
  raise: raiseOfferSchema.optional(),
  /** Where people may write the outcome themselves: what their form begins with, or why there is none. */
  edit: z.union([z.strictObject({ text: z.string() }), z.strictObject({ why: z.string() })]).optional(),
  /** The person who last edited the content: never the one who decides on it (A2). Absent: nobody but agents did. */
  lastEditor: z.string().optional(),
});
export type ApprovalSubject = z.infer<typeof approvalSubjectSchema>;

/** One thing that must be met before it is done: so many distinct people out of these. */
export const requirementSchema = z.object({
  /** What asks for it: a trigger of the policy, or `workflow` for the node itself. */
  trigger: z.string(),
  /** What was found, for people: "drops the table orders". */
  why: z.string(),
  /** Anybody who may decide at all. Otherwise only the people and groups named, which may be nobody. */
  anyone: z.boolean(),
  people: z.array(z.string()),
  /** Slack user groups, by id. Who is in them is read when it matters. */
  groups: z.array(z.string()),
  count: z.number().int().min(1),
  /** People who may decide as well, and are asked when nobody else answers. */
  deputies: z.array(z.string()).optional(),
});
export type Requirement = z.infer<typeof requirementSchema>;

export const approvalPolicySchema = z.object({
  /** Slack ids of those who may decide. No people and no groups: anybody in the workspace who has the role. */
  people: z.array(z.string()),
  groups: z.array(z.string()),
  count: z.number().int().min(1),
  /** Whoever asked for the work may not decide. */
  fourEyes: z.boolean(),
  /** Milliseconds from the request to the reminder, to the DM, and to expiry. */
  remindAfterMs: z.number(),
  escalateAfterMs: z.number(),
  expireAfterMs: z.number(),
  /** Milliseconds from the decision to the moment after which it is not done any more. 0: used by the decision itself. */
  executeWithinMs: z.number(),
  /** Asked by DM, in order, when nobody answered. */
  escalateTo: z.array(z.string()),
  /** Those of them who may decide for the policy's own people and groups; the others only for what names them. */
  deputies: z.array(z.string()).optional(),
  /** Who else is told that it waits, and when nobody is disturbed. */
  escalation: escalationSchema,
  onTimeout: z.enum(timeoutActions),
  /** What triggers ask for, on top: all of it must be met. */
  requirements: z.array(requirementSchema),
  /** Where it is done, for the roles that hold there: "production". */
  environment: z.string().nullable(),
  /** Digest of the policy that was in force when it was asked; part of what is hashed. */
  version: z.string(),
  /** Why nobody may decide: the policy cannot be read. Null: it can. */
  problem: z.string().nullable(),
});
export type ApprovalPolicy = z.infer<typeof approvalPolicySchema>;

/** Nobody is told but those who decide and their deputies, at any hour. */
export const plainEscalation: Escalation = { urgency: 'normal', channel: null, onCall: null, quiet: null };

/** How long an approval allows what it allows, where nothing says otherwise. */
export const EXECUTE_WITHIN_MS = 86_400_000;

/** What holds where nothing else is said. */
export const policyDefaults: ApprovalPolicy = {
  people: [],
  groups: [],
  count: 1,
  fourEyes: false,
  remindAfterMs: 600_000,
  escalateAfterMs: 1_200_000,
  expireAfterMs: 86_400_000,
  executeWithinMs: EXECUTE_WITHIN_MS,
  escalateTo: [],
  escalation: plainEscalation,
  onTimeout: 'pause',
  requirements: [],
  environment: null,
  version: '',
  problem: null,
};

/** A policy as it may lie in the store: those of the first version lack what came later. */
export const storedPolicySchema = approvalPolicySchema.extend({
  groups: z.array(z.string()).default([]),
  count: z.number().int().min(1).default(1),
  escalation: escalationSchema.default(plainEscalation),
  executeWithinMs: z.number().default(EXECUTE_WITHIN_MS),
  onTimeout: z.enum(timeoutActions).default('stop'),
  requirements: z.array(requirementSchema).default([]),
  environment: z.string().nullable().default(null),
  version: z.string().default(''),
  problem: z.string().nullable().default(null),
});

/** One person's word. A person has one: a later one takes the place of the earlier. */
export const voteSchema = z.object({
  by: z.string(),
  verdict: z.enum(verdicts),
  comment: z.string().nullable(),
  at: z.number(),
  /** The digest of what the person was shown. */
  shown: z.string(),
  /** Which requirements, by position, this person counted for when they voted. */
  counts: z.array(z.number().int()),
  /** Whoever is away and named this person to decide for them; absent where people speak for themselves. */
  inPlaceOf: z.string().optional(),
  /** To how much they want a budget raised who named an amount of their own. */
  amount: z.number().optional(),
  /** SHA-256 of what this person wrote in place of choosing. */
  edited: z.string().optional(),
});
export type Vote = z.infer<typeof voteSchema>;

/** An admin went past who may decide and how many. Never past content, time or a policy that cannot be read (A14). */
export const breakGlassSchema = z.object({ by: z.string(), reason: z.string(), at: z.number() });

/** Why an approval was withdrawn. */
export const voidReasons = ['content_changed', 'withdrawn', 'right_lost'] as const;
export type VoidReason = (typeof voidReasons)[number];

export const approvalSchema = z.object({
  id: z.string(),
  /** Opaque, the only thing a button carries (A8). */
  nonce: z.string(),
  runId: z.string(),
  key: z.string(),
  team: z.string(),
  requester: z.string(),
  status: z.enum(approvalStatuses),
  subject: approvalSubjectSchema,
  policy: approvalPolicySchema,
  votes: z.array(voteSchema),
  breakGlass: breakGlassSchema.nullable(),
  requestedAt: z.number(),
  expiresAt: z.number(),
  decidedBy: z.string().nullable(),
  decidedAt: z.number().nullable(),
  comment: z.string().nullable(),
  voidReason: z.enum(voidReasons).nullable(),
  /** After this moment an approved one is not carried out any more. Null until it is approved. */
  executeBy: z.number().nullable(),
  /** The idempotency key of the one action that used it, and when. */
  takenBy: z.string().nullable(),
  takenAt: z.number().nullable(),
  /** Hash of the audit row of its latest change: the head of the audit at that moment. */
  auditHash: z.string().nullable(),
});
export type Approval = z.infer<typeof approvalSchema>;

/** A person as Slack tells of them. */
export interface Decider {
  readonly id: string;
  readonly team: string;
  readonly isBot: boolean;
  readonly isGuest: boolean;
  readonly isStranger: boolean;
}

/** A person as far as deciding goes: with what the policy and the groups say of them at this moment. */
export interface Voter extends Decider {
  /** Those of the groups asked about in which they are. */
  readonly groups: readonly string[];
  readonly mayApprove: boolean;
  readonly isAdmin: boolean;
  /** A guest or somebody of another workspace whom the policy names as allowed. */
  readonly allowedOutsider: boolean;
  /** Those who are away and named this person, as they are known themselves at this moment. Absent: nobody. */
  readonly standsFor?: readonly Voter[];
}

/** Why a click changed nothing. */
export const refusals = [
  'already_decided',
  'already_voted',
  'expired',
  'not_eligible',
  'no_role',
  'requester',
  'last_editor',
  'not_a_person',
  'guest',
  'stranger',
  'other_team',
  'content_changed',
  'policy_error',
  'unchecked',
  'not_admin',
  'no_reason',
  'amount',
  'not_editable',
] as const;
export type Refusal = (typeof refusals)[number];
