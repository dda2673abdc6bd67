import { z } from 'zod';

/** `expired` is a timeout, recorded as a timeout and never as somebody's rejection. */
export const approvalStatuses = [
  'pending',
  'approved',
  'rejected',
  'changes_requested',
  'expired',
  'voided',
] as const;
export type ApprovalStatus = (typeof approvalStatuses)[number];

export const verdicts = ['approve', 'reject', 'request_changes'] as const;
export type Verdict = (typeof verdicts)[number];

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
});
export type ApprovalSubject = z.infer<typeof approvalSubjectSchema>;

/** Who may decide. An empty list of people means anybody in the workspace but agents, guests and strangers. */
export const approvalPolicySchema = z.object({
  people: z.array(z.string()),
  fourEyes: z.boolean(),
  /** Milliseconds from the request to the reminder, to the DM, and to expiry. */
  remindAfterMs: z.number(),
  escalateAfterMs: z.number(),
  expireAfterMs: z.number(),
  /** Asked by DM, in order, when nobody answered. */
  escalateTo: z.array(z.string()),
});
export type ApprovalPolicy = z.infer<typeof approvalPolicySchema>;

export const approvalSchema = z.object({
  id: z.string(),
  /** Opaque, the only thing a button carries. */
  nonce: z.string(),
  runId: z.string(),
  key: z.string(),
  team: z.string(),
  requester: z.string(),
  status: z.enum(approvalStatuses),
  subject: approvalSubjectSchema,
  policy: approvalPolicySchema,
  requestedAt: z.number(),
  expiresAt: z.number(),
  decidedBy: z.string().nullable(),
  decidedAt: z.number().nullable(),
  comment: z.string().nullable(),
});
export type Approval = z.infer<typeof approvalSchema>;

/** A person as far as deciding goes. */
export interface Decider {
  readonly id: string;
  readonly team: string;
  readonly isBot: boolean;
  readonly isGuest: boolean;
  readonly isStranger: boolean;
}

export type Refusal =
  | 'already_decided'
  | 'expired'
  | 'not_eligible'
  | 'requester'
  | 'not_a_person'
  | 'guest'
  | 'stranger'
  | 'other_team'
  | 'content_changed';

export type DecideResult =
  | { readonly ok: true; readonly approval: Approval }
  | { readonly ok: false; readonly refusal: Refusal; readonly approval: Approval };

/**
 * The one transition of an approval by a person. Nothing but a pending approval, shown with the same digest, in
 * time, by somebody who may, changes; everything else is a refusal that names its reason.
 */
export function decide(
  approval: Approval,
  input: {
    readonly by: Decider;
    readonly verdict: Verdict;
    readonly comment: string | null;
    readonly digest: string;
    readonly now: number;
  },
): DecideResult {
  const refuse = (refusal: Refusal): DecideResult => ({ ok: false, refusal, approval });
  const { by, verdict, now } = input;
  if (by.team !== approval.team) return refuse('other_team');
  if (approval.status !== 'pending')
    return refuse(approval.status === 'expired' ? 'expired' : 'already_decided');
  if (now >= approval.expiresAt) return refuse('expired');
  if (by.isBot) return refuse('not_a_person');
  if (by.isStranger) return refuse('stranger');
  if (by.isGuest) return refuse('guest');
  const { people, fourEyes } = approval.policy;
  if (people.length > 0 && !people.includes(by.id)) return refuse('not_eligible');
  if (fourEyes && by.id === approval.requester) return refuse('requester');
  if (input.digest !== approval.subject.digest) return refuse('content_changed');
  const status = verdict === 'approve' ? 'approved' : verdict === 'reject' ? 'rejected' : 'changes_requested';
  return {
    ok: true,
    approval: { ...approval, status, decidedBy: by.id, decidedAt: now, comment: input.comment },
  };
}

/** The transition by the clock. Null when there is nothing to expire. */
export function expire(approval: Approval, now: number): Approval | null {
  if (approval.status !== 'pending') return null;
  return { ...approval, status: 'expired', decidedAt: now };
}
