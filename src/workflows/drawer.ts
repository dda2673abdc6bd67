import type { z } from 'zod';
import type { Node } from '../domain/workflow.ts';
import type { Picture } from './shapes.ts';

/** Draws a child. */
export type Draw = (child: Node) => Picture;
/** Null when the node has not the fields that takes. */
export type Drawer = (node: unknown, draw: Draw) => Picture | null;

/** Draws one kind, when the node has the fields that takes. */
export function drawer<T>(schema: z.ZodType<T>, draw: (node: T, draw: Draw) => Picture): Drawer {
  return (node, inner) => {
    const parsed = schema.safeParse(node);
    return parsed.success ? draw(parsed.data, inner) : null;
  };
}
