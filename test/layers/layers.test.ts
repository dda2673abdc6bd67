import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** An import that must be refused where it stands, and one that must not. */
const planted: readonly { readonly at: string; readonly from: string }[] = [
  { at: 'src/domain/planted.ts', from: '../ports/clock.ts' },
  { at: 'src/domain/planted.ts', from: '../engine/engine.ts' },
  { at: 'src/domain/planted.ts', from: 'node:fs' },
  { at: 'src/domain/planted.ts', from: 'better-sqlite3' },
  { at: 'src/ports/planted.ts', from: '../engine/engine.ts' },
  { at: 'src/ports/planted.ts', from: '../slack/text.ts' },
  { at: 'src/ports/planted.ts', from: '@slack/bolt' },
  { at: 'src/engine/planted.ts', from: '../patterns/sequence.ts' },
  { at: 'src/engine/planted.ts', from: '../slack/text.ts' },
  { at: 'src/engine/planted.ts', from: '../../db/journal.ts' },
  { at: 'src/engine/planted.ts', from: 'better-sqlite3' },
  { at: 'src/engine/planted.ts', from: 'drizzle-orm' },
  { at: 'src/engine/planted.ts', from: '@slack/web-api' },
  { at: 'src/engine/planted.ts', from: 'openai' },
  { at: 'src/patterns/planted.ts', from: '../engine/engine.ts' },
  { at: 'src/patterns/planted.ts', from: '../agents/agent-runner.ts' },
  { at: 'src/patterns/planted.ts', from: '../workspace/git.ts' },
  { at: 'src/workflows/planted.ts', from: '../patterns/all.ts' },
  { at: 'src/planning/planted.ts', from: '../agents/tools.ts' },
  { at: 'src/rules/planted.ts', from: '../patterns/all.ts' },
  { at: 'src/rules/planted.ts', from: '../ports/flow.ts' },
  { at: 'src/engine/planted.ts', from: '../rules/rule.ts' },
  { at: 'src/agents/planted.ts', from: '../workspace/git.ts' },
  { at: 'src/agents/planted.ts', from: '../engine/machine.ts' },
  { at: 'src/agents/planted.ts', from: '@slack/web-api' },
  { at: 'src/agents/model/planted.ts', from: '../../workspace/git.ts' },
  { at: 'src/agents/model/planted.ts', from: '../../../db/store.ts' },
  { at: 'src/patterns/parallel/planted.ts', from: '../../engine/engine.ts' },
  { at: 'src/slack/out/planted.ts', from: '../../orchestrator/orchestrator.ts' },
  { at: 'src/workspace/planted.ts', from: '../agents/tools.ts' },
  { at: 'src/workspace/git/planted.ts', from: '../../agents/tools.ts' },
  { at: 'src/workspace/sandbox/planted.ts', from: '../../engine/engine.ts' },
  { at: 'src/config/planted.ts', from: '../compose/core.ts' },
  { at: 'src/agents/mcp/planted.ts', from: '../../workspace/git.ts' },
  { at: 'src/agents/mcp/planted.ts', from: '../../engine/machine.ts' },
  { at: 'src/policy/planted.ts', from: '../slack/text.ts' },
  { at: 'src/webhooks/planted.ts', from: '../slack/text.ts' },
  { at: 'src/webhooks/planted.ts', from: '../orchestrator/events.ts' },
  { at: 'src/policy/triggers/planted.ts', from: '../../slack/text.ts' },
  { at: 'src/ops/planted.ts', from: '../engine/engine.ts' },
  { at: 'src/cast/planted.ts', from: '../agents/prompt.ts' },
  { at: 'src/slack/planted.ts', from: '../orchestrator/orchestrator.ts' },
  { at: 'src/slack/planted.ts', from: '../../db/outbox.ts' },
  { at: 'src/slack/builders/planted.ts', from: '../../orchestrator/orchestrator.ts' },
  { at: 'src/orchestrator/planted.ts', from: '../slack/text.ts' },
  { at: 'src/orchestrator/planted.ts', from: '../engine/engine.ts' },
  { at: 'src/orchestrator/planted.ts', from: '../../db/store.ts' },
  { at: 'src/orchestrator/activities/planted.ts', from: '../../slack/text.ts' },
  { at: 'src/orchestrator/activities/planted.ts', from: '../../agents/prompt.ts' },
  { at: 'commands/planted.ts', from: '../handlers/decide.ts' },
  { at: 'commands/planted.ts', from: '../db/store.ts' },
  { at: 'commands/planted.ts', from: '../src/engine/engine.ts' },
  { at: 'handlers/planted.ts', from: '../commands/start.ts' },
  { at: 'handlers/actions/planted.ts', from: '../../commands/start.ts' },
  { at: 'handlers/actions/planted.ts', from: '../../src/engine/engine.ts' },
  { at: 'db/planted.ts', from: '../src/engine/engine.ts' },
  { at: 'db/planted.ts', from: '../src/slack/text.ts' },
  { at: 'db/planted.ts', from: '@slack/web-api' },
  { at: 'db/tables/planted.ts', from: '../../src/engine/engine.ts' },
  { at: 'desk/planted.ts', from: '../src/domain/ids.ts' },
  { at: 'desk/server/planted.ts', from: '../../src/domain/ids.ts' },
  { at: 'desk/page/planted.ts', from: '../../src/domain/ids.ts' },
  { at: 'desk/server/store/planted.ts', from: '../../../src/domain/ids.ts' },
];

const allowed: readonly { readonly at: string; readonly from: string }[] = [
  { at: 'src/domain/planted.ts', from: './ids.ts' },
  { at: 'src/ports/planted.ts', from: '../domain/ids.ts' },
  { at: 'src/engine/planted.ts', from: '../domain/ids.ts' },
  { at: 'src/patterns/planted.ts', from: '../rules/rule.ts' },
  { at: 'src/slack/builders/planted.ts', from: '../../domain/ids.ts' },
  { at: 'src/agents/model/planted.ts', from: '../transcript.ts' },
  { at: 'src/agents/model/planted.ts', from: '../../ports/clock.ts' },
  { at: 'src/patterns/parallel/planted.ts', from: '../../rules/rule.ts' },
  { at: 'src/agents/mcp/planted.ts', from: '../../ports/clock.ts' },
  { at: 'src/orchestrator/planted.ts', from: '../patterns/all.ts' },
  { at: 'src/policy/triggers/planted.ts', from: '../../ports/clock.ts' },
  { at: 'db/planted.ts', from: '../src/domain/ids.ts' },
  { at: 'desk/server/planted.ts', from: '../contract.ts' },
];

/** Lints one file per import, at its place in a copy of the tree, under the project's own rules. */
async function refusedIn(folder: string): Promise<ReadonlySet<string>> {
  const config = z.looseObject({}).parse(JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8')));
  await writeFile(
    join(folder, 'biome.json'),
    JSON.stringify({ ...config, $schema: undefined, vcs: undefined }),
  );
  for (const [index, { at, from }] of [...planted, ...allowed].entries()) {
    const file = join(folder, placeOf(at, index));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `import * as planted from '${from}';\nconsole.log(planted);\n`);
  }
  const { stdout } = await promisify(execFile)(
    join(ROOT, 'node_modules/.bin/biome'),
    ['lint', '--reporter=github', '--max-diagnostics=none', '.'],
    { cwd: folder },
  ).catch((error: unknown) => z.object({ stdout: z.string() }).parse(error));
  const lines = stdout.split('\n').filter((line) => line.includes('noRestrictedImports'));
  return new Set(lines.map((line) => relative(folder, /file=([^,]+)/.exec(line)?.[1] ?? '')));
}

function placeOf(at: string, index: number): string {
  return at.replace('planted.ts', `planted-${index}.ts`);
}

describe('layers', () => {
  let folder = '';
  let refused: ReadonlySet<string> = new Set();
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-layers-')));
    refused = await refusedIn(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(planted.map((each, index) => ({ ...each, index })))(
    '$at may not import $from',
    ({ at, index }) => {
      expect([...refused]).toContain(placeOf(at, index));
    },
  );

  test.each(allowed.map((each, index) => ({ ...each, index })))('$at may import $from', ({ at, index }) => {
    expect([...refused]).not.toContain(placeOf(at, planted.length + index));
  });

  test('every folder of src is under a rule', async () => {
    const config = await readFile(join(ROOT, 'biome.json'), 'utf8');
    const folders = (await readdir(join(ROOT, 'src'), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(folders.length).toBeGreaterThan(10);
    // The composition root and the command line join everything and are above all layers.
    for (const name of folders.filter((each) => each !== 'compose' && each !== 'cli'))
      expect(config).toContain(`src/${name}/`);
  });
});
