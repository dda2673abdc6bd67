import { BOUNDS, boundsFor, LIMITS } from './bounds.ts';
import { MAX_OUTPUT_BYTES, MAX_PROCESSES, WATCH_MS } from './command.ts';
import { COMMAND_ID } from './command-user.ts';
import { DISK, type DiskBounds, MIN_FREE_BYTES } from './disk-watch.ts';
import type { Sandbox } from './sandbox.ts';

const MIB = 1024 ** 2;
const CLASSES = ['sequence', 'parallel'] as const;

interface Line {
  readonly state: 'good' | 'note';
  readonly text: string;
}

/** Where it keeps less than bubblewrap, or gives less. */
const OF_SANDBOX_RUNTIME: Line = {
  state: 'note',
  text: 'sandbox-runtime: on macOS commands can open no server, even for themselves; what was installed in the checkout is not shown to them; programs that need Baton’s way to the model are not started; a program of the system that leaves its group can outlive its command',
};

/** What holds a command on this machine, line by line, and what does not. */
export function limitsOf(
  sandbox: Sandbox,
  memoryBytes: number | null,
  disk: DiskBounds = DISK,
  isRoot = process.getuid?.() === 0,
): Line[] {
  const { cgroups, prlimit, nice } = sandbox;
  const has = (controller: 'memory' | 'pids' | 'cpu') => cgroups.folders.has(controller);
  const by = `control groups, version ${cgroups.version}`;
  const every = `a look at all its processes every ${WATCH_MS} ms`;
  const classes = CLASSES.map((each) => ({ each, ...boundsFor(each, memoryBytes) }));
  const told = (what: (bounds: (typeof classes)[number]) => number, unit: string) =>
    classes.map((bounds) => `${what(bounds)}${unit} (${bounds.each})`).join(', ');
  const memory = told((bounds) => Math.round(bounds.memoryBytes / MIB), ' MB');
  const none =
    cgroups.version === null ? `no control groups (${cgroups.missing})` : 'control groups without it';
  const good = (text: string) => ({ state: 'good' as const, text });
  const note = (text: string) => ({ state: 'note' as const, text });
  return [
    has('memory')
      ? good(`memory: ${memory}, by ${by}`)
      : note(`memory: ${memory}, by ${every}${prlimit ? ', and per process by prlimit' : ''}; ${none}`),
    has('cpu')
      ? good(`processor: ${told(({ cpuShares }) => cpuShares, ' shares')}, by ${by}`)
      : note(`processor: ${nice ? `nice ${told((bounds) => bounds.nice, '')}` : 'nothing'}; ${none}`),
    has('pids')
      ? good(`processes: ${classes[0]?.tasks} tasks by ${by}, and ${MAX_PROCESSES} processes by ${every}`)
      : note(`processes: ${MAX_PROCESSES} by ${every}${processLimit(sandbox, isRoot)}; ${none}`),
    prlimit
      ? good(`files: ${LIMITS.fsize / MIB} MB each, ${LIMITS.nofile} open at once, no core dumps, by prlimit`)
      : good(`files: ${LIMITS.fsize / MIB} MB each, ${LIMITS.nofile} open at once, no core dumps, by ulimit`),
    disked(disk),
    good(`output: ${MAX_OUTPUT_BYTES / MIB} MB, then the command is ended; time: what the step allows`),
    ...(isRoot ? [user(sandbox)] : []),
    ...(sandbox.kind === 'sandbox-runtime' ? [OF_SANDBOX_RUNTIME] : []),
  ];
}

function disked({ bytes, entries }: DiskBounds): Line {
  const floor = `${MIN_FREE_BYTES / MIB} MB left free`;
  const kept = 'files above 50 MB are not kept';
  if (process.platform !== 'linux')
    return { state: 'note', text: `disk: nothing but ${floor}, which ends a command; ${kept}` };
  return {
    state: 'good',
    text: `disk: ${Math.round(bytes / MIB)} MB and ${entries} files and folders, by a look every ${WATCH_MS} ms; ${floor} end it as well; ${kept}`,
  };
}

function processLimit({ prlimit, kind, ownUser }: Sandbox, isRoot: boolean): string {
  if (!prlimit || kind !== 'bubblewrap') return '';
  if (ownUser) return `, and ${BOUNDS.sequence.tasks} tasks by prlimit`;
  return isRoot ? ' (a process limit does not bind for root)' : `, and ${LIMITS.nproc} by prlimit`;
}

function user({ kind, ownUser, noUser }: Sandbox): Line {
  if (kind === 'sandbox-runtime')
    return {
      state: 'note',
      text: 'user: Baton runs as root, and so do commands, shut in; run it as a user of its own',
    };
  if (kind === 'none')
    return {
      state: 'note',
      text: 'user: Baton runs as root, and so do commands; run it as a user of its own',
    };
  if (ownUser)
    return {
      state: 'good',
      text: `user: Baton runs as root; commands are user ${COMMAND_ID} without capabilities, so a process limit binds. What has to read files that only root may read stays root to the kernel’s counts`,
    };
  return {
    state: 'note',
    text: `user: Baton runs as root; commands see themselves as user 1000 without capabilities, and are root to the kernel’s counts${noUser === null ? '' : ` (${noUser})`}`,
  };
}
