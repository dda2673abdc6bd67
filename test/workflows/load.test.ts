import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { workflowSchema } from '../../src/domain/workflow.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { nearest } from '../../src/workflows/nearest.ts';
import { fileWith, problemsOf, rules } from './support.ts';

const good = '  kind: agent\n  id: one\n  agent: backend\n  task: Do it\n';
const feature = readFileSync(new URL('../../catalog/workflows/feature.yaml', import.meta.url), 'utf8');

/** A sequence of one stage in another, `depth` levels in all. */
function nested(depth: number): string {
  let flow = '{kind: agent, id: leaf, agent: backend, task: t}';
  for (let level = 1; level < depth; level += 1) flow = `{kind: sequence, id: s${level}, stages: [${flow}]}`;
  return `  ${flow}\n`;
}

describe('a good file', () => {
  test('the shipped workflow loads, and its hash depends on what it says, not on how it is written', () => {
    const loaded = loadWorkflow(feature, rules);
    expect(loaded).toMatchObject({ ok: true, workflow: { name: 'feature' } });
    const hash = (text: string) => {
      const again = loadWorkflow(text, rules);
      return again.ok ? again.hash : null;
    };
    expect(hash(`# a comment\n${feature}`)).toBe(hash(feature));
    expect(hash(feature.replace('max: 3', 'max: 4'))).not.toBe(hash(feature));
    expect(hash(feature.replace('max: 3', 'max: 4'))).not.toBeNull();
  });

  test('the deepest tree that is allowed, and aliases in moderation', () => {
    expect(problemsOf(fileWith(nested(64)))).toEqual([]);
    const words = '  kind: sequence\n  id: all\n  stages:\n';
    const first = '    - {kind: agent, id: a0, agent: backend, task: &t Do it}\n';
    const others = Array.from(
      { length: 50 },
      (_, i) => `    - {kind: agent, id: b${i}, agent: qa, task: *t}\n`,
    );
    expect(problemsOf(fileWith(words + first + others.join('')))).toEqual([]);
    const most = [...others, '    - {kind: agent, id: last, agent: qa, task: *t}\n'];
    expect(problemsOf(fileWith(words + first + most.join('')))).toEqual([
      '61:48 More than 50 aliases. Write the nodes out.',
    ]);
  });
});

const wrong: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
  [
    'an unknown kind, with the nearest',
    fileWith(good.replace('agent', 'agnet')),
    ['7:9 "agnet" is no kind of node. Did you mean "agent"?'],
  ],
  [
    'a kind like no other, with all of them',
    fileWith(good.replace('agent', 'committee')),
    [`7:9 "committee" is no kind of node. Write one of: ${rules.kinds.join(', ')}.`],
  ],
  [
    'an unknown agent',
    fileWith(good.replace('backend', 'bakend')),
    ['9:10 There is no agent "bakend". Did you mean "backend"?'],
  ],
  [
    'a missing field of the file',
    fileWith(good).replace('title: T\n', ''),
    ['1:1 "title" is missing. Write `title:` with a value.'],
  ],
  [
    'a missing field of a node',
    fileWith(good.replace('  task: Do it\n', '')),
    ['7:3 "task" is missing. Write `task:` with a value.'],
  ],
  [
    'a missing flow',
    'name: sample\ntitle: T\ndescription: D\nhow: H\nwhy: W\n',
    ['1:1 "flow" is missing. Write `flow:` with a value.'],
  ],
  [
    'an unknown key of the file',
    `${fileWith(good)}colour: red\n`,
    [
      `11:9 There is no "colour" here. Take it out, or write one of: ${Object.keys(workflowSchema.shape).join(', ')}.`,
    ],
  ],
  [
    'an unknown key of a node',
    fileWith(`${good}  taks: more\n`),
    ['11:9 There is no "taks" here. Did you mean "task"?'],
  ],
  [
    'an unknown key below a node',
    fileWith(`${good}  limits:\n    tokns: 5000\n`),
    ['12:12 There is no "tokns" here. Did you mean "tokens"?'],
  ],
  [
    'a duration without its unit',
    fileWith('  kind: command\n  id: t\n  run: test\n  timeout: "90"\n'),
    ['10:12 "timeout": Write a duration with its unit, such as "90s", "2h" or "3w", at most ten years'],
  ],
  [
    'a number as a duration',
    fileWith('  kind: command\n  id: t\n  run: test\n  timeout: 90\n'),
    ['10:12 "timeout": A text is wanted here; a duration has a unit, such as 90s, 10m or 2h.'],
  ],
  [
    'an id that is none',
    fileWith(good.replace('id: one', 'id: One')),
    ['8:7 "flow.id": An id is lower-case letters, digits and dashes, at most 40'],
  ],
  [
    'an id used twice by siblings: the second one is shown',
    fileWith(
      '  kind: sequence\n  id: all\n  stages:\n    - {kind: agent, id: a, agent: qa, task: t}\n    - {kind: agent, id: a, agent: qa, task: t}\n',
    ),
    ['11:25 The id "a" is used twice. Ids are unique within a workflow. Give one of them another.'],
  ],
  [
    'several problems, in the order of the file',
    fileWith(
      '  kind: sequence\n  id: all\n  stages:\n    - {kind: agnet, id: a}\n    - {kind: agent, id: b, agent: nobody, task: t}\n    - {kind: lop, id: c}\n',
    ),
    [
      '10:14 "agnet" is no kind of node. Did you mean "agent"?',
      '11:35 There is no agent "nobody". Write one of: architect, backend, qa, reviewer.',
      '12:14 "lop" is no kind of node. Did you mean "loop"?',
    ],
  ],
  [
    'a child that is no node',
    fileWith('  kind: sequence\n  id: all\n  stages:\n    - just words\n'),
    ['10:7 "stages.0": Keys with values are wanted here.'],
  ],
  [
    'no stages at all',
    fileWith('  kind: sequence\n  id: all\n  stages: []\n'),
    ['9:11 "stages": At least one is wanted here.'],
  ],
  [
    'a key twice',
    fileWith(`${good}  task: again\n`),
    ['11:3 This key is there twice. Take one of the two out.'],
  ],
  [
    'a bracket left open',
    'name: [',
    [
      '1:8 Flow sequence in block collection must be sufficiently indented and end with a ]. Indent keys of one node alike, and close each bracket that is open.',
    ],
  ],
  [
    'a tab, and nothing of what follows from it',
    fileWith('  kind: sequence\n  id: all\n\tstages:\n    - {kind: agent, id: a, agent: qa, task: t}\n'),
    ['9:1 Tabs are not allowed as indentation. Write spaces in place of the tab.'],
  ],
  [
    'a colon within a text',
    fileWith('  kind: agent\n  id: one\n  agent: qa\n  task: Do it: now\n'),
    [
      '10:9 Nested mappings are not allowed in compact mappings. Write each key on a line of its own, under its neighbours; a text in which a colon is followed by a space goes in quotes.',
    ],
  ],
  [
    'two documents',
    `${fileWith(good)}---\nname: two\n`,
    ['11:1 A second document begins here. A file holds one workflow: move it into a file of its own.'],
  ],
  ['nothing', '', ['1:1 Keys with values are wanted here.']],
  ['words', 'feature', ['1:1 Keys with values are wanted here.']],
  ['a tree that is too deep', fileWith(nested(65)), []],
  [
    'a file that is too big',
    `${fileWith(good)}# ${'x'.repeat(256 * 1024)}\n`,
    ['1:1 The file is larger than 256 kB. Split it into workflows of its own.'],
  ],
  ['brackets without end', `name: ${'['.repeat(100_000)}`, []],
  ['an alias of nothing', fileWith(good.replace('Do it', '*nothing')), []],
  ['a node inside itself', fileWith('  &me\n  kind: sequence\n  id: all\n  stages: [*me]\n'), []],
  [
    'aliases of aliases',
    `name: &a [x, x, x, x, x, x, x, x]\ntitle: &b [*a, *a, *a, *a, *a, *a]\nhow: &c [*b, *b, *b, *b, *b, *b]\nwhy: &d [*c, *c, *c, *c, *c, *c]\nflow: [*d, *d, *d, *d, *d, *d]\n`,
    [],
  ],
];

describe('what is wrong is shown at its place, with what to write', () => {
  test.each(wrong)('%s', (_name, text, problems) => {
    const found = problemsOf(text);
    expect(found.length).toBeGreaterThan(0);
    for (const problem of found) expect(problem).toMatch(/^\d+:\d+ \S/);
    if (problems.length > 0) expect(found).toEqual(problems);
  });

  test('too deep is said at the first node that is', () => {
    const [problem, ...others] = problemsOf(fileWith(nested(65)));
    expect(problem).toMatch(/^7:\d+ Nested deeper than 64\./);
    expect(others).toEqual([]);
  });

  test('no text makes it throw, and every answer is a workflow or a place', () => {
    const lines = feature.split('\n');
    let refused = 0;
    const piece = fc.oneof(
      fc.constantFrom(...lines),
      fc.constantFrom('- *a', '&a', '? [', '!!binary x', '.inf', '<<: *b', '\t', 'flow: {}'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (parts) => {
        const loaded = loadWorkflow(parts.join('\n'), rules);
        if (loaded.ok) return;
        refused += 1;
        expect(loaded.problems.length).toBeGreaterThan(0);
        for (const { line, column } of loaded.problems)
          expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(120);
  });

  test('a line taken out of a good file never makes it mean something else unnoticed', () => {
    const lines = feature.split('\n');
    const good = loadWorkflow(feature, rules);
    const hash = good.ok ? good.hash : '';
    const missing = lines.filter((line, i) => {
      if (line.trim() === '' || line.startsWith('#')) return false;
      const loaded = loadWorkflow([...lines.slice(0, i), ...lines.slice(i + 1)].join('\n'), rules);
      return loaded.ok && loaded.hash === hash;
    });
    expect(missing).toEqual([]);
  });
});

describe('the nearest word', () => {
  test.each([
    ['featur', 'feature'],
    ['Feature', 'feature'],
    ['lsit', 'list'],
    ['list', 'list'],
    ['xyzzy', null],
    ['', null],
    ['a'.repeat(1_000), null],
  ])('%j is %j', (word, expected) => {
    expect(nearest(word, ['feature', 'list', 'status', 'cancel'])).toBe(expected);
  });

  test('a word with one letter changed is found again', () => {
    const known = ['feature', 'status', 'cancel', 'retry'];
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.nat(), fc.constantFrom('x', 'q', 'z'), (word, at, letter) => {
        const i = at % word.length;
        expect(nearest(word.slice(0, i) + letter + word.slice(i + 1), known)).toBe(word);
      }),
    );
  });
});

test('a node within a case or a phase is shown at its own line', () => {
  const cases =
    '  kind: conditional\n  id: c\n  cases:\n    - if: passed\n      then:\n        kind: agent\n        id: a\n        agent: nobody\n        task: t\n';
  expect(problemsOf(fileWith(cases))).toEqual([
    '14:16 There is no agent "nobody". Write one of: architect, backend, qa, reviewer.',
  ]);
});

test('an agent of a task is shown at the line of that task, and of a node that holds its name at that node’s', () => {
  const tasks =
    '  kind: parallel\n  id: p\n  tasks:\n    - id: a\n      agent: qa\n      task: t\n    - id: b\n      agent: bakend\n      task: t\n    - id: c\n      flow:\n        kind: agent\n        id: c\n        agent: nobody\n        task: t\n';
  expect(problemsOf(fileWith(tasks))).toEqual([
    '14:14 There is no agent "bakend". Did you mean "backend"?',
    '20:16 There is no agent "nobody". Write one of: architect, backend, qa, reviewer.',
  ]);
});
