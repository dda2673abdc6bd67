import { expect, test } from 'vitest';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { fileWith, problemsOf, rules } from './support.ts';

const wait = (id: string, more = ''): string => `{ kind: wait, id: ${id}, signal: ${id}${more} }`;
const branches = (...nodes: string[]): string =>
  fileWith(`  kind: parallel\n  id: root\n  branches:\n${nodes.map((node) => `    - ${node}\n`).join('')}`);

test.each([
  [
    'a node that is not there',
    branches(wait('a'), wait('b', ', cancels: [aa]')),
    '11:48 There is no node "aa" in this file. Did you mean "a"?',
  ],
  [
    'a state of things that never is',
    branches(wait('a', ', milestone: { after: gone }')),
    '10:50 There is no node "gone" in this file. Write one of: root, a.',
  ],
  [
    'itself',
    branches(wait('a', ', cancels: [a]')),
    '10:48 "a" cannot speak of itself here. Name another node.',
  ],
  [
    'what has no rest',
    branches(wait('a'), wait('b', ', completes: [a]')),
    '11:50 "a" is no `map` or `parallel`, so there is no rest to leave out. Write `cancels`.',
  ],
])('a node that speaks of %s is refused at its place', (_what, text, problem) => {
  expect(problemsOf(text)).toEqual([problem]);
});

test('locks that could wait for each other are refused: one within itself, and two in both orders', () => {
  const held = (id: string, lock: string, inner: string): string =>
    `{ kind: sequence, id: ${id}, lock: ${lock}, stages: [${inner}] }`;
  expect(problemsOf(branches(held('a', 'x', wait('b', ', lock: x'))))).toEqual([
    '10:88 A node above holds the lock "x" already. Take one of them away.',
  ]);
  const both = branches(held('a', 'x', wait('b', ', lock: y')), held('c', 'y', wait('d', ', lock: x')));
  expect(problemsOf(both)).toEqual([
    expect.stringMatching(/^11:\d+ "x" is held within "y" here, and the other way round/),
  ]);
  const same = branches(held('a', 'x', wait('b', ', lock: y')), held('c', 'x', wait('d', ', lock: y')));
  expect(problemsOf(same)).toEqual([]);
});

test('what is never reached is refused', () => {
  const after = fileWith(
    `  kind: sequence\n  id: root\n  stages:\n    - { kind: end, id: over }\n    - ${wait('late')}\n`,
  );
  expect(problemsOf(after)).toEqual([
    '11:7 "late" is never reached: "over" before it ends the workflow. Take one of them out.',
  ]);
  const other = fileWith(
    `  kind: conditional\n  id: root\n  on_success: ${wait('a')}\n  on_failure: ${wait('b')}\n  else: ${wait('c')}\n`,
  );
  expect(problemsOf(other)).toEqual([
    expect.stringMatching(/^11:9 .*This is never reached: `on_success` or `on_failure`/),
  ]);
});

const machine = (states: string): string => fileWith(`  kind: machine\n  id: root\n  states:\n${states}`);

test.each([
  [
    'a state that no way leads to',
    '    - { id: a, end: true }\n    - { id: b, go: [{ to: a }] }\n',
    /^11:7 .*No way leads to the state "b"/,
  ],
  [
    'a cycle that nothing leaves',
    '    - { id: a, go: [{ if: passed, to: c }, { to: b }] }\n    - { id: b, go: [{ to: b }] }\n    - { id: c, end: true }\n',
    /^11:7 .*From "b" no way leads to an end/,
  ],
  [
    'a state that is not there',
    '    - { id: a, go: [{ to: nowhere }] }\n    - { id: b, end: true }\n',
    /^10:\d+ .*There is no state "nowhere". Write one of: a, b/,
  ],
  ['no end', '    - { id: a, go: [{ to: a }] }\n', /^10:5 .*No state has `end: true`/],
  ['a dead end', '    - { id: a }\n    - { id: b, end: true }\n', /^10:7 .*"a" leads nowhere/],
])('a machine with %s is refused at its line', (_what, states, problem) => {
  expect(problemsOf(machine(states))[0]).toMatch(problem);
});

const calling = (name: string, called: string, more = ''): string =>
  fileWith(`  kind: workflow\n  id: again\n  workflow: ${called}${more}\n`).replace(
    'name: sample',
    `name: ${name}`,
  );

test('a workflow that calls itself has to say how often, by whatever way round it does', () => {
  expect(problemsOf(calling('sample', 'sample'))).toEqual([
    '9:13 "sample" calls itself by this node, so it could go on for ever. Say how often it may: `max_depth: 3`.',
  ]);
  expect(problemsOf(calling('sample', 'sample', '\n  max_depth: 2'))).toEqual([]);
  const other = loadWorkflow(calling('other', 'sample'), rules);
  const known = {
    ...rules,
    workflow: (name: string) => (name === 'other' && other.ok ? other.workflow : undefined),
  };
  const loaded = loadWorkflow(calling('sample', 'other'), known);
  expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('"sample" calls itself by this node'),
  ]);
  const lost = loadWorkflow(calling('sample', 'nobody'), known);
  expect(lost.ok ? [] : lost.problems.map(({ message }) => message)).toEqual([
    'There is no workflow "nobody". Put its file beside this one, or correct the name.',
  ]);
});

test('a workflow that is called like a word of the command is refused where its name stands', () => {
  expect(problemsOf(calling('status', 'other'))).toEqual([
    '1:7 A workflow cannot be called "status": that is a word of /orchestrate. Give it another name.',
  ]);
});
