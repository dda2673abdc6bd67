import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
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

/** What is wrong, where it is shown, what is said first, and the flow. */
const wrong = z
  .array(z.object({ what: z.string(), at: z.string(), says: z.string(), flow: z.string() }))
  .parse(parse(readFileSync(new URL('./refusals.yaml', import.meta.url), 'utf8')));

test('the table is read', () => {
  expect(wrong.length).toBeGreaterThan(30);
});

test.each(wrong)('$what is refused at its place, with what to write instead', ({ flow, at, says }) => {
  const loaded = load(`\n${flow.replaceAll(/^/gm, '  ').trimEnd()}`);
  const [first] = loaded.ok ? [] : loaded.problems;
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
