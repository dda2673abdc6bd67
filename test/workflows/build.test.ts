import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Node } from '../../src/domain/workflow.ts';
import * as build from '../../src/workflows/build.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { rules } from './support.ts';

const words = { title: 'T', description: 'D', how: 'H', why: 'W' };
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('yes', 'null', '1e3', '# a', 'a: b\n c', '- x\n', '*a', ' '),
);
const role = fc.constantFrom('architect', 'backend', 'qa', 'reviewer');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** A tree of every kind that has a function, its ids not yet unique. */
const tree: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>((tie) => {
  const child = tie('node');
  const children = fc.array(child, { minLength: 1, maxLength: 3 });
  const limits = maybe(fc.record({ turns: fc.integer({ min: 1, max: 500 }) }));
  const leaves = [
    fc
      .tuple(role, text, limits)
      .map(([who, task, given]) => build.agent('x', who, task, drop({ limits: given }))),
    fc.constantFrom('test' as const, ['npm', 'run', '*lint']).map((run) => build.command('x', run)),
    fc.tuple(text, text).map(([title, why]) => build.approval('x', { title, why, four_eyes: true })),
    fc
      .tuple(text, role)
      .map(([question, who]) =>
        build.consensus('x', {
          question,
          options: ['a', '2'],
          participants: [who],
          method: 'weighted',
          weights: { [who]: 1 },
          quorum: '50%',
        }),
      ),
    fc
      .tuple(text, role)
      .map(([task, who]) =>
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
    fc
      .tuple(child, text)
      .map(([producer, ask]) =>
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
function numbered(root: Node): Node {
  let next = 0;
  return JSON.parse(JSON.stringify(root), (key, value) =>
    key === 'id' && value === 'x' ? `n${next++}` : value,
  );
}

describe('a built workflow', () => {
  test('written as YAML and loaded is the same, by its hash too', () => {
    let large = 0;
    fc.assert(
      fc.property(tree, text, (root, title) => {
        const built = build.workflow('built', { ...words, title }, numbered(root));
        const yaml = loadWorkflow(build.workflowText(built), rules);
        const json = loadWorkflow(JSON.stringify(built), rules);
        if (JSON.stringify(built).length > 600) large += 1;
        expect(yaml).toMatchObject({ ok: true, workflow: built });
        expect(yaml).toEqual(json);
      }),
      { numRuns: 200 },
    );
    expect(large).toBeGreaterThan(20);
  });

  test('is what a person would have written', () => {
    const built = build.workflow(
      'tidy',
      words,
      build.sequence('tidy', [
        build.agent('clean', 'backend', 'Tidy up.', { limits: { timeout: '10m' } }),
        build.command('verify', 'test'),
      ]),
    );
    expect(parse(build.workflowText(built))).toEqual({
      name: 'tidy',
      ...words,
      flow: {
        kind: 'sequence',
        id: 'tidy',
        stages: [
          { kind: 'agent', id: 'clean', agent: 'backend', task: 'Tidy up.', limits: { timeout: '10m' } },
          { kind: 'command', id: 'verify', run: 'test' },
        ],
      },
    });
  });

  test('may use one value in more places than a file may have aliases', () => {
    const limits = { turns: 3 };
    const many = Array.from({ length: 60 }, (_, i) => build.agent(`a${i}`, 'qa', 't', { limits }));
    const built = build.workflow('many', words, build.parallel('all', many));
    expect(loadWorkflow(build.workflowText(built), rules)).toMatchObject({ ok: true });
  });

  test('holds no functions, dates or wrong ids', () => {
    expect(() => build.node('custom', 'a', { when: () => true })).toThrow();
    expect(() => build.node('custom', 'a', { deep: [{ at: Symbol('x') }] })).toThrow();
    expect(() => build.node('custom', 'Not An Id', {})).toThrow(/An id is/);
    expect(build.node('custom', 'a', { left: undefined, kept: [1] })).toEqual({
      kind: 'custom',
      id: 'a',
      kept: [1],
    });
  });
});
