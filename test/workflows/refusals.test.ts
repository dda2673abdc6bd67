import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadCatalog } from '../../src/compose/catalog.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';

const home = mkdtempSync(path.join(tmpdir(), 'baton-refusals-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const catalog = loadCatalog(home, { events: { mine: { text: 'text' } } });
const rules = {
  ...catalog.rules,
  workflow: (name: string) => catalog.workflows.get(name),
  workflowNames: [...catalog.workflows.keys()],
};
const load = (flow: string) =>
  loadWorkflow(`name: bad\ntitle: t\ndescription: d\nhow: h\nwhy: w\nflow:${flow}\n`, rules);

/** What is wrong, the flow, and what is said first: line and column in the file, and what to write instead. */
const wrong: readonly (readonly [string, string, string, string])[] = [
  [
    'weights that do not sum to 1',
    `
  kind: consensus
  id: vote
  question: Which?
  options: [a, b]
  method: weighted
  participants: [architect, backend]
  weights: { architect: 0.6, backend: 0.6 }`,
    '13:12',
    '"weights": The weights sum to 1.2; they must sum to 1.',
  ],
  [
    'a voter without a weight',
    `
  kind: consensus
  id: vote
  question: Which?
  options: [a, b]
  method: weighted
  participants: [architect, backend]
  weights: { architect: 1 }`,
    '13:12',
    '"weights": "backend" votes but has no weight.',
  ],
  [
    'a weighted vote without weights',
    `
  kind: consensus
  id: vote
  question: Which?
  options: [a, b]
  method: weighted
  participants: [architect, backend]`,
    '7:3',
    '"weights": A weighted vote needs `weights` for its participants.',
  ],
  [
    'a threshold over 1',
    `
  kind: consensus
  id: vote
  question: Which?
  options: [a, b]
  participants: [architect, backend]
  threshold: 1.5`,
    '12:14',
    '"threshold": This is too much. Write 1 or less, or a percentage up to 100%.',
  ],
  [
    'a threshold over 100%',
    `
  kind: consensus
  id: vote
  question: Which?
  options: [a, b]
  participants: [architect, backend]
  threshold: 175%`,
    '12:14',
    '"threshold": This is too much. Write 1 or less, or a percentage up to 100%.',
  ],
  [
    'a quality over 100',
    `
  kind: loop
  id: rounds
  until: { quality: 170 }
  body: { kind: agent, id: a, agent: backend, task: t }`,
    '9:21',
    '"until.quality": This is too much. Write 100 or less.',
  ],
  [
    'a quality below 0',
    `
  kind: sequence
  id: s
  handoffs: { quality: -1 }
  stages:
    - { kind: agent, id: a, agent: backend, task: t }`,
    '9:24',
    '"handoffs.quality": This is too little. Write 0 or more.',
  ],
  [
    'a quorum over 1',
    `
  kind: consensus
  id: vote
  question: Which?
  options: [a, b]
  participants: [architect, backend]
  quorum: 2`,
    '12:11',
    '"quorum": This is too much. Write 1 or less, or a percentage up to 100%.',
  ],
  [
    'a conditional without a way',
    `
  kind: conditional
  id: c`,
    '7:3',
    'A conditional needs `cases`, `on_success`, `on_failure` or `else`',
  ],
  [
    'a rule for a branch that is not there',
    `
  kind: parallel
  id: p
  branches:
    - { kind: agent, id: a, agent: backend, task: t }
  choose: { b: passed }`,
    '11:16',
    '"choose.b": There is no branch "b". Write one of: a.',
  ],
  [
    'a way to a state that is not there',
    `
  kind: machine
  id: m
  states:
    - { id: one, go: [{ to: two }] }
    - { id: end, end: true }`,
    '10:29',
    '"states.0.go.0.to": There is no state "two". Write one of: one, end.',
  ],
  [
    'a state to which no way leads',
    `
  kind: machine
  id: m
  states:
    - { id: one, go: [{ to: end }] }
    - { id: two, go: [{ to: end }] }
    - { id: end, end: true }`,
    '11:7',
    '"states.1": No way leads to the state "two". Name it in a `to`, or take it out.',
  ],
  [
    'a cycle without an end',
    `
  kind: machine
  id: m
  states:
    - { id: one, go: [{ to: two }] }
    - { id: two, go: [{ to: one }] }
    - { id: end, end: true }`,
    '10:7',
    '"states.0": From "one" no way leads to an end: it could only go round. Give it a way out.',
  ],
  [
    'a stage behind the end',
    `
  kind: sequence
  id: s
  stages:
    - { kind: end, id: e }
    - { kind: agent, id: a, agent: backend, task: t }`,
    '11:7',
    '"a" is never reached: "e" before it ends the workflow. Take one of them out.',
  ],
  [
    'an else behind both ways',
    `
  kind: conditional
  id: c
  on_success: { kind: agent, id: a, agent: backend, task: t }
  on_failure: { kind: agent, id: b, agent: backend, task: t }
  else: { kind: agent, id: d, agent: backend, task: t }`,
    '11:9',
    '"else": This is never reached: `on_success` or `on_failure` is taken before it. Take one of the three out.',
  ],
  [
    'an unknown agent',
    `
  kind: agent
  id: a
  agent: bakend
  task: t`,
    '9:10',
    'There is no agent "bakend". Did you mean "backend"?',
  ],
  [
    'an unknown stand-in',
    `
  kind: agent
  id: a
  agent: backend
  task: t
  on_error: { failover: bakend }`,
    '11:25',
    'There is no agent "bakend". Did you mean "backend"?',
  ],
  [
    'an unknown voter',
    `
  kind: sequence
  id: s
  stages:
    - kind: consensus
      id: vote
      question: Which?
      options: [a, b]
      participants: [architect, backedn]`,
    '14:33',
    'There is no agent "backedn". Did you mean "backend"?',
  ],
  [
    'an unknown conductor',
    `
  kind: delegation
  id: d
  conductor: archtect
  task: t
  delegates: [{ agent: backend, expertise: [x] }]`,
    '9:14',
    'There is no agent "archtect". Did you mean "architect"?',
  ],
  [
    'a rule that gives to nobody',
    `
  kind: delegation
  id: d
  conductor: architect
  task: t
  delegates: [{ agent: backend, expertise: [x] }]
  decision_rules: [{ if: passed, then: frontend }]`,
    '12:40',
    '"decision_rules.0.then": "frontend" is no delegate. Write one of: backend.',
  ],
  [
    'a loop of no rounds',
    `
  kind: loop
  id: rounds
  max: 0
  body: { kind: agent, id: a, agent: backend, task: t }`,
    '9:8',
    '"max": This is too little. Write 1 or more.',
  ],
  [
    'a loop without a bound',
    `
  kind: loop
  id: rounds
  max: unlimited
  body: { kind: agent, id: a, agent: backend, task: t }`,
    '9:8',
    '"max": A number is wanted here, such as 3.',
  ],
  [
    'tasks that wait for each other',
    `
  kind: parallel
  id: p
  tasks:
    - { id: a, agent: backend, task: t, needs: [b] }
    - { id: b, agent: backend, task: t, needs: [a] }`,
    '10:48',
    '"tasks.0.needs": Nobody could begin: "a" waits for "b" waits for "a". Take one of these out.',
  ],
  [
    'a task that waits for one that is not there',
    `
  kind: parallel
  id: p
  tasks:
    - { id: a, agent: backend, task: t, needs: [c] }`,
    '10:49',
    '"tasks.0.needs.0": There is no "c" here. Write one of: a.',
  ],
  [
    'domains that wait for each other',
    `
  kind: orchestrator
  id: o
  mode: hierarchical
  domains:
    - { id: a, purpose: p, needs: [b], flow: { kind: agent, id: x, agent: backend, task: t } }
    - { id: b, purpose: p, needs: [a], flow: { kind: agent, id: y, agent: backend, task: t } }`,
    '11:5',
    '"domains": Some domains need one another in a circle, so none of them could begin. Take one of their `needs` out.',
  ],
  [
    'a workflow that calls itself',
    `
  kind: workflow
  id: again
  workflow: bad`,
    '9:13',
    '"bad" calls itself by this node, so it could go on for ever. Say how often it may: `max_depth: 3`.',
  ],
  [
    'a workflow that is not there',
    `
  kind: workflow
  id: again
  workflow: featur`,
    '9:13',
    'There is no workflow "featur". Did you mean "feature"? If not, put its file beside this one.',
  ],
  [
    'a weight below 0',
    `
  kind: consult
  id: c
  domain: x
  experts: [{ agent: backend, weight: -1 }]`,
    '10:39',
    '"experts.0.weight": This is too little. Write more than 0.',
  ],
  [
    'a duration without a unit',
    `
  kind: wait
  id: w
  for: 90`,
    '9:8',
    '"for": A text is wanted here; a duration has a unit, such as 90s, 10m or 2h.',
  ],
  [
    'a rule that cannot be read',
    `
  kind: conditional
  id: c
  cases:
    - if: "quality_score >> 70"
      then: { kind: agent, id: a, agent: backend, task: t }`,
    '10:11',
    '"cases.0.if": This cannot be read as a rule: found > but expecting end of input. (column 15 of the rule)',
  ],
  [
    'an event that is not there',
    `
  kind: receive
  id: r
  event: code-pushd`,
    '9:10',
    'There is no event "code-pushd". Did you mean "code-pushed"? An event of your own is declared under `events:` in baton.yaml.',
  ],
  [
    'an event that nobody declared',
    `
  kind: emit
  id: r
  event: my_own_thing`,
    '9:10',
    'There is no event "my_own_thing".',
  ],
  [
    'more winners than runners',
    `
  kind: race
  id: r
  needs: 3
  runners:
    - { kind: agent, id: a, agent: backend, task: t }
    - { kind: agent, id: b, agent: backend, task: t }`,
    '9:10',
    '"needs": 2 runners cannot bring 3 results.',
  ],
  [
    'a join that cannot be met',
    `
  kind: parallel
  id: p
  branches:
    - { kind: agent, id: a, agent: backend, task: t }
  join: { count: 5 }`,
    '11:18',
    '"join.count": 5 of 1 can never end. Write 1 or less.',
  ],
  [
    'a case behind one that is always taken',
    `
  kind: conditional
  id: c
  cases:
    - { if: "true", then: { kind: agent, id: a, agent: backend, task: t } }
    - { if: "passed", then: { kind: agent, id: b, agent: backend, task: t } }`,
    '11:7',
    '"cases.1": This is never reached: the case before it is always taken. Take one of them out.',
  ],
  [
    'a criterion that does not ship',
    `
  kind: feedback
  id: f
  producer: { kind: agent, id: a, agent: backend, task: t }
  reviewer: qa
  criteria: [all-test-pass]`,
    '11:14',
    '"criteria.0": Shipped criteria: all-tests-pass, no-security-vulnerabilities, performance-benchmarks-met',
  ],
  [
    'a milestone that is not there',
    `
  kind: sequence
  id: s
  stages:
    - { kind: agent, id: a, agent: backend, task: t, milestone: { after: z } }`,
    '10:65',
    'There is no node "z" in this file. Did you mean "s"?',
  ],
  [
    'a start that is not there',
    `
  kind: machine
  id: m
  start: nowhere
  states:
    - { id: one, go: [{ to: end }] }
    - { id: end, end: true }`,
    '9:10',
    '"start": There is no state "nowhere". Write one of: one, end.',
  ],
  [
    'more than there is',
    `
  kind: resource-aware
  id: r
  resources: { desk: 1 }
  tasks:
    - { id: a, do: { kind: agent, id: x, agent: backend, task: t }, uses: { desk: 2 } }`,
    '11:75',
    '"tasks.0.uses": 2 of "desk" are wanted and there are 1, so this task could never begin.',
  ],
  [
    'a sequence of nothing',
    `
  kind: sequence
  id: s
  stages: []`,
    '9:11',
    '"stages": At least one is wanted here.',
  ],
];

test.each(wrong)('%s is refused at its place, with what to write instead', (_what, flow, place, words) => {
  const loaded = load(flow);
  const [first] = loaded.ok ? [] : loaded.problems;
  expect(`${first?.line}:${first?.column}`).toBe(place);
  expect(first?.message.startsWith(words) ? words : first?.message).toBe(words);
});

test.each([
  ['an event that Baton knows', '\n  { kind: receive, id: r, event: code-pushed }'],
  ['an event that baton.yaml declares', '\n  { kind: emit, id: r, event: mine, payload: { text: x } }'],
  [
    'a workflow that says how often it calls itself',
    '\n  { kind: workflow, id: r, workflow: bad, max_depth: 2 }',
  ],
  [
    'a last case that is always taken',
    "\n  { kind: conditional, id: c, cases: [{ if: 'true', then: { kind: end, id: e } }] }",
  ],
])('%s is accepted', (_what, flow) => {
  const loaded = load(flow);
  expect(loaded.ok ? [] : loaded.problems).toEqual([]);
});
