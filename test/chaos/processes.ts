import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Processes that have to do with a folder: it stands in their arguments, environment or working directory. */
export function processesAround(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) =>
      [read(pid, 'cmdline'), read(pid, 'environ'), cwd(pid)].some((text) => text.includes(folder)),
    )
    .filter((pid) => !/^\S+ \(.*\) Z/.test(read(pid, 'stat')))
    .map(Number);
}

/** What a process was started with, for a report. */
export function commandOf(pid: number): string {
  return read(String(pid), 'cmdline').replaceAll('\0', ' ').slice(0, 160);
}

/** Sends a signal to one process of ours; one that has ended is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    return;
  }
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function cwd(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
