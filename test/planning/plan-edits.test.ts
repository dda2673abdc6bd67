import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Node, Workflow } from '../../src/domain/workflow.ts';
import { editableOf, editPlan, type PlanEdits, walk } from '../../src/planning/plan-edits.ts';
import { readPlanWords } from '../../src/planning/plan-words.ts';
import { tradeOff } from '../../src/planning/trade-off.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { rules } from '../workflows/support.ts';

const text = readFileSync(new URL('../../catalog/workflows/feature.yaml', import.meta.url), 'utf8');
const loaded = loadWorkflow(text, rules);
if (!loaded.ok) throw new Error('the shipped workflow is broken');
const feature = loaded.workflow;
const outputs: Record<string, string> = {
  architect: 'spec',
  backend: 'work',
  qa: 'work',
  frontend: 'work',
  reviewer: 'review',
};
const edit = (edits: PlanEdits, of: Workflow = feature) =>
  editPlan(of, edits, (agent) => outputs[agent] ?? null);
function edited(edits: PlanEdits, of: Workflow = feature) {
  const result = edit(edits, of);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}
const ids = (node: Node) => [...walk(node)].map(({ id }) => id);

describe('what can be edited of the shipped workflow', () => {
  const editable = editableOf(feature);
  test('stages in order, members of groups, and what stays', () => {
    expect(editable.order).toEqual(['design', 'build', 'review', 'keep']);
    expect(editable.stages.map(({ id, fixed }) => [id, fixed])).toEqual([
      ['design', false],
      ['build', false],
      ['implement', false],
      ['tests', false],
      ['review', false],
      ['keep', true],
    ]);
  });
  test('every agent, also of nested nodes, and the one group that can be arranged', () => {
    expect(editable.agents.map(({ node, agent }) => `${node}=${agent}`)).toEqual([
      'design=architect',
      'implement=backend',
      'tests=qa',
      'judge=reviewer',
      'repair=backend',
      'rework=backend',
    ]);
    expect(editable.groups).toEqual([{ node: 'build', way: 'parallel', members: ['implement', 'tests'] }]);
  });
});

describe('edits', () => {
  test.each<[string, PlanEdits, string[], (flow: Node) => void]>([
    ['nothing', {}, [], (flow) => expect(flow).toEqual(feature.flow)],
    [
      'a member of a group left out',
      { off: ['tests'] },
      ['tests left out'],
      (flow) => expect(ids(flow)).not.toContain('tests'),
    ],
    [
      'a whole stage left out',
      { off: ['review'] },
      ['review left out'],
      (flow) =>
        expect(ids(flow)).toEqual([
          'feature',
          'design',
          'build',
          'implement',
          'tests',
          'keep',
          'revise',
          'rework',
          'retest',
        ]),
    ],
    [
      'somebody else for a nested node',
      { agents: { 'repair.agent': 'frontend' } },
      ['repair: frontend instead of backend'],
      (flow) =>
        expect([...walk(flow)].find(({ id }) => id === 'repair')).toMatchObject({ agent: 'frontend' }),
    ],
    [
      'a group one after the other',
      { groups: { build: 'sequence' } },
      ['build: one after the other'],
      (flow) =>
        expect([...walk(flow)].find(({ id }) => id === 'build')).toMatchObject({
          kind: 'sequence',
          stages: [{ id: 'implement' }, { id: 'tests' }],
        }),
    ],
    [
      'another order',
      { order: ['build', 'design'] },
      ['order: build, design, review, keep'],
      (flow) => expect(editableOf({ ...feature, flow }).order).toEqual(['build', 'design', 'review', 'keep']),
    ],
  ])('%s', (_name, edits, changes, looks) => {
    const result = edited(edits);
    expect(result.changes).toEqual(changes);
    looks(result.workflow.flow);
    expect(loadWorkflow(JSON.stringify(result.workflow), { ...rules, agents: Object.keys(outputs) }).ok).toBe(
      true,
    );
  });

  test('the workflow edited is the one given back, untouched, when nothing changes', () => {
    expect(
      edited({ agents: { 'design.agent': 'architect' }, order: ['design', 'build', 'review', 'keep'] })
        .workflow,
    ).toBe(feature);
  });

  test.each<[string, PlanEdits, string]>([
    ['an approval left out', { off: ['keep'] }, 'asks people, so it stays'],
    [
      'work moved behind the approval',
      { order: ['design', 'keep', 'build', 'review'] },
      '"build" comes before "keep"',
    ],
    ['a stage that is none', { off: ['nothing'] }, 'no stage "nothing"'],
    ['a nested stage in the order', { order: ['tests'] }, 'no stage "tests"'],
    ['a stage named twice', { order: ['design', 'design'] }, 'named twice'],
    ['an agent that is none', { agents: { 'design.agent': 'nobody' } }, 'no agent "nobody"'],
    ['an agent with another kind of result', { agents: { 'judge.agent': 'backend' } }, 'ends with a work'],
    ['a group that is none', { groups: { review: 'parallel' } }, 'cannot be arranged'],
  ])('refused: %s', (_name, edits, problem) => {
    const result = edit(edits);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).toContain(JSON.stringify(problem).slice(1, -1));
  });

  test('refused: everything left out', () => {
    const one: Workflow = {
      ...feature,
      flow: {
        kind: 'sequence',
        id: 'all',
        stages: [{ kind: 'agent', id: 'a', agent: 'backend', task: 't' }],
      },
    };
    expect(edit({ off: ['a'] }, one)).toMatchObject({
      ok: false,
      problems: [{ message: 'Something has to be left to do.' }],
    });
  });

  test('there and back again: arranged twice it is what it was', () => {
    const there = edited({ groups: { build: 'sequence' } }).workflow;
    expect(edited({ groups: { build: 'parallel' } }, there).workflow).toEqual(feature);
  });
});

describe('words about a plan', () => {
  const known = {
    workflows: ['feature', 'simple', 'code-review-loop'],
    agents: ['architect', 'backend', 'frontend', 'qa', 'reviewer'],
  };
  test.each<[string, ReturnType<typeof readPlanWords>]>([
    ['without qa please', { workflow: null, edits: { off: ['tests'] } }],
    ['Skip the review, no tests', { workflow: null, edits: { off: ['tests', 'review'] } }],
    [
      'frontend instead of backend',
      {
        workflow: null,
        edits: {
          agents: { 'implement.agent': 'frontend', 'repair.agent': 'frontend', 'rework.agent': 'frontend' },
        },
      },
    ],
    ['frontend for the repair', { workflow: null, edits: { agents: { 'repair.agent': 'frontend' } } }],
    ['one after the other', { workflow: null, edits: { groups: { build: 'sequence' } } }],
    ['use the simple plan', { workflow: 'simple', edits: {} }],
    ['try code-review-loop.', { workflow: 'code-review-loop', edits: {} }],
    // What is no wish about the plan's shape is left to the agents.
    ['keep it as simple as you can', { workflow: null, edits: {} }],
    ['no keep', { workflow: null, edits: {} }],
    ['mind the qa-lead, no qa-lead', { workflow: null, edits: {} }],
    ['the tests matter most', { workflow: null, edits: {} }],
  ])('%s', (words, expected) => expect(readPlanWords(words, feature, known)).toEqual(expected));
});

describe('trade-offs', () => {
  const of = (ms: number, usd: number | null, asks: number) => ({
    ms: { low: ms, mid: ms, high: ms },
    usd: usd === null ? null : { low: usd, mid: usd, high: usd },
    asks,
  });
  test.each([
    [of(600_000, 1, 1), of(420_000, 0.6, 0), 'about 3 min sooner, $0.40 less, asks nobody'],
    [of(600_000, 1, 1), of(640_000, 1.05, 2), 'asks 1 time more'],
    [of(60_000, null, 3), of(90_000, 1, 1), 'about 30 s longer, asks 2 times less'],
    [of(600_000, 1, 1), of(610_000, 1, 1), 'about the same time and cost'],
  ])('%#', (mine, other, words) => expect(tradeOff(mine, other)).toBe(words));
});
