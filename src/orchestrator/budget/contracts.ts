import { z } from 'zod';
import { budgetSchema, budgetUnits } from '../../domain/budget.ts';
import { raiseOfferSchema } from '../../domain/raise.ts';
import { contract } from '../../ports/activity.ts';
import { sessionInputSchema } from '../contracts.ts';

/** The run that asks people what is to become of a run at its budget. A part of that run, so that it is told in its thread. */
export const BUDGET_PROGRAM = 'budget';

const askedSchema = z.object({
  unit: z.enum(budgetUnits),
  /** What the run was given of it, and has used up. */
  given: z.number(),
});
export type BudgetAsked = z.infer<typeof askedSchema>;

export const budgetQuestionSchema = sessionInputSchema.extend({ asked: askedSchema });

/** What is done and left, and what more would buy: read once, and shown as it was then. */
export const takeStock = contract(
  'budget.stock',
  askedSchema,
  z.object({
    why: z.string(),
    stock: z.string(),
    to: z.number(),
    /** Between what people may name an amount of their own. Absent in questions asked before they could. */
    offer: raiseOfferSchema.optional(),
  }),
);

/** Does what people decided: raises the budget, delivers, or stops. Nothing where nobody decided. */
export const settleBudget = contract(
  'budget.settle',
  askedSchema.extend({ approvalId: z.string(), to: z.number() }),
  z.object({ done: z.enum(['raised', 'delivered', 'stopped', 'nothing']) }),
);

/** As a raise is kept among the decisions of its run. */
export const raisedSchema = z.object({ unit: z.enum(budgetUnits), to: z.number() });

/** Of a session's definition, what says how much its run may use. */
export const declaredSchema = z.object({
  budget: budgetSchema.optional(),
  limits: z.object({ budgetUsd: z.number().nullable() }).optional(),
});

/** Decisions about a run's budget, by what was chosen. */
export const RAISED = 'budget_raised';
export const DELIVERED = 'budget_delivered';
