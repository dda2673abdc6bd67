import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { RunnerSettings } from '../../src/domain/runner-settings.ts';
import { startModelServer } from './model-server.ts';
import { found, runnerWorld } from './runner-world.ts';

/** A program that may speak to the model never holds the key, wherever it looks; and the hunt would find it. */

const KEY = 'sk-kept-outside-5d1c0a97be42';
/** How the hunter is told of it. */
const HIDDEN = Buffer.from(KEY).toString('hex');
const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url));

afterEach(() => {
  vi.unstubAllEnvs();
});

async function hunt(more: Partial<RunnerSettings> = {}) {
  const server = await startModelServer(() => ({ body: {} }));
  const settings: RunnerSettings = {
    kind: 'command',
    command: 'node',
    args: [path.join(PROGRAMS, 'hunter.ts'), HIDDEN],
    env: {},
    reads: [PROGRAMS],
    model: true,
    agents: [],
    ...more,
  };
  try {
    await using world = await runnerWorld({ kind: 'program', settings, model: server.url, key: KEY });
    const { summary, warnings } = await world.run();
    const [processes = 0, files = 0] = summary.split(' ').map(Number);
    return { processes, files, places: warnings };
  } finally {
    await server.close();
  }
}

describe.skipIf(found.kind === 'none')('the key of the model server', () => {
  test('is in no environment, no process and no file that a program can see', async () => {
    vi.stubEnv('OPENAI_API_KEY', KEY);
    vi.stubEnv('OTHER_NAME', `token=${KEY}`);
    const { processes, files, places } = await hunt();
    expect(places).toEqual([]);
    // It did look: its own process and those around it, and the files of the worktree at least.
    expect(processes).toBeGreaterThanOrEqual(4);
    expect(files).toBeGreaterThanOrEqual(3);
  });

  test('would be found in the environment', async () => {
    expect((await hunt({ env: { PLANTED: KEY } })).places).toEqual(
      expect.arrayContaining(['environment', '/proc/self/environ']),
    );
  });

  test('would be found in a command line', async () => {
    const args = [path.join(PROGRAMS, 'hunter.ts'), HIDDEN, KEY];
    expect((await hunt({ args })).places).toContain('/proc/self/cmdline');
  });

  test('would be found in a file that is shown to it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'baton-key-'));
    try {
      writeFileSync(path.join(folder, 'planted.txt'), `key: ${KEY}\n`);
      expect((await hunt({ reads: [PROGRAMS, folder] })).places).toContain('file planted.txt');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
