import { z } from 'zod';
import { agentRoleSchema } from './agent.ts';

/** What somebody means who speaks to Baton in an epic's thread. */
export const steeringKinds = [
  'feedback',
  'direction',
  'pause',
  'resume',
  'stop',
  'question',
  'start',
  'retry',
  'skip',
  'take_over',
  'done',
  'reassign',
  'rollback',
  'hand_over',
  'chatter',
] as const;
export type SteeringKind = (typeof steeringKinds)[number];

export const sentiments = ['positive', 'neutral', 'negative'] as const;
export const priorities = ['low', 'normal', 'high', 'critical'] as const;

/** A message as it was understood. Kept with the decision that says what was done about it. */
export const steeringSchema = z.object({
  kind: z.enum(steeringKinds),
  sentiment: z.enum(sentiments),
  priority: z.enum(priorities),
  /** What is wanted from here on, in the person's words; null where nothing is. */
  direction: z.string().nullable(),
  /** The piece of work or the agent that was named; null: all of it. */
  target: z.string().nullable(),
  /** Who is to do it instead, for `reassign`. */
  agent: z.string().nullable(),
  /** Why, for `skip`; what came of it, for `done`; where to, for `rollback`. */
  reason: z.string().nullable(),
});
export type Steering = z.infer<typeof steeringSchema>;

/** Words of a person to the agents of a run, in the order in which they were said. */
export const guidanceSchema = z.object({
  id: z.string(),
  by: z.string(),
  kind: z.enum(['feedback', 'direction']),
  priority: z.enum(priorities),
  text: z.string(),
  /** A node or an agent; null: everybody. */
  target: z.string().nullable(),
});
export type Guidance = z.infer<typeof guidanceSchema>;

/** What a person does about one piece of work while it waits or is under way. Sent as the signal `steer:<node>`. */
export const workWordSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('retry'), by: z.string() }),
  z.object({ do: z.literal('skip'), by: z.string(), reason: z.string() }),
  z.object({ do: z.literal('take_over'), by: z.string() }),
  /** Ends what somebody took over; `text` is what came of it. */
  z.object({ do: z.literal('done'), by: z.string(), text: z.string() }),
  /** The role comes along whole, so that it is pinned like those of the definition. */
  z.object({ do: z.literal('reassign'), by: z.string(), role: agentRoleSchema }),
]);
export type WorkWord = z.infer<typeof workWordSchema>;

export function steerSignal(node: string): string {
  return `steer:${node}`;
}
