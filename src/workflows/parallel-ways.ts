import { z } from 'zod';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import { box, type Picture, type Way } from './shapes.ts';

export const taskSchema = z.object({
  id: nodeSchema.shape.id,
  agent: z.string().optional(),
  flow: nodeSchema.optional(),
  needs: z.array(z.string()).default([]),
  stream: z.string().optional(),
});
export const pointSchema = z.object({
  id: nodeSchema.shape.id,
  type: z.string(),
  participants: z.array(z.string()),
  approval: z.unknown().optional(),
});

/** A task of a parallel node, with its stream and what it waits for. */
export function taskWay(
  { id: name, agent, flow, needs, stream }: z.infer<typeof taskSchema>,
  draw: (child: Node) => Picture,
): Way {
  const waits = needs.length === 0 ? [] : [`after ${needs.join(', ')}`];
  const label = [...(stream === undefined ? [] : [stream]), ...waits].join(', ');
  return { label, part: flow === undefined ? box('work', name, agent ?? '') : draw(flow) };
}

/** Where tasks of a parallel node meet. */
export function pointWay({ id: name, type, participants, approval }: z.infer<typeof pointSchema>): Way {
  const shape = approval === undefined ? 'point' : 'question';
  return { label: `${type} of ${participants.join(', ')}`, part: box(shape, name) };
}
