import { expect } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { formOf, generated, tree } from './trees.ts';

/** The interpreter with the patterns that ship. */
export const plain = new Interpreter(patterns);

/** The form above each node, by its id. */
export function parentsOf(root: Node): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  for (const node of plain.walk(root))
    for (const child of plain.find(node.kind)?.children(node) ?? []) parents.set(child.id, formOf(node));
  return parents;
}

/** Every form of every kind. */
export const kinds = generated;
/** Whether a node of this form has none below it, as its small one shows. */
function isLeaf(kind: string): boolean {
  const probe = tree({ seed: 1, parent: kind, child: 'agent', leaves: ['agent'], kinds: ['agent'] });
  const found = [...plain.walk(probe)].find((node) => formOf(node) === kind);
  return found === undefined || (plain.find(found.kind)?.children(found) ?? []).length === 0;
}
function some(list: readonly string[]): [string, ...string[]] {
  const [first = 'agent', ...rest] = list;
  return [first, ...rest];
}
export const leaves = kinds.filter(isLeaf);
export const parents = kinds.filter((kind) => !leaves.includes(kind));

/** A random tree in which `child` stands below `parent`, each node checked against its schema. */
export function made(parent: string, child: string, seed: number): Node {
  const root = tree({ seed, parent, child, leaves: some(leaves), kinds: some(kinds) });
  const all = [...plain.walk(root)];
  expect(new Set(all.map(({ id }) => id)).size, 'ids of nodes').toBe(all.length);
  for (const node of all) {
    const parsed = plain.find(node.kind)?.schema.safeParse(node);
    expect(parsed?.error?.issues ?? [], `${node.kind} as it is generated`).toEqual([]);
  }
  return root;
}
