import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openStore } from '../../db/open.ts';
import type { RunnerSettings } from '../../src/domain/runner-settings.ts';
import { startModelServer } from './model-server.ts';
import { found, runnerWorld } from './runner-world.ts';

/** A program that may speak to the model never holds the key, wherever it looks; and the hunt would find it. */

const KEY = 'sk-kept-outside-5d1c0a97be42';
/** How the hunter is told of it. */
const HIDDEN = Buffer.from(KEY).toString('hex');
const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url));
const HUNTERS = { command: 'hunter.ts', acp: 'acp-hunter.ts' } as const;

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What lies around in a home: settings, a log, and the store, each with the key in it. */
function keepAtHome(home: string): void {
  mkdirSync(home, { recursive: true });
  for (const name of ['baton.yaml', 'baton.log']) writeFileSync(path.join(home, name), `key: ${KEY}\n`);
  const store = openStore(path.join(home, 'baton.db'));
  store.raw.prepare("insert into settings (key, value, at) values ('planted', ?, 0)").run(KEY);
  store.raw.pragma('wal_checkpoint(TRUNCATE)');
  store.close();
}

/** @param shown whether the home is shown to it, which it never is otherwise */
async function hunt(
  kind: 'command' | 'acp',
  { shown = false, ...more }: Partial<RunnerSettings> & { readonly shown?: boolean } = {},
) {
  const server = await startModelServer(() => ({ body: {} }));
  const home = mkdtempSync(path.join(tmpdir(), 'baton-key-home-'));
  const settings: RunnerSettings = {
    kind,
    command: 'node',
    args: [path.join(PROGRAMS, HUNTERS[kind]), HIDDEN],
    env: {},
    reads: shown ? [PROGRAMS, home] : [PROGRAMS],
    model: true,
    agents: [],
    ...more,
  };
  try {
    await using world = await runnerWorld({ kind: 'program', settings, model: server.url, key: KEY });
    // Beside the worktree's own home, where Baton's files lie, and in another.
    keepAtHome(world.place.home);
    keepAtHome(home);
    const { summary, warnings } = await world.run();
    const [processes = 0, files = 0] = summary.split(' ').map(Number);
    return { processes, files, places: warnings };
  } finally {
    await server.close();
    rmSync(home, { recursive: true, force: true });
  }
}

describe.skipIf(found.kind === 'none').each(['command', 'acp'] as const)(
  'the key of the model server, and a program (%s)',
  (kind) => {
    test('is in no environment, no process and no file that it can see', async () => {
      vi.stubEnv('OPENAI_API_KEY', KEY);
      vi.stubEnv('OTHER_NAME', `token=${KEY}`);
      const { processes, files, places } = await hunt(kind);
      expect(places).toEqual([]);
      // It did look: its own process and those around it, and the files of the worktree at least.
      expect(processes).toBeGreaterThanOrEqual(4);
      expect(files).toBeGreaterThanOrEqual(3);
    });

    test('would be found in the environment', async () => {
      expect((await hunt(kind, { env: { PLANTED: KEY } })).places).toEqual(
        expect.arrayContaining(['environment', '/proc/self/environ']),
      );
    });

    test('would be found in a command line', async () => {
      const args = [path.join(PROGRAMS, HUNTERS[kind]), HIDDEN, KEY];
      expect((await hunt(kind, { args })).places).toContain('/proc/self/cmdline');
    });

    test('would be found in settings, log and store, were they shown to it', async () => {
      expect((await hunt(kind, { shown: true })).places).toEqual(
        expect.arrayContaining(['file baton.db', 'file baton.log', 'file baton.yaml']),
      );
    });
  },
);
