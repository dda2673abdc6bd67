import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';

/** What a start may load: of what is on this list nothing can wait, and of the rest everything can. */
const NEEDED = [
  // The workflows that ship have rules, and are checked.
  '@bufbuild/cel',
  '@slack/bolt',
  '@slack/types',
  '@slack/web-api',
  'better-sqlite3',
  'drizzle-orm',
  'node-cron',
  'pino',
  'undici',
  'ws',
  'yaml',
  'zod',
];
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const packages = z
  .object({
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));

test('a start loads no package before it is needed', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-loaded-'));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      fileURLToPath(new URL('./loaded-main.ts', import.meta.url)),
      JSON.stringify({ home }),
    ]);
    const { atStart, later } = z
      .object({ atStart: z.array(z.string()), later: z.array(z.string()) })
      .parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
    const ours = Object.keys({ ...packages.dependencies, ...packages.devDependencies });
    expect(atStart.filter((name) => ours.includes(name) && !NEEDED.includes(name))).toEqual([]);
    // Nor what those bring along.
    expect(
      atStart.filter((name) => /^(?:@octokit|@modelcontextprotocol)\/|^(?:ajv|openai)$/.test(name)),
    ).toEqual([]);
    // The process can tell: it was told of what was loaded, and of what came last.
    expect(atStart).toContain('better-sqlite3');
    expect(later).toContain('openai');
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
