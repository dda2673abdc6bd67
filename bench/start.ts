import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * From typing `npm start` to "Baton is ready", in a new home each time, and the same without npm. `--check` makes a median
 * above what was promised an error.
 */
const TIMES = 7;
const PROMISED_MS = 1_500;
const LIMIT_MS = 30_000;
const project = fileURLToPath(new URL('..', import.meta.url));

const withNpm = await times('npm', ['start']);
console.log(
  `npm start            median ${middle(withNpm)} ms of ${withNpm.join(' ')} (promised ${PROMISED_MS})`,
);
const without = await times(process.execPath, ['bin/baton.mjs', 'start']);
console.log(`without npm          median ${middle(without)} ms of ${without.join(' ')}`);
if (process.argv.includes('--check') && middle(withNpm) > PROMISED_MS) process.exitCode = 1;

async function times(program: string, args: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < TIMES; i += 1) found.push(await once(program, args));
  return found;
}

async function once(program: string, args: readonly string[]): Promise<number> {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-start-'));
  const began = performance.now();
  const child = spawn(program, [...args], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own: npm stands between us and Baton.
    detached: true,
    env: {
      PATH: `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      BATON_HOME: home,
      PORT: '0',
    },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ready = new Promise<number>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (said.includes('Baton is ready')) resolve(Math.round(performance.now() - began));
    });
    child.once('close', () => reject(new Error(`Baton ended before it was ready: ${said}`)));
    setTimeout(() => reject(new Error(`Not ready after ${LIMIT_MS} ms: ${said}`)), LIMIT_MS).unref();
  });
  try {
    return await ready;
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await ended;
    rmSync(home, { recursive: true, force: true });
  }
}

function middle(found: readonly number[]): number {
  return [...found].sort((a, b) => a - b)[Math.floor(found.length / 2)] ?? Number.NaN;
}
