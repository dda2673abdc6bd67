import { type ClassBounds, LIMITS } from './bounds.ts';

/** The blocks that POSIX has `ulimit -f` count in. */
const BLOCK_BYTES = 512;

/**
 * Limits of single processes, as argv that stands before a command: by prlimit, or by the shell's own `ulimit` where there
 * is no prlimit, as on macOS. `ulimit` holds the size of a file, open files, core dumps and processor time; memory it does not.
 * @param nproc the process limit; null where it would count everything the user runs; of prlimit only
 */
export function processLimits(
  prlimit: boolean,
  nproc: number | null,
  timeoutMs: number,
  dataBytes: number,
): string[] {
  // CPU seconds per process; generous, since many threads use them up faster than time passes.
  const cpu = Math.ceil(timeoutMs / 1000) * 8 + 10;
  const { nproc: _, ...others } = LIMITS;
  if (prlimit) {
    const values = Object.entries({ ...others, ...(nproc === null ? {} : { nproc }), data: dataBytes, cpu });
    return ['/usr/bin/prlimit', ...values.map(([name, value]) => `--${name}=${value}`), '--'];
  }
  const { fsize, nofile, core } = LIMITS;
  const values = { f: Math.floor(fsize / BLOCK_BYTES), n: nofile, c: core, t: cpu };
  // One that is refused is refused because a stricter one holds already.
  const set = Object.entries(values).map(([letter, value]) => `ulimit -${letter} ${value} 2>/dev/null`);
  return ['/bin/sh', '-c', `${set.join('; ')}; exec "$@"`, 'sh'];
}

/** The process limit of a command in a sandbox of its own: counted within it, or over a user of its own. */
export function nprocOf(ownUser: boolean, { tasks }: ClassBounds): number {
  return ownUser ? tasks : LIMITS.nproc;
}
