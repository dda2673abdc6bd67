import type { z } from 'zod';
import {
  alertSchema,
  cardSchema,
  carouselSchema,
  containerSchema,
  contextSchema,
  elementsSchema,
  headerSchema,
  imageSchema,
  inputSchema,
  sectionSchema,
  videoSchema,
} from './schema.ts';

/** Who draws a block. */
export type Drawer = 'ours' | 'library' | 'unknown';

/**
 * Ours, each with the shape it needs: everything a person can use, and everything whose text may be plain. The
 * library reads mrkdwn marks in plain_text too, and drops what looks like HTML in mrkdwn.
 */
const OURS: ReadonlyMap<unknown, z.ZodType | null> = new Map<unknown, z.ZodType | null>([
  ['section', sectionSchema],
  ['header', headerSchema],
  ['divider', null],
  ['context', contextSchema],
  ['actions', elementsSchema],
  ['input', inputSchema],
  ['image', imageSchema],
  ['alert', alertSchema],
  ['card', cardSchema],
  ['carousel', carouselSchema],
  ['container', containerSchema],
  ['context_actions', elementsSchema],
  ['video', videoSchema],
]);

/** What is rich in itself; its shapes are the library's business. */
const LIBRARY: ReadonlySet<unknown> = new Set([
  'rich_text',
  'markdown',
  'table',
  'plan',
  'task_card',
  'data_visualization',
  'file',
]);

/** @returns who draws the block; `unknown` also for a known type in a wrong shape. */
export function drawerOf(block: Record<string, unknown>): Drawer {
  const type = block['type'];
  if (LIBRARY.has(type)) return 'library';
  const schema = OURS.get(type);
  if (schema === undefined) return 'unknown';
  return schema === null || schema.safeParse(block).success ? 'ours' : 'unknown';
}
