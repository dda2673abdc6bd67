import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly residentBytes: number;
}

/** Bytes of a memory page; 4 KiB wherever /proc/[pid]/stat is read, or larger, which errs towards stopping late. */
const PAGE_BYTES = 4096;

/** Milliseconds; it takes ten. */
const PS_TIMEOUT_MS = 5_000;
/** Bytes; environments included, some thousands of processes. */
const MAX_PS_BYTES = 64 * 1024 * 1024;

/** The processes below one, itself included, by what /proc says, or ps where there is no /proc. */
export async function descendants(root: number, list = allProcesses): Promise<ProcessRow[]> {
  const rows = await list();
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
  const found = rows.filter((row) => row.pid === root);
  for (let i = 0; i < found.length; i += 1) found.push(...(children.get(found[i]?.pid ?? -1) ?? []));
  return found;
}

async function allProcesses(): Promise<ProcessRow[]> {
  if (process.platform === 'darwin') return psProcesses();
  const names = await readdir('/proc').catch(() => []);
  const rows = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readRow));
  return rows.filter((row) => row !== null);
}

/** By ps as POSIX has it, which is the same on every system; resident memory in kilobytes. */
export async function psProcesses(): Promise<ProcessRow[]> {
  const text = await ps(['-A', '-o', 'pid=', '-o', 'ppid=', '-o', 'rss=']);
  return text.split('\n').flatMap((line) => {
    const [pid, parent, kilobytes] = line.trim().split(/\s+/).map(Number);
    return pid === undefined || parent === undefined || kilobytes === undefined
      ? []
      : [{ pid, parent, residentBytes: kilobytes * 1024 }];
  });
}

/** Empty where it fails. */
function ps(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const limits = { timeout: PS_TIMEOUT_MS, maxBuffer: MAX_PS_BYTES, env: { LC_ALL: 'C' } };
    execFile('/bin/ps', args, limits, (error, stdout) => resolve(error === null ? stdout : ''));
  });
}

/** proc(5): the name stands in brackets and may hold anything; parent is the second field after it, resident pages the twenty-second. */
async function readRow(pid: string): Promise<ProcessRow | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid: Number(pid), parent: Number(fields[1]), residentBytes: Number(fields[21]) * PAGE_BYTES };
}

/** Processes started with this word in their environment, also those that left their parents and their group. */
export async function carrying(word: string): Promise<number[]> {
  // macOS shows the environment of a person's own programs there, not of those that are part of the system.
  if (process.platform === 'darwin')
    return pidsWith(await ps(['-A', '-E', '-ww', '-o', 'pid=', '-o', 'command=']), word);
  const names = await readdir('/proc').catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
        return environment.split('\0').includes(word) ? Number(name) : null;
      }),
  );
  return found.filter((pid) => pid !== null);
}

/** Of lines that begin with a process id, those that hold a word. */
export function pidsWith(lines: string, word: string): number[] {
  return lines
    .split('\n')
    .filter((line) => line.split(/\s+/).includes(word))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid > 1 && pid !== process.pid);
}

/** Sends a signal; a process that is gone already is no failure. A negative number means a group. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
}
