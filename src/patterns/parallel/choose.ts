import { z } from 'zod';
import type { Handoff } from '../../domain/handoff.ts';
import { type Node, nodeSchema } from '../../domain/workflow.ts';
import type { Flow, Operation } from '../../ports/flow.ts';
import { decide, factsOf, ruleSchema } from '../facts.ts';
import type { RunContext } from '../pattern.ts';

/** Rules by branch: a branch named here begins only when its rule matches. */
export const chooseSchema = z
  .record(nodeSchema.shape.id, ruleSchema)
  .refine((rules) => Object.keys(rules).length > 0, 'Name at least one branch and its rule.');

/** What is wrong with the rules, by the key it stands under. */
export function chooseProblems(node: {
  readonly branches: readonly Node[];
  readonly choose?: Readonly<Record<string, string>> | undefined;
}): { readonly path: string[]; readonly message: string }[] {
  const ids = new Set(node.branches.map(({ id }) => id));
  return Object.keys(node.choose ?? {}).flatMap((id) =>
    ids.has(id)
      ? []
      : [
          {
            path: ['choose', id],
            message: `There is no branch "${id}". Write one of: ${[...ids].join(', ')}.`,
          },
        ],
  );
}

/** The branches that begin: those whose rule matches, and those without one. */
export function* chosen(
  node: {
    readonly id: string;
    readonly branches: readonly Node[];
    readonly choose?: Readonly<Record<string, string>> | undefined;
  },
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<readonly Node[]> {
  if (node.choose === undefined) return node.branches;
  const facts = factsOf(input, context);
  const begin: Node[] = [];
  for (const branch of node.branches) {
    const rule = node.choose[branch.id];
    if (rule === undefined || (yield* decide(rule, facts, node.id, flow))) begin.push(branch);
  }
  return begin;
}
