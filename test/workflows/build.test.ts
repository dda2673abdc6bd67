import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as build from '../../src/workflows/build.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { rules } from './support.ts';
import { numbered, text, tree } from './trees.ts';

const words = { title: 'T', description: 'D', how: 'H', why: 'W' };
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
