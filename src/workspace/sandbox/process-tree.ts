import { readdir, readFile } from 'node:fs/promises';

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly residentBytes: number;
}

/** Bytes of a memory page; 4 KiB wherever /proc/[pid]/stat is read, or larger, which errs towards stopping late. */
const PAGE_BYTES = 4096;

/** The processes below one, itself included, by what /proc says; empty where there is no /proc. */
export async function descendants(root: number): Promise<ProcessRow[]> {
  const rows = await allProcesses();
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
  const found = rows.filter((row) => row.pid === root);
  for (let i = 0; i < found.length; i += 1) found.push(...(children.get(found[i]?.pid ?? -1) ?? []));
  return found;
}

async function allProcesses(): Promise<ProcessRow[]> {
  const names = await readdir('/proc').catch(() => []);
  const rows = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readRow));
  return rows.filter((row) => row !== null);
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

/** Sends a signal; a process that is gone already is no failure. A negative number means a group. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
}
