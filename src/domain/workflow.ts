import { z } from 'zod';
import { budgetSchema } from './budget.ts';

/**
 * A node of a workflow's tree as every part but its own pattern sees it: what kind it is and what it is called.
 * Ids are unique within a workflow; they name steps, lines of the epic and answers of a cast.
 */
export const nodeSchema = z.looseObject({
  kind: z.string(),
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'An id is lower-case letters, digits and dashes, at most 40'),
});
export type Node = z.infer<typeof nodeSchema>;

export const workflowSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'A workflow name is lower-case letters, digits and dashes, at most 32'),
  title: z.string(),
  description: z.string(),
  /** One line that tells people how the work goes, and one on why this way. */
  how: z.string(),
  why: z.string(),
  /** How much a run of it may use before it pauses and asks; what is left out is as baton.yaml says. */
  budget: budgetSchema.optional(),
  /** `event`: the work starts from the commit that its event names, where it names one, not from where the repository is now. */
  starts_at: z.literal('event').optional(),
  flow: nodeSchema,
});
export type Workflow = z.infer<typeof workflowSchema>;

const eventSchema = z.looseObject({ commit: z.string(), branch: z.string().optional() });
const givenSchema = z.union([
  z.looseObject({ items: z.array(z.unknown()).min(1) }).transform(({ items }) => items.at(-1)),
  z.unknown(),
]);

/** The commit and branch that the event names which started a run, of several the last; null: none, or the workflow does not ask. */
export function startsAt(
  { starts_at }: Workflow,
  given: unknown,
): { readonly commit: string; readonly branch: string | null } | null {
  if (starts_at !== 'event') return null;
  const event = eventSchema.safeParse(givenSchema.parse(given));
  return event.success ? { commit: event.data.commit, branch: event.data.branch ?? null } : null;
}

/** Low, expected and high; money null where no price is known. */
export interface Estimate {
  readonly ms: { readonly low: number; readonly mid: number; readonly high: number };
  readonly usd: { readonly low: number; readonly mid: number; readonly high: number } | null;
  /** How often people are asked, at most. */
  readonly asks: number;
}

/** What came of writing a workflow into a file. The problem is in words for people. */
export type SavedWorkflow =
  | { readonly ok: true; readonly file: string }
  | { readonly ok: false; readonly problem: string };
