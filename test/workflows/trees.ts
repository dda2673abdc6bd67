import fc from 'fast-check';
import type { Node } from '../../src/domain/workflow.ts';
import * as build from '../../src/workflows/build.ts';

/** Foreign text, and text that YAML would take for something else. */
export const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('yes', 'null', '1e3', '# a', 'a: b\n c', '- x\n', '*a', ' '),
);
const role = fc.constantFrom('architect', 'backend', 'qa', 'reviewer');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** A tree of every kind that has a function, its ids not yet unique. */
export const tree: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>((tie) => {
  const child = tie('node');
  const children = fc.array(child, { minLength: 1, maxLength: 3 });
  const limits = maybe(fc.record({ turns: fc.integer({ min: 1, max: 500 }) }));
  const leaves = [
    fc
      .tuple(role, text, limits)
      .map(([who, task, given]) => build.agent('x', who, task, drop({ limits: given }))),
    fc.constantFrom('test' as const, ['npm', 'run', '*lint']).map((run) => build.command('x', run)),
    fc.tuple(text, text).map(([title, why]) => build.approval('x', { title, why, four_eyes: true })),
    fc.tuple(text, role).map(([question, who]) =>
      build.consensus('x', {
        question,
        options: ['a', '2'],
        participants: [who],
        method: 'weighted',
        weights: { [who]: 1 },
        quorum: '50%',
      }),
    ),
    fc.tuple(text, role).map(([task, who]) =>
      build.delegation('x', {
        conductor: 'architect',
        task,
        delegates: [{ agent: who, expertise: ['css'] }],
      }),
    ),
  ];
  const inner = [
    children.map((stages) => build.sequence('x', stages, { on_error: 'skip' })),
    children.map((branches) => build.parallel('x', branches)),
    fc.tuple(child, maybe(child)).map(([body, improve]) => build.loop('x', body, drop({ improve }))),
    fc.tuple(child, text).map(([producer, ask]) =>
      build.feedback('x', producer, {
        reviewer: 'reviewer',
        criteria: ['all-tests-pass', { name: 'n', check: 'judge', ask }],
      }),
    ),
    fc
      .tuple(child, child)
      .map(([then, other]) => build.conditional('x', { cases: [{ if: 'passed', then }], else: other })),
    fc
      .tuple(child, text)
      .map(([then, domain]) => build.consult('x', { domain, experts: [{ agent: 'qa' }], then })),
  ];
  return { node: fc.oneof({ maxDepth: 4, depthIdentifier: 'tree' }, fc.oneof(...leaves), ...inner) };
}).node;

/** Without what is undefined: optional fields here are left out, never undefined. */
function drop<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return JSON.parse(JSON.stringify(options));
}

/** Gives each node of a tree an id of its own. */
export function numbered(root: Node): Node {
  let next = 0;
  return JSON.parse(JSON.stringify(root), (key, value) =>
    key === 'id' && value === 'x' ? `n${next++}` : value,
  );
}
