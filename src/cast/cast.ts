import { z } from 'zod';
import { agentResults, type ResultKind, resultKinds } from '../domain/agent.ts';
import { jsonSchema } from '../domain/json.ts';

/**
 * The form of a cast file: what each agent says when no model is asked. The answer depends on the conversation
 * alone, so the same conversation always gets the same answer. The guide for people stands at the top of
 * `catalog/casts/csv-export.yaml`.
 */
const words = z.string().min(1);

/** All conditions given have to hold. Texts are compared without regard to case. */
const conditionSchema = z.strictObject({
  /** The node's id in the workflow. */
  node: words.optional(),
  /** The kind of result asked for: spec, work, review, vote, route, answer, verdict or items. */
  kind: z.enum(resultKinds).optional(),
  /** How many turns the agent has had in this task, 0 for its first. */
  turn: z.int().min(0).optional(),
  /** Whether the task carries feedback (from a review or a person). */
  feedback: z.boolean().optional(),
  feedback_contains: words.optional(),
  request_contains: words.optional(),
  /** Anything in the agent's first message, for instance what earlier nodes handed over. */
  task_contains: words.optional(),
  /** Something in the results of the calls of the turn before. */
  last_tool_contains: words.optional(),
});
export type Condition = z.infer<typeof conditionSchema>;

const callSchema = z.strictObject({ tool: words, arguments: z.record(z.string(), jsonSchema) });

const anyResult = z.record(z.string(), jsonSchema);

/** One turn of an agent: words with calls, words alone, or the typed result that ends the task. */
const lineSchema = z
  .strictObject({
    when: conditionSchema.default({}),
    say: words.optional(),
    calls: z.array(callSchema).min(1).optional(),
    result: anyResult.optional(),
  })
  .superRefine((line, context) => {
    const complain = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    if (line.say === undefined && line.calls === undefined && line.result === undefined)
      complain([], 'a line needs `say`, `calls` or `result`');
    if (line.result !== undefined && line.calls !== undefined)
      complain(['result'], 'a result ends the task, so it stands in a line without `calls`');
    if (line.result !== undefined && line.say !== undefined)
      complain(['say'], 'a result is the whole answer; put the words into its `summary`');
    if (line.calls !== undefined && line.when.turn === undefined)
      complain(
        ['calls'],
        'a line with `calls` names its `turn` under `when`, or it would be played for ever',
      );
    if (line.result === undefined) return;
    const parsed = agentResults[resultKindOf(line.result)].safeParse(line.result);
    for (const issue of parsed.error?.issues ?? [])
      context.addIssue({ code: 'custom', path: ['result', ...issue.path], message: issue.message });
  });
export type Line = z.infer<typeof lineSchema>;

export const castSchema = z.strictObject({
  /** Named to people when the cast has no lines for something. */
  name: words,
  /** Which requests the cast is for: those with any of these words. Left out: every request. */
  request: z.strictObject({ any_of: z.array(words).min(1) }).optional(),
  /** Lines by role. The first whose conditions all hold is played, so special cases stand above general ones. */
  roles: z.record(words, z.array(lineSchema).min(1)),
});
export type Cast = z.infer<typeof castSchema>;

/** Which of the typed results a result in a cast is meant to be, told by the field only that kind has. */
export function resultKindOf(result: Readonly<Record<string, unknown>>): ResultKind {
  if ('choice' in result) return 'vote';
  if ('done' in result) return 'route';
  if ('confidence' in result) return 'answer';
  if ('met' in result) return 'verdict';
  if ('items' in result) return 'items';
  if ('quality' in result || 'approved' in result) return 'review';
  if ('points' in result || 'risks' in result) return 'spec';
  return 'work';
}
