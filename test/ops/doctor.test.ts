import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { httpTools, stdio, TOKEN } from '../agents/mcp-world.ts';
import { startModelServer } from '../agents/model-server.ts';
import { found } from '../agents/runner-world.ts';

if (found.kind === 'none') console.warn(`SKIPPED: doctor starts tool servers in a sandbox. ${found.reason}`);

/** `baton doctor` as a process of its own, over everything agents may need: what works, and what does not, with its remedy. */

const BATON = fileURLToPath(new URL('../../bin/baton.mjs', import.meta.url));
const left: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of left.splice(0).toReversed()) await undo();
});

async function doctor(
  settings: object,
  model: string,
): Promise<{ readonly code: number; readonly lines: string[] }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'baton-doctor-'));
  left.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'baton.yaml'), stringify(settings));
  return await new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [BATON, 'doctor'],
      {
        cwd: folder,
        env: {
          PATH: '/usr/bin:/bin',
          HOME: folder,
          BATON_HOME: path.join(folder, 'home'),
          OPENAI_BASE_URL: model,
          OPENAI_MODEL: 'big-1',
          OPENAI_API_KEY: 'sk-of-the-doctor-3b9d',
          TRACKER_TOKEN: TOKEN,
        },
      },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(error);
        else resolve({ code: Number(error?.code ?? 0), lines: `${stdout}${stderr}`.split('\n') });
      },
    );
  });
}

const find = { name: 'find_issue', description: 'Finds' };

test.skipIf(found.kind === 'none')(
  'what works is good, with what it is for, and no secret is printed',
  async () => {
    const model = await startModelServer(() => ({ body: { data: [] } }));
    const web = await httpTools({ tools: [find, { name: 'comment' }] });
    left.push(() => model.close(), web.close);
    const { code, lines } = await doctor(
      {
        runners: {
          linter: { kind: 'command', command: 'node', args: ['lint.js'], agents: ['tester'] },
          coder: { kind: 'acp', command: '/bin/sh', model: true, agents: ['developer'] },
        },
        mcp: {
          tracker: stdio({ tools: [find] }, { find_issue: 'read' }),
          web: {
            kind: 'http',
            url: web.url,
            agents: ['backend'],
            tools: { find_issue: 'read', comment: 'network' },
          },
        },
      },
      model.url,
    );
    const said = (start: string): string => lines.find((line) => line.startsWith(start)) ?? `no ${start}`;
    expect(said('✅ runner      linter')).toContain('node (command), plays tester; its time is held');
    expect(said('✅ runner      coder')).toContain(
      '/bin/sh (acp, with the model), plays developer; its calls pass through Baton',
    );
    expect(said('✅ tools       tracker')).toContain('find_issue (read); for *');
    expect(said('✅ tools       web')).toContain('find_issue (read), comment (network, asks); for backend');
    expect(said('✅ model')).toContain(`big-1 at ${model.url} (`);
    expect(said('✅ sandbox')).toContain(found.reason);
    for (const limit of ['memory', 'processes', 'output', 'time'])
      expect(
        lines.some((line) => / limits {6}/.test(line) && line.includes(limit)),
        limit,
      ).toBe(true);
    expect(code).toBe(0);
    expect(lines.join('\n')).not.toMatch(new RegExp(`${TOKEN}|sk-of-the-doctor`));
    // It looked, and called nothing.
    expect(web.calls).toEqual([]);
    expect(model.asked.map(({ path: asked }) => asked)).toEqual(['/v1/models']);
  },
);

test.skipIf(found.kind === 'none')(
  'what does not is bad, each with what to do, and it ends with 1',
  async () => {
    const model = await startModelServer(() => ({
      status: 307,
      headers: { location: 'http://127.0.0.1:9/' },
    }));
    left.push(() => model.close());
    const { code, lines } = await doctor(
      {
        runners: { gone: { kind: 'acp', command: 'no-such-agent', agents: ['developer'] } },
        mcp: {
          other: stdio({ tools: [{ name: 'something_else' }] }, { find_issue: 'read' }),
          silent: {
            kind: 'http',
            url: 'http://127.0.0.1:9/mcp',
            agents: ['*'],
            tools: { find_issue: 'read' },
          },
        },
        models: { backup: [{ model: 'small-1', base_url: 'http://127.0.0.1:9/v1', api: 'chat' }] },
      },
      model.url,
    );
    const after = (start: string): string => {
      const at = lines.findIndex((line) => line.startsWith(start));
      return at === -1 ? `no ${start}` : lines.slice(at, at + 2).join('\n');
    };
    expect(after('❌ runner      gone')).toMatch(/no-such-agent was not found\n.*Install it/);
    expect(after('❌ tools       other')).toMatch(/find_issue[\s\S]*Correct `tools:`/);
    expect(after('❌ tools       silent')).toMatch(/did not do its part[\s\S]*Agents go on without it/);
    expect(after('❌ model')).toMatch(/sends its callers elsewhere[\s\S]*OPENAI_BASE_URL/);
    expect(after('❌ backup')).toMatch(/small-1: .*does not answer[\s\S]*models\.backup/);
    expect(code).toBe(1);
  },
);
