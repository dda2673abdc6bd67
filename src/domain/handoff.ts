import { z } from 'zod';
import { jsonSchema } from './json.ts';

/** One fact a later stage may need: who said it, for which node, how short. */
export const contextEntrySchema = z.object({
  node: z.string(),
  agent: z.string().nullable(),
  summary: z.string(),
});
export type ContextEntry = z.infer<typeof contextEntrySchema>;

/**
 * What one node hands to the next: its result, what was learned on the way (deduplicated, capped), whether it
 * may be built upon, and what to look out for.
 */
export const handoffSchema = z.object({
  result: jsonSchema,
  context: z.array(contextEntrySchema),
  validation: z.object({
    passed: z.boolean(),
    /** 0-100, null when nobody judged. */
    quality: z.number().min(0).max(100).nullable(),
    findings: z.array(z.string()),
  }),
  warnings: z.array(z.string()),
});
export type Handoff = z.infer<typeof handoffSchema>;

/** Entries kept in a handoff: enough for the longest shipped workflow; older ones are dropped first. */
const CONTEXT_LIMIT = 40;

/** The empty package a run begins with. */
export const emptyHandoff: Handoff = {
  result: null,
  context: [],
  validation: { passed: true, quality: null, findings: [] },
  warnings: [],
};

/** Joins contexts in order: the last word of each node stays, older ones of the same node go, and the list is capped. */
export function mergeContext(...lists: readonly (readonly ContextEntry[])[]): ContextEntry[] {
  const latest = new Map<string, ContextEntry>();
  for (const entry of lists.flat()) {
    latest.delete(entry.node);
    latest.set(entry.node, entry);
  }
  return [...latest.values()].slice(-CONTEXT_LIMIT);
}
