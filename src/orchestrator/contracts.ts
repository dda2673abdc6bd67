import { z } from 'zod';
import { agentRoleSchema, stepLimitsSchema } from '../domain/agent.ts';
import { budgetSchema } from '../domain/budget.ts';
import { diffStatSchema, planSchema } from '../domain/events.ts';
import { type Json, jsonSchema } from '../domain/json.ts';
import type { RunSpec } from '../domain/run.ts';
import { dimensionsSchema, patternNames } from '../domain/start-options.ts';
import { workflowSchema } from '../domain/workflow.ts';
import { contract } from '../ports/activity.ts';
import { repositoryReportSchema, workspaceInfoSchema } from '../ports/workspace.ts';

/** The program of a session's runs. */
export const SESSION_PROGRAM = 'session';

/** What people did to a plan before it was started. Part of the definition, so that it is pinned with it. */
export const planReviewSchema = z.object({
  by: z.string(),
  /** One line per change, in words for people, oldest first. */
  changes: z.array(z.string()),
  /** What was said about the plan; every agent reads it beside the request. */
  notes: z.array(z.string()),
});
export type PlanReview = z.infer<typeof planReviewSchema>;

/** What a run may cost and how long it may take, as people set it for this run; null: no limit of its own. */
export const planLimitsSchema = z.object({
  budgetUsd: z.number().positive().nullable(),
  /** Milliseconds from the start of the work, or from the request where `dueAt` stands beside it. */
  withinMs: z.number().positive().nullable(),
  /** When the time is up that was asked for with the request, however long its plan waited. */
  dueAt: z.number().optional(),
});
export type PlanLimits = z.infer<typeof planLimitsSchema>;

/** What a session's run is made of: stored with the run, so a newer catalogue changes nothing under way. */
export const sessionDefinitionSchema = z.object({
  workflow: workflowSchema,
  roles: z.array(agentRoleSchema),
  review: planReviewSchema.optional(),
  limits: planLimitsSchema.optional(),
  /** What the request is like, by what was said at its start and the channel's defaults. */
  wanted: dimensionsSchema.optional(),
  /** The way of coordinating that was asked for, in place of the workflow's own. */
  pattern: z.enum(patternNames).optional(),
  /** People may skip, repeat or take over single pieces of work. Absent in runs that began before that was there. */
  steered: z.literal(true).optional(),
  /** Agents are asked for only after it was seen that they work. Absent in runs that began before that was there. */
  admission: z.literal(true).optional(),
  /** How much it may use before it pauses and asks: of baton.yaml, its workflow and its start, the last one that says so. */
  budget: budgetSchema.optional(),
  /** Caps of agents' work as baton.yaml had them when it was made. Absent in runs that began before it could. */
  stepLimits: stepLimitsSchema.optional(),
  /** Its work can be ended by people who take what is there. Absent in runs that began before that was there. */
  deliverable: z.literal(true).optional(),
});
export type SessionDefinition = z.infer<typeof sessionDefinitionSchema>;

export const sessionInputSchema = z.object({
  runId: z.string(),
  sessionId: z.string(),
  team: z.string(),
  requester: z.string(),
  request: z.string(),
  repository: z.string(),
  branch: z.string(),
  /** True when nobody is there to press Start: `baton run`. */
  autoStart: z.boolean(),
  /** The event that started it, or several under `items`: the first node's result. */
  given: jsonSchema.optional(),
  /** Whether the policy is asked about commands and changes. Runs of the first version were begun without. */
  gated: z.boolean().default(false),
});
export type SessionInput = z.infer<typeof sessionInputSchema>;

/** The event that a run was started by, for one that takes its place. */
export function givenTo({ input }: RunSpec): Json | undefined {
  return sessionInputSchema.safeParse(input).data?.given;
}

export const inspectRepository = contract(
  'repository.inspect',
  /** `commit`: what is looked at in place of where the repository is now. */
  z.object({ location: z.string(), commit: z.string().optional() }),
  repositoryReportSchema,
);

export const makePlan = contract(
  'plan.make',
  z.object({ definition: sessionDefinitionSchema, request: z.string(), report: repositoryReportSchema }),
  planSchema,
);

export const openWorkspace = contract(
  'workspace.open',
  z.object({ location: z.string(), branch: z.string(), base: z.string() }),
  workspaceInfoSchema.extend({ allowUnsandboxed: z.boolean() }),
);

/** Puts an approved tree (or the worktree as it is, when nobody was asked) on the branch. */
export const keepWork = contract(
  'workspace.keep',
  z.object({ tree: z.string().nullable(), message: z.string(), at: z.number() }),
  z.object({ commit: z.string(), tree: z.string(), stat: diffStatSchema }),
);

/**
 * Puts the approved tree on the branch, and takes the approval for it: every yes is asked about anew, and the tree is
 * compared with what was shown. Not `ok`: nothing was put there.
 */
export const keepApproved = contract(
  'workspace.keep-approved',
  z.object({ tree: z.string(), approvalId: z.string(), message: z.string(), at: z.number() }),
  z.union([
    z.object({ notTaken: z.string() }),
    z.object({
      commit: z.string(),
      tree: z.string(),
      stat: diffStatSchema,
      /** Files that are not as they were approved, and are not on the branch as they are. */
      left: z.array(z.string()).optional(),
    }),
  ]),
);

/** Voids what the run still asks: nobody waits for an answer any more. */
export const withdrawQuestions = contract('approval.withdraw', z.object({ at: z.number() }), z.object({}));

export const closeWorkspace = contract('workspace.close', z.object({}), z.object({}));

/** What Start and Cancel on the plan send. */
export const planSignalSchema = z.object({ verdict: z.enum(['start', 'cancel']), by: z.string() });
export const PLAN_SIGNAL = 'plan';

/** People take what is there instead of more: the work ends, and is kept. */
export const DELIVER_SIGNAL = 'deliver';
export const deliverSignalSchema = z.object({ by: z.string() });

/** The one answer to a run's plan: started, cancelled, or given up for another. */
export function planDecisionId(runId: string): string {
  return `dec_plan_${runId}`;
}
