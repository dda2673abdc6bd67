import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Every benchmark of this folder, one after the other, each in a process of its own. */
const folder = fileURLToPath(new URL('.', import.meta.url));
for (const name of readdirSync(folder).filter((each) => each.endsWith('.ts') && each !== 'main.ts')) {
  console.log(`\n== ${name}`);
  const child = spawn(process.execPath, [`${folder}${name}`, ...process.argv.slice(2)], { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code !== 0) process.exitCode = 1;
}
