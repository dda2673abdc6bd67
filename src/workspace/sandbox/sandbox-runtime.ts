import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxManager } from '@anthropic-ai/sandbox-runtime';
import { BatonError } from '../../domain/failure.ts';
import type { Extras, Inside, SandboxPlace } from './bubblewrap.ts';
import { nprocOf, processLimits } from './process-limits.ts';
import { shownRepository, shownSystem } from './runtime-shown.ts';
import type { Toolchain } from './toolchain.ts';

/** What the library is told of one command; nothing of it is kept between commands. */
export type RuntimeConfig = NonNullable<Parameters<typeof SandboxManager.wrapWithSandbox>[2]>;

/** The library, as far as Baton uses it. */
export interface SandboxRuntime {
  /** For a shell: the command line that runs this one shut in. */
  wrap(command: string, config: RuntimeConfig): Promise<string>;
  /** To be called once for each command that was wrapped, when nothing of it lives. */
  release(): void;
  /** What must be readable for the library's own helpers. */
  readonly reads: readonly string[];
}

/** Times the library is asked again, where it was in too much of a hurry. */
const MAX_TRIES = 5;
/** Folders the library lets every command write, whatever it is told. */
const SHARED_WRITES = ['/tmp/claude', '/private/tmp/claude'];

/**
 * Loads the library; only where it is used. It is never initialised: that would give the whole process one configuration,
 * and start proxies through which commands reach a network. Without, each command has its own, and there is no way out.
 */
export async function loadSandboxRuntime(): Promise<SandboxRuntime> {
  const { SandboxManager: manager } = await import('@anthropic-ai/sandbox-runtime');
  if (!manager.isSupportedPlatform()) throw new Error('sandbox-runtime does not know this system');
  const entry = new URL(import.meta.resolve('@anthropic-ai/sandbox-runtime'));
  const helpers = new URL('../vendor/seccomp', entry).pathname;
  return {
    async wrap(command, config) {
      if (manager.isSandboxingEnabled()) throw new Error('sandbox-runtime has a configuration of its own');
      // Else the command itself would stand in the system's log, as the label of what was refused.
      const options = { commandId: randomUUID(), commandText: 'a command of Baton' };
      const wrapped = await patiently(() =>
        manager.wrapWithSandbox(command, '/bin/sh', config, undefined, options),
      );
      if (wrapped === command) throw new Error('sandbox-runtime left a command as it was');
      return wrapped;
    },
    release: () => manager.cleanupAfterCommand(),
    reads: process.platform === 'linux' ? [decodeURIComponent(helpers)] : [],
  };
}

/**
 * The library asks `which` for the shell each time, gives it one second, and takes no answer for no shell. On a busy machine
 * that is too little.
 */
export async function patiently(wrap: () => Promise<string>): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await wrap();
    } catch (error) {
      const slow = error instanceof Error && error.message.endsWith('not found in PATH');
      if (!slow || tries === MAX_TRIES) throw error;
    }
    // It held the thread: others first.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Where a command may write beside the worktree: its home, and its temporary files. */
export function homeOf(place: SandboxPlace): string {
  return join(place.side, 'home');
}

/**
 * What one command may do. Everything may be neither read nor written but for what is named; no host may be reached, and
 * no server on this machine either. Paths are names, whatever characters they hold.
 * @param tools folders and files that are programs of Baton's own choice
 */
export async function runtimeConfig(
  place: SandboxPlace,
  { reads, readOnly }: Extras,
  tools: readonly string[],
  platform: NodeJS.Platform = process.platform,
): Promise<RuntimeConfig> {
  const named = (paths: readonly string[]) => paths.map((path) => ({ path, literal: true as const }));
  const home = homeOf(place);
  const allowRead = [
    ...shownSystem(platform),
    ...tools,
    ...(await shownRepository(place)),
    ...reads,
    place.worktree,
    home,
  ];
  return {
    network: { allowedDomains: [], deniedDomains: [] },
    filesystem: {
      denyRead: named(['/']),
      allowRead: named(allowRead),
      allowWrite: named(readOnly === true ? [home] : [place.worktree, home]),
      denyWrite: named([join(place.worktree, '.git'), ...SHARED_WRITES]),
    },
  };
}

/** As argv: the command shut in by sandbox-runtime, with limits. Its environment is what it is started with. */
export async function inSandboxRuntime(
  runtime: SandboxRuntime,
  means: { readonly toolchain: Toolchain; readonly prlimit: boolean },
  place: SandboxPlace,
  { argv, timeoutMs, bounds, extras }: Inside,
  scripts: string,
): Promise<string[]> {
  if (extras.socket !== undefined)
    throw new BatonError({
      class: 'terminal',
      code: 'sandbox_without_sockets',
      message:
        'The program was not started: it needs the way to the model that Baton opens for it, and out of this sandbox (sandbox-runtime) there is none.',
      hint: 'Run Baton on Linux with bubblewrap, or give this agent to a model instead of the runner.',
    });
  const { node, npm } = means.toolchain;
  const home = homeOf(place);
  await mkdir(home, { recursive: true });
  const tools = [node, ...(npm === null ? [] : [npm.root]), scripts, ...runtime.reads];
  const config = await runtimeConfig(place, extras, tools);
  // Outside a sandbox of Linux a process limit would count everything the user runs.
  const nproc = process.platform === 'linux' ? nprocOf(false, bounds) : null;
  const limited = [...processLimits(means.prlimit, nproc, timeoutMs, bounds.dataBytes), ...argv];
  // The library sets a folder of its own for temporary files.
  const command = `export TMPDIR=${quoted(home)}; exec ${limited.map(quoted).join(' ')}`;
  return ['/bin/sh', '-c', await runtime.wrap(command, config)];
}

/** One word for a shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
