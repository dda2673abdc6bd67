import type { ResourceClass } from '../../ports/workspace.ts';
import type { Bounds } from './cgroups.ts';

export const LIMITS = {
  /** Bytes of one file. */
  fsize: 1024 ** 3,
  nofile: 8192,
  /** Tasks, threads included; counted within the sandbox since Linux 5.14, over the whole user before, hence this many. */
  nproc: 4096,
  core: 0,
};

export interface ClassBounds extends Bounds {
  /** Below Baton, which is at 0, and above it nothing. */
  readonly nice: number;
  /** Of private memory per process, where it is prlimit that holds. `--as` would keep WebAssembly from starting. */
  readonly dataBytes: number;
}

const MIB = 1024 ** 2;
/** Tasks of one command; a large test suite with its threads starts some hundreds. */
const TASKS = 2048;
/** By the way the agents of a run are coordinated: who works beside others is given more, and sooner. */
export const BOUNDS: Readonly<Record<ResourceClass, ClassBounds>> = {
  sequence: { cpuShares: 512, memoryBytes: 512 * MIB, dataBytes: 512 * MIB, tasks: TASKS, nice: 10 },
  parallel: { cpuShares: 1024, memoryBytes: 1024 * MIB, dataBytes: 1024 * MIB, tasks: TASKS, nice: 5 },
};

/** The bounds of a class, with memory as the person set it where they did. */
export function boundsFor(resources: ResourceClass, memoryBytes: number | null): ClassBounds {
  const bounds = BOUNDS[resources];
  return memoryBytes === null ? bounds : { ...bounds, memoryBytes, dataBytes: memoryBytes };
}

/** A coding agent brings a runtime, an index and builds of its own; with a command's memory it does not even start. */
const PROGRAM_MEMORY_BYTES = 6144 * MIB;

/** The bounds of a program that plays an agent or serves tools: its run's class, with more memory. */
export function programBounds(bounds: ClassBounds, least = PROGRAM_MEMORY_BYTES): ClassBounds {
  const memoryBytes = Math.max(bounds.memoryBytes, least);
  return { ...bounds, memoryBytes, dataBytes: memoryBytes };
}
