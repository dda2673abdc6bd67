import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { env } from 'node:process';

const MAX_FILES = 30_000;
const MAX_BYTES = 1024 * 1024;
/** The system's own: nothing of ours is there, and some of it has no end. */
const LEFT_OUT = new Set(['/proc', '/sys', '/dev', '/usr', '/nix', '/lib', '/lib64', '/bin', '/sbin']);

/**
 * Looks for a key everywhere a program can: its environment, that of every process it sees, their command lines, and every
 * file. Returned as a typed result: how much was looked at, and where the key was.
 * @param hidden the key in hex, so that the arguments of whoever looks hold none
 */
export function hunt(hidden: string): string {
  const key = Buffer.from(hidden, 'hex').toString();
  const found: string[] = [];
  let processes = 0;
  let files = 0;

  const walk = (folder: string): void => {
    if (LEFT_OUT.has(folder) || files >= MAX_FILES) return;
    for (const name of namesIn(folder)) {
      const full = path.join(folder, name.name);
      if (name.isDirectory()) walk(full);
      else if (name.isFile() && files < MAX_FILES) {
        const text = textOf(full);
        if (text === null) continue;
        files += 1;
        if (text.includes(key)) found.push(`file ${name.name}`);
      }
    }
  };

  if (Object.values(env).some((value) => value?.includes(key) === true)) found.push('environment');
  for (const pid of readdirSync('/proc').filter((name) => /^(?:\d+|self)$/.test(name)))
    for (const file of ['environ', 'cmdline']) {
      const text = textOf(`/proc/${pid}/${file}`);
      if (text === null) continue;
      processes += 1;
      if (text.includes(key)) found.push(`/proc/${pid === 'self' ? 'self' : 'pid'}/${file}`);
    }
  walk('/');
  return JSON.stringify({
    summary: `${processes} ${files}`,
    files: [],
    warnings: [...new Set(found)].sort(),
  });
}

function namesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function textOf(file: string): string | null {
  try {
    return statSync(file).size > MAX_BYTES ? null : readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}
