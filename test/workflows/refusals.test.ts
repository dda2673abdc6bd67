import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadCatalog } from '../../src/compose/catalog.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { refusalsInCode } from './refusals-in-code.ts';

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

/** What is wrong, where it is shown, what is said first, and the flow. */
const wrong = z
  .array(z.object({ what: z.string(), at: z.string(), says: z.string(), flow: z.string() }))
  .parse(parse(readFileSync(new URL('./refusals.yaml', import.meta.url), 'utf8')));

const whole = (flow: string) => load(`\n${flow.replaceAll(/^/gm, '  ').trimEnd()}`);
const problemsOf = (loaded: ReturnType<typeof loadWorkflow>) => (loaded.ok ? [] : loaded.problems);

/** What is wrong with the file as a whole, before its nodes are looked at. */
const files: readonly [what: string, text: string, at: string, says: string][] = [
  [
    'brackets within brackets',
    `flow: ${'['.repeat(20_000)}`,
    '1:1',
    'The file is nested too deeply to be read.',
  ],
  ['more than a file may be', `name: ${'x'.repeat(300_000)}`, '1:1', 'The file is larger than 256 kB.'],
  [
    'more aliases than there may be',
    `a: &a 1\nb: [${Array.from({ length: 51 }, () => '*a').join(', ')}]`,
    '2:205',
    'More than 50 aliases.',
  ],
  ['an alias of itself', 'a: &a { b: *a }', '1:12', 'The aliases of this file cannot be resolved'],
  [
    'a word of /orchestrate',
    fileOf('status', '{ kind: end, id: e }'),
    '1:7',
    'A workflow cannot be called "status"',
  ],
  [
    'nodes within nodes',
    fileOf(
      'deep',
      Array.from({ length: 65 }).reduce<string>(
        (flow, _, at) => `{ kind: sequence, id: s${at}, stages: [${flow}] }`,
        '{ kind: end, id: e }',
      ),
    ),
    '6:2302',
    'Nested deeper than 64.',
  ],
];
function fileOf(name: string, flow: string): string {
  return `name: ${name}\ntitle: t\ndescription: d\nhow: h\nwhy: w\nflow: ${flow}\n`;
}

test.each(files)('%s is refused', (_what, text, at, says) => {
  const [first] = problemsOf(loadWorkflow(text, rules));
  expect(`${first?.line}:${first?.column} ${first?.message}`).toContain(`${at} ${says}`);
});

test('every refusal that the code can say is reached by a wrong file of these', () => {
  const said = [
    ...wrong.map(({ flow }) => whole(flow)),
    ...files.map(([, text]) => loadWorkflow(text, rules)),
  ]
    .flatMap(problemsOf)
    .map(({ message }) => message);
  const inCode = refusalsInCode();
  // What is looked for is found: the guard itself does not pass for want of anything to guard.
  expect(inCode.length).toBeGreaterThan(100);
  expect(wrong.length).toBeGreaterThan(100);
  const unreached = inCode.filter(
    ({ parts }) => !said.some((message) => parts.every((part) => message.includes(part))),
  );
  expect(unreached).toEqual([]);
});

test.each(wrong)('$what is refused at its place, with what to write instead', ({ flow, at, says }) => {
  const [first] = problemsOf(whole(flow));
  expect(`${first?.line}:${first?.column}`).toBe(at);
  expect(first?.message.startsWith(says) === true ? says : first?.message).toBe(says);
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
