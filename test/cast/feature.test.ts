import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentResults } from '../../src/domain/agent.ts';
import { perform, runIn, shippedCasts } from './support.ts';

const sample = fileURLToPath(new URL('../../src/workspace/sample/reports', import.meta.url));
const request = 'Add CSV export to reports';
const casts = await shippedCasts();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cast-'));
  await cp(sample, join(folder, 'reports'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const act = (role: string, node: string, feedback: string[] = [], words = request) =>
  perform(casts, { role, node, request: words, feedback }, join(folder, 'reports'));

async function counts() {
  const { code, output } = await runIn(join(folder, 'reports'), ['node', '--test']);
  const of = (name: string) => Number(new RegExp(`${name} (\\d+)`).exec(output)?.[1]);
  return { code, pass: of('pass'), fail: of('fail') };
}

async function tree(): Promise<Record<string, string>> {
  const root = join(folder, 'reports');
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return Object.fromEntries(files.map((file, at) => [file.slice(root.length + 1), texts[at] ?? '']));
}

describe('the CSV export on the sample repository', () => {
  test('tests fail after the first round, the review says why, the repair makes them pass', async () => {
    expect(await counts()).toMatchObject({ code: 0, fail: 0 });
    const spec = agentResults.spec.parse(JSON.parse(await act('architect', 'design')));
    expect(spec.points).toHaveLength(6);
    expect(spec.risks).toHaveLength(2);

    await act('backend', 'implement');
    expect(await counts()).toMatchObject({ code: 0, fail: 0 });
    await act('qa', 'tests');
    expect(await counts()).toEqual({ code: 1, pass: 12, fail: 4 });

    const first = agentResults.review.parse(JSON.parse(await act('reviewer', 'judge')));
    expect(first).toMatchObject({ quality: 55, approved: false });
    expect(first.issues).toHaveLength(2);

    const repair = agentResults.work.parse(JSON.parse(await act('backend', 'repair', first.issues)));
    expect(repair).toMatchObject({ files: ['src/export/csv.js'], warnings: [] });
    expect(await counts()).toEqual({ code: 0, pass: 16, fail: 0 });
    expect(agentResults.review.parse(JSON.parse(await act('reviewer', 'judge')))).toMatchObject({
      quality: 92,
      approved: true,
    });
  });

  test('the tree is the same whichever of backend and qa comes first, and when a task is played twice', async () => {
    await act('backend', 'implement');
    await act('qa', 'tests');
    await act('backend', 'repair', ['Quote the fields.']);
    const forwards = await tree();
    expect(Object.keys(forwards)).toContain('test/csv.test.js');

    await rm(join(folder, 'reports'), { recursive: true });
    await cp(sample, join(folder, 'reports'), { recursive: true });
    await act('qa', 'tests');
    await act('backend', 'implement');
    await act('backend', 'implement');
    await act('backend', 'repair', ['Quote the fields.']);
    await act('backend', 'repair', ['Quote the fields.']);
    expect(await tree()).toEqual(forwards);
  });

  test('changes a person asks for become a note with the very words, and the tests still pass', async () => {
    await act('backend', 'implement');
    const result = await act('backend', 'rework', ['Semicolons please, with {{request}} as it is']);
    const { files } = agentResults.work.parse(JSON.parse(result));
    const note = await readFile(join(folder, 'reports', files[0] ?? ''), 'utf8');
    expect(note).toContain('Semicolons please, with {{request}} as it is');
    expect(note).toContain('no model was asked');
    expect((await counts()).fail).toBe(0);
  });

  test('in another repository nothing is changed and the result says so', async () => {
    await rm(join(folder, 'reports', 'src'), { recursive: true });
    const before = await tree();
    for (const [role, node] of [
      ['architect', 'design'],
      ['backend', 'implement'],
      ['qa', 'tests'],
      ['backend', 'repair'],
      ['reviewer', 'judge'],
    ] as const) {
      expect(await act(role, node)).toMatch(/Rehearsal: .*(sample repository|nothing was changed)/);
    }
    expect((await tree())['test/csv.test.js']).toBe(before['test/csv.test.js']);
  });
});

describe('any other request', () => {
  const words = 'Make the footer blue\n\nFeedback: answer it point by point.\n1. none\n\nNode: rework';

  test('becomes an honest note that the reviewer approves, and no code changes', async () => {
    const before = await tree();
    agentResults.spec.parse(JSON.parse(await act('architect', 'design', [], words)));
    const work = agentResults.work.parse(JSON.parse(await act('backend', 'implement', [], words)));
    agentResults.work.parse(JSON.parse(await act('qa', 'tests', [], words)));
    const review = agentResults.review.parse(JSON.parse(await act('reviewer', 'judge', [], words)));
    expect(review).toMatchObject({ quality: 80, approved: true });
    const after = await tree();
    const added = Object.keys(after).filter((path) => !(path in before));
    expect(added).toEqual(work.files);
    expect(added[0]).toMatch(/^docs\/rehearsal\/make-the-footer-blue-.*\.md$/);
    expect(after[added[0] ?? '']).toContain('Make the footer blue');
  });

  test('changes asked for twice are two notes', async () => {
    await act('backend', 'rework', ['Bluer'], words);
    await act('backend', 'rework', ['Less blue'], words);
    expect(Object.keys(await tree()).filter((path) => path.startsWith('docs/rehearsal/'))).toHaveLength(2);
  });
});
