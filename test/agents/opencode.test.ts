import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
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

const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url));
const KEY = 'sk-kept-outside-5d1c0a97be42';

const settings = (path: string, env_: Readonly<Record<string, string>> = {}): RunnerSettings => ({
  kind: 'acp',
  command: realpathSync(path),
  args: ['acp'],
  reads: [dirname(dirname(realpathSync(path))), PROGRAMS],
  model: true,
  agents: [],
  env: {
    ...env_,
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
      // Each of its calls passed through us, and is counted as its server told it; what it tells itself is not counted twice.
      const calls = trace.usage.filter(({ kind }) => kind === 'model');
      expect(calls).toHaveLength(server.asked.filter(({ path }) => path.endsWith('/completions')).length);
      expect(calls.every((call) => call.inputTokens === 100 && call.outputTokens === 10)).toBe(true);
    } finally {
      await server.close();
    }
  },
  180_000,
);

/** Has OpenCode look for the key with its own shell. @returns what the shell told the model */
async function hunt(planted: Readonly<Record<string, string>>): Promise<string> {
  const hidden = Buffer.from(KEY).toString('hex');
  const command = `node ${PROGRAMS}/hunter.ts ${hidden} </dev/null`;
  const server = await startModelServer(({ body: { messages, tools } }) => {
    if (!Array.isArray(tools) || tools.length === 0)
      return { events: turnEvents('chat', { text: 'A title' }) };
    const done = Array.isArray(messages) && messages.some(({ role }) => role === 'tool');
    const turn: Turn = done
      ? { text: JSON.stringify({ summary: 'Done.', files: [], warnings: [] }) }
      : { calls: [{ name: 'bash', args: { command, description: 'Looks around' } }] };
    return { events: turnEvents('chat', turn) };
  });
  try {
    const player = {
      kind: 'program',
      settings: settings(program ?? '', planted),
      model: server.url,
    } as const;
    await using world = await runnerWorld({ ...player, key: KEY });
    await world.run({ limits: { turns: 20, tokens: 1e9, timeoutMs: 120_000 } });
    expect(world.asked).toContainEqual(['sh', '-c', command]);
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    const said = server.asked.flatMap(({ body: { messages } }) => (Array.isArray(messages) ? messages : []));
    return JSON.stringify(said.findLast(({ role }) => role === 'tool'));
  } finally {
    await server.close();
  }
}

test.skipIf(program === undefined || found.kind === 'none')(
  'OpenCode and its shell find the key nowhere, and would where it was given to them',
  async () => {
    vi.stubEnv('OPENAI_API_KEY', KEY);
    try {
      const told = await hunt({});
      expect(told).toMatch(/summary\W+\d+ \d+/);
      expect(told).toMatch(/warnings\W+\[\]/);
      expect(await hunt({ PLANTED: KEY })).toContain('/proc/self/environ');
    } finally {
      vi.unstubAllEnvs();
    }
  },
  180_000,
);
