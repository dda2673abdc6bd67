import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cost, type Figure, rounds } from './figures.ts';

const VICTIM = fileURLToPath(new URL('./victim.ts', import.meta.url));
const IN_FLIGHT = 200;

/** Kills a process with 200 steps in flight and starts another: how soon, after ready, all 200 are under way again. */
export async function resuming(folder: string): Promise<Figure[]> {
  let round = 0;
  const again: number[] = [];
  const times = await rounds(async () => {
    round += 1;
    const file = path.join(folder, `killed-${round}.db`);
    const first = start('begin', file);
    await first.said(/^in flight/);
    const gone = new Promise((resolve) => first.child.once('exit', resolve));
    first.child.kill('SIGKILL');
    await gone;
    const second = start('resume', file);
    const [, resumed] = await second.said(/^resumed (.+)/);
    const [, performed] = await second.said(/^performed (.+)/);
    again.push(Number(performed));
    return Number(resumed);
  });
  return [
    cost('200 runs in flight resumed after kill -9', 'ms', times, {
      promised: { most: 100 },
      note: 'from ready',
    }),
    cost('  steps that ran again (in flight: 200)', 'steps', again, { promised: { most: IN_FLIGHT } }),
  ];
}

function start(mode: string, file: string) {
  const child: ChildProcess = spawn(process.execPath, [VICTIM, mode, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('The process has no output');
  const lines = createInterface({ input: child.stdout });
  const heard: string[] = [];
  lines.on('line', (text) => heard.push(text));
  const said = (wanted: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        for (const text of heard) {
          const found = wanted.exec(text);
          if (found !== null) resolve(found);
        }
      };
      lines.on('line', look);
      child.once('exit', () => reject(new Error(`The process ended without saying ${wanted.source}`)));
      look();
    });
  return { child, said };
}
