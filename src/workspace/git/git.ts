import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { BatonError } from '../../domain/failure.ts';
import { hasCode } from '../durable-file.ts';
import { Turns } from '../turns.ts';
import { authoritiesFile } from './authorities.ts';
import { FIXED_CONFIG, neutralise, type Override, otherEnd } from './git-config.ts';
import type { GitPlace, GitRoom } from './git-room.ts';
import type { GitArgs } from './git-verbs.ts';

/** Milliseconds. Local git calls take milliseconds; a minute means a hung disk, and checkouts of huge trees still fit. */
const LOCAL_TIMEOUT_MS = 60_000;
/** Bytes. File lists of very large repositories fit; a flood does not fill the memory. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Characters of git's own words that go into a failure. */
const MAX_ERROR_CHARS = 600;
/** What git says when the machine, not the repository, is at fault. */
const OUT_OF_SOMETHING =
  /No space left on device|Disk quota exceeded|Too many open files|Cannot allocate memory|Input\/output error/;

export interface GitOptions {
  readonly input?: Buffer | string;
  /** Seconds-precise author and committer date, in milliseconds since the epoch. */
  readonly at?: number;
  /** Exit codes besides 0 that are answers rather than failures. */
  readonly answers?: readonly number[];
  readonly maxBytes?: number;
  /** Output beyond `maxBytes` is cut instead of being a failure. */
  readonly cutOutput?: boolean;
  readonly timeoutMs?: number;
  /** Allows https, ssh and file, and the ssh agent, for this call only. */
  readonly network?: boolean;
  /** Settings for this call that must not show in its arguments. */
  readonly secretConfig?: readonly Override[];
  /** What is taken out of a failure's words: a server may say back what it was sent. */
  readonly secrets?: readonly string[];
}

export interface GitAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly cut: boolean;
}

/** Git at one place, with everything its configuration would run switched off. */
export interface BoundGit {
  run(args: GitArgs, options?: GitOptions): Promise<GitAnswer>;
  /** Standard output without its last line end. */
  text(args: GitArgs, options?: GitOptions): Promise<string>;
  /** The object a revision names, or null. Not for text that people typed: use it on refs and ids. */
  resolve(revision: string): Promise<string | null>;
}

export interface Git {
  /** Reads the configuration that holds at the place and neutralises it for the calls that follow. */
  bind(place: GitPlace): Promise<BoundGit>;
  /** The configuration that holds at the place, keys in lower case except for the middle part. */
  config(place: GitPlace): Promise<ReadonlyMap<string, string>>;
}

export interface GitSettings {
  /** An empty folder of ours that git takes for the home folder. */
  readonly home: string;
  readonly path: string;
  readonly sshAuthSock?: string | undefined;
  /** A PEM file of authorities trusted beside the usual ones, for https. */
  readonly extraAuthorities?: string | undefined;
  /** Absent where there is no sandbox: then commands see whatever the person sees anyway. */
  readonly room?: GitRoom | undefined;
}

/** What is known of the place before a verb runs there. */
interface Bound {
  readonly config: ReadonlyMap<string, string>;
  readonly overrides: readonly Override[];
}
const UNBOUND: Bound = { config: new Map(), overrides: [] };

/** The one way to git. */
export function createGit(settings: GitSettings): Git {
  const turns = new Turns();
  const environmentOf = async (
    place: GitPlace,
    args: GitArgs,
    options: GitOptions,
    overrides: readonly Override[],
  ) => {
    const environment: Record<string, string> = {
      PATH: settings.path,
      HOME: settings.home,
      XDG_CONFIG_HOME: join(settings.home, '.config'),
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: '/bin/false',
      SSH_ASKPASS: '/bin/false',
      GIT_EDITOR: '/bin/false',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_LITERAL_PATHSPECS: '1',
      GIT_NO_LAZY_FETCH: '1',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_ALLOW_PROTOCOL: options.network === true ? 'file:https:ssh' : 'none',
      GIT_AUTHOR_NAME: 'Baton',
      GIT_AUTHOR_EMAIL: 'baton@localhost',
      GIT_COMMITTER_NAME: 'Baton',
      GIT_COMMITTER_EMAIL: 'baton@localhost',
      GIT_CONFIG_COUNT: String(overrides.length),
    };
    overrides.forEach(({ key, value }, index) => {
      environment[`GIT_CONFIG_KEY_${index}`] = key;
      environment[`GIT_CONFIG_VALUE_${index}`] = value;
    });
    if (place.indexFile !== undefined) environment['GIT_INDEX_FILE'] = place.indexFile;
    if (options.at !== undefined) {
      const date = `@${Math.floor(options.at / 1000)} +0000`;
      environment['GIT_AUTHOR_DATE'] = date;
      environment['GIT_COMMITTER_DATE'] = date;
    }
    if (options.network === true) {
      environment['GIT_SSH_COMMAND'] = 'ssh -oBatchMode=yes';
      if (settings.sshAuthSock !== undefined) environment['SSH_AUTH_SOCK'] = settings.sshAuthSock;
      if (settings.extraAuthorities !== undefined && args.some((each) => each.startsWith('https:')))
        environment['GIT_SSL_CAINFO'] = await authoritiesFile(settings.home, settings.extraAuthorities);
    }
    return environment;
  };

  const call = async (place: GitPlace, args: GitArgs, options: GitOptions, { config, overrides }: Bound) => {
    const argv = ['git', '--no-pager', ...FIXED_CONFIG.flatMap((entry) => ['-c', entry])];
    if (place.gitDir !== undefined) argv.push(`--git-dir=${place.gitDir}`);
    if (place.workTree !== undefined) argv.push(`--work-tree=${place.workTree}`);
    argv.push(...otherEnd(args));
    const room = (await settings.room?.wrap(place, args, config)) ?? [];
    const [program = 'git', ...rest] = [...room, ...argv];
    const timeout = options.timeoutMs ?? LOCAL_TIMEOUT_MS;
    const env = await environmentOf(place, args, options, [...overrides, ...(options.secretConfig ?? [])]);
    await turns.next();
    const { promise, resolve, reject } = Promise.withResolvers<GitAnswer>();
    const child = execFile(
      program,
      rest,
      {
        cwd: place.cwd,
        env,
        encoding: 'buffer',
        maxBuffer: options.maxBytes ?? MAX_OUTPUT_BYTES,
        timeout,
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ code: 0, stdout, cut: false });
        if (hasCode(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') && options.cutOutput === true) {
          return resolve({ code: 0, stdout, cut: true });
        }
        if (typeof error.code === 'number' && options.answers?.includes(error.code) === true) {
          return resolve({ code: error.code, stdout, cut: false });
        }
        const said = (options.secrets ?? []).reduce(
          (text, secret) => text.replaceAll(secret, '…'),
          stderr.toString('utf8'),
        );
        reject(gitError(error, args[0], said));
      },
    );
    // A child that ends early closes its end: what it had not read is of no interest then.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
    return await promise;
  };

  const config = async (place: GitPlace) => {
    const { stdout } = await call(place, ['config', '--list', '--includes', '-z'], {}, UNBOUND);
    const entries = new Map<string, string>();
    for (const entry of stdout.toString('utf8').split('\0')) {
      if (entry === '') continue;
      const end = entry.indexOf('\n');
      entries.set(end === -1 ? entry : entry.slice(0, end), end === -1 ? 'true' : entry.slice(end + 1));
    }
    return entries;
  };

  return {
    config,
    async bind(place) {
      const entries = await config(place);
      const bound: Bound = { config: entries, overrides: neutralise(entries) };
      const run = (args: GitArgs, options: GitOptions = {}) => call(place, args, options, bound);
      return {
        run,
        async text(args, options = {}) {
          return (await run(args, options)).stdout.toString('utf8').replace(/\n$/, '');
        },
        async resolve(revision) {
          const { code, stdout } = await run(
            ['rev-parse', '--verify', '--quiet', '--end-of-options', revision],
            {
              answers: [1, 128],
            },
          );
          return code === 0 ? stdout.toString('utf8').trim() : null;
        },
      };
    },
  };
}

function gitError(
  error: Error & { killed?: boolean | undefined },
  command: string,
  stderr: string,
): BatonError {
  if (hasCode(error, 'ENOENT')) {
    return new BatonError(
      {
        class: 'needs_person',
        code: 'git_missing',
        message: 'The program git was not found.',
        hint: 'Install git 2.38 or newer, then choose Retry.',
      },
      error,
    );
  }
  if (hasCode(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')) {
    return new BatonError(
      {
        class: 'terminal',
        code: 'git_output',
        message: `git ${command} said more than Baton reads at once.`,
      },
      error,
    );
  }
  if (error.killed === true) {
    return new BatonError(
      {
        class: 'transient',
        code: 'git_timeout',
        message: `git ${command} did not finish in time and was stopped.`,
      },
      error,
    );
  }
  const words = shortened(withoutCredentials(stderr.trim()));
  if (OUT_OF_SOMETHING.test(stderr)) {
    return new BatonError({
      class: 'transient',
      code: 'workspace_trouble',
      message: `git ${command} failed: ${words}`,
      hint: 'Free disk space, open files or memory, then press Retry; nothing was lost.',
    });
  }
  return new BatonError({
    class: 'terminal',
    code: 'git_failed',
    message: `git ${command} failed${words === '' ? '.' : `: ${words}`}`,
  });
}

/** Both ends: a remote's words come first, and what git makes of them last. */
function shortened(text: string): string {
  if (text.length <= MAX_ERROR_CHARS) return text;
  const end = text.slice(-MAX_ERROR_CHARS / 2);
  // From the beginning of a line: by it the remote's words are told from git's.
  return `${text.slice(0, MAX_ERROR_CHARS / 2)}…${end.slice(Math.max(end.indexOf('\n'), 0))}`;
}

/** Addresses without the user and password part. */
export function withoutCredentials(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi, '$1');
}

/** NUL-separated output as strings that keep every byte (latin1), for names that are not UTF-8. */
export function splitNul(output: Buffer): string[] {
  return output
    .toString('latin1')
    .split('\0')
    .filter((part) => part !== '');
}

/** What people and models see of a byte-preserving string. */
export function readable(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
