import type { RunSpec } from '../../domain/run.ts';
import { startsAt } from '../../domain/workflow.ts';
import { sessionDefinitionSchema, sessionInputSchema } from '../contracts.ts';

/** Whose branch is handed over, and the branch it is to be merged into: null, the one the repository is on. */
export function handedOverFrom(spec: RunSpec): {
  readonly repository: string;
  readonly branch: string;
  readonly onto: string | null;
} {
  const { repository, branch, given } = sessionInputSchema.parse(spec.input);
  const { workflow } = sessionDefinitionSchema.parse(spec.definition);
  return { repository, branch, onto: startsAt(workflow, given)?.branch ?? null };
}
