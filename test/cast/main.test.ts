import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';

const entry = fileURLToPath(new URL('../../src/cast/main.ts', import.meta.url));

let home: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'cast-home-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(home, { recursive: true, force: true });
});

function start(environment: Record<string, string> = {}) {
  const started = spawn(process.execPath, [entry], {
    env: { CAST_HOME: home, CAST_DELAY_MS: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  return started;
}

async function announced() {
  return z
    .object({ url: z.string(), pid: z.number() })
    .parse(JSON.parse(await readFile(join(home, 'cast.json'), 'utf8')));
}

test('announces itself once it listens, plays on without anybody at its output, and leaves nothing behind', async () => {
  const started = start();
  const [line] = await once(createInterface(started.stdout), 'line');
  expect(line).toContain('Rehearsal cast ready');
  const { url, pid } = await announced();
  expect(pid).toBe(started.pid);
  expect((await stat(join(home, 'cast.json'))).mode & 0o777).toBe(0o600);

  started.stdout.destroy();
  started.stderr.destroy();
  expect((await fetch(`${url}/health`)).status).toBe(200);

  started.kill('SIGTERM');
  const [code] = await once(started, 'exit');
  expect(code).toBe(0);
  expect(await readdir(home)).toEqual([]);
});

test('says by line what is wrong with a cast, and does not start', async () => {
  const file = join(home, 'mine.yaml');
  await writeFile(file, 'name: Mine\nroles:\n  qa: none\n');
  const started = start({ CAST_FILES: file });
  let errors = '';
  started.stderr.on('data', (bytes: Buffer) => {
    errors += bytes.toString('utf8');
  });
  const [code] = await once(started, 'close');
  expect(code).toBe(1);
  expect(errors).toContain('mine.yaml:3:7 roles.qa');
  expect(await readdir(home)).toEqual(['mine.yaml']);
});
