import { z } from 'zod';
import {
  type Approval,
  approvalSubjectSchema,
  breakGlassSchema,
  storedPolicySchema,
  type Vote,
  voteSchema,
} from '../src/domain/approval.ts';
import type { NewApproval } from '../src/ports/store.ts';
import type { approvals } from './tables/people.ts';

/** Built once: making a schema costs many times what reading with it does. */
const votesSchema = z.array(voteSchema);

/** An approval as it comes from its row; what the first version wrote lacks what came later. */
export function toApproval(row: typeof approvals.$inferSelect): Approval {
  const subject = approvalSubjectSchema.parse(JSON.parse(row.subject));
  const policy = storedPolicySchema.parse(JSON.parse(row.policy));
  const votes = votesSchema.parse(JSON.parse(row.votes));
  return {
    ...row,
    subject,
    policy,
    votes: policy.version === '' && votes.length === 0 ? onlyVote(row, subject.digest) : votes,
    breakGlass: row.breakGlass === null ? null : breakGlassSchema.parse(JSON.parse(row.breakGlass)),
  };
}

/** The first version kept who decided, and no votes. */
function onlyVote(row: typeof approvals.$inferSelect, shown: string): Vote[] {
  const { status, decidedBy: by, decidedAt: at, comment } = row;
  return status === 'approved' && by !== null && at !== null
    ? [{ by, verdict: 'approve', comment, at, shown, counts: [0] }]
    : [];
}

export function toRow({ subject, policy, ...rest }: NewApproval): typeof approvals.$inferInsert {
  return {
    ...rest,
    status: 'pending',
    subject: JSON.stringify(subject),
    policy: JSON.stringify(policy),
  };
}
