import { z } from 'zod';
import { rootRun } from '../domain/run.ts';
import { dimensionsSchema } from '../domain/start-options.ts';
import type { Store } from '../ports/store.ts';

/** How much a run counts beside others that wait for a model: an urgent one gets four turns for one of a usual one. */
const WEIGHTS = { urgent: 4, normal: 1, flexible: 0.25 } as const;
/** Runs whose weight is remembered; then all are forgotten. */
const REMEMBERED = 1_000;

const definition = z.object({ wanted: z.object({ timeline: dimensionsSchema.shape.timeline }).optional() });

/** By what was said of its urgency when it was started, or by its channel's default; a part of a run counts as the run. */
export function weightByUrgency(runs: Pick<Store['runs'], 'status'>): (runId: string) => Promise<number> {
  const known = new Map<string, number>();
  return async (runId) => {
    const root = rootRun(runId);
    const found = known.get(root);
    if (found !== undefined) return found;
    const read = definition.safeParse((await runs.status(root))?.spec.definition);
    const weight = WEIGHTS[read.data?.wanted?.timeline ?? 'normal'];
    if (known.size >= REMEMBERED) known.clear();
    known.set(root, weight);
    return weight;
  };
}
