import { z } from 'zod';
import { callsOf } from '../domain/sub-workflows.ts';
import { type Node, nodeSchema, type Workflow } from '../domain/workflow.ts';
import { nearest, suggestion } from './nearest.ts';

/** What a node says of others of its file. */
export interface Speaking {
  readonly node: Node;
  /** Where the node stands in the file's `flow`. */
  readonly path: readonly (string | number)[];
  readonly references: readonly { readonly key: string; readonly id: string }[];
  readonly locks: readonly string[];
  /** Locks that the nodes above it hold. */
  readonly held: readonly string[];
}
interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Kinds whose rest can be left out: what `completes` may name. */
const COMPLETABLE: ReadonlySet<string> = new Set(['map', 'parallel']);

/** Nodes that are spoken of and are not there, and locks whose holders could wait for each other. */
export function referenceProblems(nodes: readonly Speaking[]): Problem[] {
  const kinds = new Map(nodes.map(({ node }) => [node.id, node.kind]));
  const problems = nodes.flatMap(({ node, path, references }) =>
    references.flatMap(({ key, id }): Problem[] => {
      const kind = kinds.get(id);
      if (kind === undefined)
        return [
          {
            path: [...path, key],
            message: `There is no node "${id}" in this file. ${suggestion(id, [...kinds.keys()])}`,
          },
        ];
      if (id === node.id)
        return [{ path: [...path, key], message: `"${id}" cannot speak of itself here. Name another node.` }];
      if (key === 'completes' && !COMPLETABLE.has(kind))
        return [
          {
            path: [...path, key],
            message: `"${id}" is no \`map\` or \`parallel\`, so there is no rest to leave out. Write \`cancels\`.`,
          },
        ];
      return [];
    }),
  );
  return [...problems, ...lockProblems(nodes), ...nodes.flatMap(unreached)];
}

const stagesSchema = z.looseObject({ kind: z.literal('sequence'), stages: z.array(nodeSchema) });

/** What stands behind the end of everything. */
function unreached({ node, path }: Speaking): Problem[] {
  const stages = stagesSchema.safeParse(node).data?.stages ?? [];
  const end = stages.findIndex(({ kind }) => kind === 'end');
  const next = end < 0 ? undefined : stages[end + 1];
  if (next === undefined) return [];
  const message = `"${next.id}" is never reached: "${stages[end]?.id ?? ''}" before it ends the workflow. Take one of them out.`;
  return [{ path: [...path, 'stages', end + 1], message }];
}

/** A lock within itself, or two locks within each other in both orders, could wait for ever. */
function lockProblems(nodes: readonly Speaking[]): Problem[] {
  const within = new Map<string, Set<string>>();
  const problems: Problem[] = [];
  for (const { path, locks, held } of nodes)
    for (const lock of locks)
      for (const outer of held) {
        const place = [...path, 'lock'];
        if (outer === lock)
          problems.push({
            path: place,
            message: `A node above holds the lock "${lock}" already. Take one of them away.`,
          });
        else if (leadsTo(within, lock, outer))
          problems.push({
            path: place,
            message: `"${lock}" is held within "${outer}" here, and the other way round elsewhere: the two could wait for each other. Name both on the outer node.`,
          });
        else within.set(outer, (within.get(outer) ?? new Set()).add(lock));
      }
  return problems;
}

function leadsTo(within: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const stack = [from];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next === to) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    stack.push(...(within.get(next) ?? []));
  }
  return false;
}

/**
 * Workflows that are called and are not there, and those that call themselves, by whatever way round, without saying how
 * often. `find` gives the others; without it only what the file says of itself is looked at.
 */
export function callProblems(
  workflow: Workflow,
  find: ((name: string) => Workflow | undefined) | undefined,
  names: readonly string[] = [],
): { readonly node: string; readonly key: 'workflow' | 'max_depth'; readonly message: string }[] {
  const known = (name: string): Workflow | undefined => (name === workflow.name ? workflow : find?.(name));
  return callsOf(workflow.flow).flatMap(({ node, workflow: name, maxDepth }) => {
    if (known(name) === undefined)
      return find === undefined
        ? []
        : [
            {
              node,
              key: 'workflow' as const,
              message: `There is no workflow "${name}". ${near(name, names)}`,
            },
          ];
    if (maxDepth !== null || !comesBack(name, workflow.name, known)) return [];
    const message = `"${workflow.name}" calls itself by this node, so it could go on for ever. Say how often it may: \`max_depth: 3\`.`;
    return [{ node, key: 'workflow' as const, message }];
  });
}

function near(name: string, names: readonly string[]): string {
  const found = nearest(name, names);
  return found === null
    ? 'Put its file beside this one, or correct the name.'
    : `Did you mean "${found}"? If not, put its file beside this one.`;
}

/** Whether a workflow leads to another through calls that are not bounded. */
function comesBack(from: string, to: string, known: (name: string) => Workflow | undefined): boolean {
  const seen = new Set<string>();
  const stack = [from];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next === to) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    const called = known(next);
    if (called === undefined) continue;
    stack.push(
      ...callsOf(called.flow).flatMap(({ workflow, maxDepth }) => (maxDepth === null ? [workflow] : [])),
    );
  }
  return false;
}
