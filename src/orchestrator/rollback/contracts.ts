import { z } from 'zod';
import { storedPolicySchema } from '../../domain/approval.ts';
import { rollbackLevels, rollbackPointSchema } from '../../domain/rollback.ts';
import { contract } from '../../ports/activity.ts';

/** What somebody wants taken back. Part of the input of the run that asks about it. */
export const rollbackRequestSchema = z.object({
  /** The run that is taken back. */
  target: z.string(),
  level: z.enum(rollbackLevels),
  point: rollbackPointSchema,
  by: z.string(),
});
export type RollbackRequest = z.infer<typeof rollbackRequestSchema>;

export const rollbackInputSchema = rollbackRequestSchema.extend({
  sessionId: z.string(),
  team: z.string(),
  /** The id of the run that goes on, where one does. */
  next: z.string(),
});
export type RollbackInput = z.infer<typeof rollbackInputSchema>;

const at = z.number();
const approvalId = z.string();

/** Opens the approval, with what would be lost. */
export const askRollback = contract(
  'rollback.ask',
  z.object({ request: rollbackInputSchema, at }),
  z.object({ approvalId, policy: storedPolicySchema }),
);

/** Keeps what would be lost, as it is now, where it can be had back from. */
export const keepLost = contract(
  'rollback.keep',
  z.object({ request: rollbackInputSchema, approvalId, at }),
  z.object({
    ref: z.string(),
    /** The tree that the files will have. */
    after: z.string(),
    /** How many differ from that now. */
    files: z.number().int(),
  }),
);

/** Uses the yes, once, if it still holds for what is there now. `refused`: why it was not used; null: it was. */
export const takeRollback = contract(
  'rollback.take',
  z.object({ request: rollbackInputSchema, approvalId, at }),
  z.object({ refused: z.string().nullable() }),
);

/** What each deed is told: `lost` is the ref that keeps what goes, `after` the tree the files will have. */
const deedSchema = z.object({
  request: rollbackInputSchema,
  approvalId,
  lost: z.string(),
  after: z.string(),
  at,
});
export type Deed = z.infer<typeof deedSchema>;

/** Puts the files back and leaves the run where it is. */
export const putBack = contract('rollback.files', deedSchema, z.object({}));

/** Ends the run that is taken back, with what it asks and its worktree. */
export const endTarget = contract('rollback.end', deedSchema, z.object({}));

/** Takes the branch back, and makes the worktree that the run goes on in. */
export const openAgain = contract('rollback.worktree', deedSchema, z.object({}));

/** Begins the run that goes on from there. */
export const goOn = contract('rollback.fork', deedSchema, z.object({}));
