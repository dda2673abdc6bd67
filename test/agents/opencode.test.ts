import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { env } from 'node:process';
import { expect, test } from 'vitest';
import type { RunnerSettings } from '../../src/domain/runner-settings.ts';
import { newTrace } from './drive.ts';
import { type Asked, startModelServer, type Turn, turnEvents } from './model-server.ts';
import { found, runnerWorld } from './runner-world.ts';

/**
 * A real coding agent from npm over ACP, against a model server on this machine: `npm install opencode-ai` anywhere, and
 * OPENCODE_BIN its native program (node_modules/opencode-<platform>/bin/opencode), or `opencode` on PATH.
 */
const { OPENCODE_BIN: given = '', PATH: folders = '' } = env;
const program = [given, ...folders.split(':').map((folder) => join(folder, 'opencode'))].find(
  (path) => path !== '' && existsSync(path),
);
if (program === undefined)
  console.warn('SKIPPED: OpenCode is not installed (OPENCODE_BIN, or opencode on PATH).');
if (found.kind === 'none') console.warn(`SKIPPED: OpenCode is tried in a sandbox. ${found.reason}`);

const settings = (path: string): RunnerSettings => ({
  kind: 'acp',
  command: realpathSync(path),
  args: ['acp'],
  reads: [dirname(dirname(realpathSync(path)))],
  model: true,
  agents: [],
  env: {
    OPENCODE_CONFIG_CONTENT: JSON.stringify({
      model: 'baton/m',
      small_model: 'baton/m',
      autoupdate: false,
      share: 'disabled',
      permission: { edit: 'ask', bash: 'ask' },
      provider: {
        baton: {
          npm: '@ai-sdk/openai-compatible',
          options: { baseURL: '{{ model.url }}', apiKey: 'kept-by-baton' },
          models: { m: { tool_call: true } },
        },
      },
    }),
  },
});

/** What the model says: a title where that is all that is asked; else it writes a file, and then ends. */
function turnOf({ body }: Asked, folder: string): Turn {
  const { messages, tools } = body;
  if (!Array.isArray(tools) || tools.length === 0) return { text: 'A title' };
  const done = Array.isArray(messages) && messages.some(({ role }) => role === 'tool');
  if (done) return { text: JSON.stringify({ summary: 'Done.', files: ['src/csv.js'], warnings: [] }) };
  return {
    calls: [
      { name: 'write', args: { filePath: join(folder, 'src/csv.js'), content: 'module.exports = 1;\n' } },
    ],
  };
}

test.skipIf(program === undefined || found.kind === 'none')(
  'OpenCode writes a file through us, asks first, and ends with the typed result',
  async () => {
    const place = { folder: '' };
    const server = await startModelServer((asked) => ({
      events: turnEvents('chat', turnOf(asked, place.folder)),
    }));
    try {
      await using world = await runnerWorld({
        kind: 'program',
        settings: settings(program ?? ''),
        model: server.url,
      });
      place.folder = world.workspace.info.path;
      const trace = newTrace();
      const { summary } = await world.run({ limits: { turns: 20, tokens: 1e9, timeoutMs: 120_000 } }, trace);
      expect(summary).toBe('Done.');
      expect(readFileSync(join(world.workspace.info.path, 'src/csv.js'), 'utf8')).toBe(
        'module.exports = 1;\n',
      );
      // The key of the server was added outside; the program never held one.
      expect(server.asked.every(({ headers }) => headers.authorization !== 'Bearer kept-by-baton')).toBe(
        true,
      );
      expect(trace.keys.filter((key) => key.startsWith('exchange')).length).toBeGreaterThan(1);
    } finally {
      await server.close();
    }
  },
  180_000,
);
