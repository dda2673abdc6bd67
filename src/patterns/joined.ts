import { type Handoff, mergeContext } from '../domain/handoff.ts';
import type { Json } from '../domain/json.ts';

/** One handoff out of several: results by id, contexts in order, good only when all are, the lowest quality. */
export function joined(input: Handoff, ids: readonly string[], ends: readonly Handoff[]): Handoff {
  const result: { [key: string]: Json } = {};
  for (const [index, id] of ids.entries()) result[id] = ends[index]?.result ?? null;
  const qualities = ends.flatMap(({ validation }) =>
    validation.quality === null ? [] : [validation.quality],
  );
  return {
    result,
    context: mergeContext(input.context, ...ends.map(({ context }) => context)),
    validation: {
      passed: ends.every(({ validation }) => validation.passed),
      quality: qualities.length === 0 ? null : Math.min(...qualities),
      findings: ends.flatMap(({ validation }) => validation.findings),
    },
    warnings: [...new Set([...input.warnings, ...ends.flatMap(({ warnings }) => warnings)])],
  };
}
