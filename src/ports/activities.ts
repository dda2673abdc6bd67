import { z } from 'zod';
import { approvalPolicySchema, storedPolicySchema, verdicts } from '../domain/approval.ts';
import { budgetUnits } from '../domain/budget.ts';
import { urgencies } from '../domain/escalation.ts';
import { failureSchema } from '../domain/failure.ts';
import { raiseOfferSchema } from '../domain/raise.ts';
import { contract } from './activity.ts';
import { commandResultSchema, snapshotSchema } from './workspace.ts';

/** The effects that patterns ask for. Implementations live in src/orchestrator/activities. */

/** Which worktree is meant: null is the run's own, otherwise a stream's. Given outright, so that no node forgets it. */
const stream = z.string().nullable();

/** Keeps the worktree's state outside the branch. */
export const takeSnapshot = contract(
  'workspace.snapshot',
  z.object({ node: z.string(), stream, at: z.number() }),
  snapshotSchema,
);

/** Puts the worktree back to a snapshot's state: files that it does not have go, ignored ones stay. */
export const restoreSnapshot = contract(
  'workspace.restore',
  z.object({ node: z.string(), stream, tree: z.string() }),
  z.object({}),
);

/** Runs a command in the worktree. `argv` null means the repository's own test command. */
export const runCommand = contract(
  'workspace.command',
  z.object({ node: z.string(), stream, argv: z.array(z.string()).nullable(), timeoutMs: z.number() }),
  commandResultSchema.extend({
    passed: z.number().nullable(),
    failed: z.number().nullable(),
    argv: z.array(z.string()),
  }),
);

/** What of a tool server people are asked about. */
export const toolAskedSchema = z.discriminatedUnion('kind', [
  /** One call, with its arguments as JSON text; `hash` is of what the tool says of itself. */
  z.object({
    kind: z.literal('tool'),
    server: z.string(),
    tool: z.string(),
    effect: z.string(),
    hash: z.string(),
    arguments: z.string(),
  }),
  /** Tools that changed since they were first seen or last allowed; `says` is what people are to read. */
  z.object({
    kind: z.literal('tool-change'),
    server: z.string(),
    tools: z.array(z.object({ tool: z.string(), was: z.string(), hash: z.string(), says: z.string() })),
  }),
]);

/** Opens an approval over the state of the worktree, or over a command. */
export const openApproval = contract(
  'approval.open',
  z.object({
    node: z.string(),
    title: z.string(),
    why: z.string(),
    risk: z.string(),
    round: z.number().int(),
    /** Shared defaults, overridden by the node. */
    policy: approvalPolicySchema.partial(),
    subject: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('changes'), stream }),
      z.object({ kind: z.literal('unsandboxed'), argv: z.array(z.string()).nullable() }),
      /** Two sides of a file, of which people choose one; each side with the name people know it by. */
      z.object({
        kind: z.literal('conflict'),
        /** The worktree that is merged into. */
        stream,
        path: z.string(),
        what: z.string(),
        before: z.string(),
        second: z.string(),
        firstName: z.string(),
        secondName: z.string(),
        /** The stream that comes in, null for what was merged: where a side has changed can be seen then. Absent in old ones. */
        from: stream.exactOptional(),
      }),
      /** An agent's question; the answer is for it to read. */
      z.object({ kind: z.literal('question'), question: z.string(), why: z.string() }),
      /** A command that the policy asks about, on the worktree as it is. */
      z.object({ kind: z.literal('command'), argv: z.array(z.string()), stream }),
      ...toolAskedSchema.options,
      /** What failed, when people are asked whether to try it once more. */
      z.object({ kind: z.literal('failure'), code: z.string(), message: z.string() }),
      /** A budget that is used up: to how much it may be raised, and what people are told to decide by. */
      z.object({
        kind: z.literal('budget'),
        unit: z.enum(budgetUnits),
        given: z.number(),
        to: z.number(),
        stock: z.string(),
        /** Between what people may name an amount of their own; absent: they may not. */
        offer: raiseOfferSchema.optional(),
      }),
    ]),
    /** The person who last edited what is asked about; they may not decide. */
    lastEditor: z.string().optional(),
    /** How much it presses; what the request says of itself, or the settings, unless given. */
    urgency: z.enum(urgencies).optional(),
    at: z.number(),
  }),
  z.object({
    approvalId: z.string(),
    tree: z.string().nullable(),
    commit: z.string().nullable(),
    policy: storedPolicySchema,
    /** When somebody is to be asked again; null: nobody more. Absent in what was asked before that was worked out here. */
    nextAt: z.number().nullable().optional(),
  }),
);

/** Does what is due so that a question reaches somebody, and says when to look again; null: nothing more comes. */
export const chaseApproval = contract(
  'approval.chase',
  z.object({ approvalId: z.string(), at: z.number() }),
  z.object({ nextAt: z.number().nullable() }),
);

/** For what was asked in the first way: reminds in the thread (step 0), or asks the nth person in line by DM (step n). */
export const nudgeApproval = contract(
  'approval.nudge',
  z.object({
    approvalId: z.string(),
    kind: z.enum(['remind', 'escalate']),
    step: z.number().int(),
    at: z.number(),
  }),
  z.object({ told: z.string().nullable() }),
);

/**
 * Nobody decided: pauses the run (`needs_person` / `approval_timeout`) until somebody resumes it, and ends then.
 */
export const holdApproval = contract('approval.hold', z.object({ approvalId: z.string() }), z.object({}));

/**
 * A rule cannot be decided: pauses the run (`structural`) until somebody has it go on, and ends then. From there on the
 * rule counts as one that does not match.
 */
export const holdRule = contract(
  'rule.hold',
  z.object({ node: z.string(), failure: failureSchema, at: z.number() }),
  z.object({}),
);

/** What the policy asks about a command before it may run; empty: nothing. */
export const checkCommand = contract(
  'policy.command',
  z.object({ argv: z.array(z.string()) }),
  z.object({ asked: z.array(z.object({ trigger: z.string(), why: z.string() })) }),
);

/** What the policy asks about the worktree as it is before it may be kept; empty: nothing. */
export const checkChanges = contract(
  'policy.changes',
  z.object({ at: z.number() }),
  z.object({ asked: z.array(z.object({ trigger: z.string(), why: z.string() })) }),
);

/** Ends an approval by the clock. When somebody decided in the same moment, that decision stands. */
export const expireApproval = contract(
  'approval.expire',
  z.object({ approvalId: z.string(), at: z.number() }),
  z.object({ expired: z.boolean() }),
);

/**
 * What a decision sends to the run that waits for it. `content_changed`: what was shown was no longer so when
 * somebody answered; the question is withdrawn, nothing was decided, and the run has to ask anew.
 */
export const decisionSignalSchema = z.object({
  verdict: z.enum([...verdicts, 'content_changed']),
  by: z.string(),
  comment: z.string().nullable(),
  /** What they wrote in place of choosing between sides. */
  edited: z.string().exactOptional(),
});
export type DecisionSignal = z.infer<typeof decisionSignalSchema>;

export function decisionSignal(approvalId: string): string {
  return `approval:${approvalId}`;
}
