import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One trap repository and what lies around it; all of it below `root`. */
export interface Ground {
  readonly root: string;
  /** Named `web` as a person would have it. */
  readonly repository: string;
  /** A bare repository beside it, with the same first commit, that remotes may point to. */
  readonly remote: string;
  /** A program that writes its name and arguments to a file outside the repository, then passes its input on. */
  readonly canary: string;
  /** As `canary`, and ends at once: for what would wait for it to speak. */
  readonly mute: string;
  /** What the canary wrote since the last look; empty while it did not run. */
  sprung(): string;
  reset(): void;
  /** Plain git as a person would run it, in the repository; failures are of no interest where a program was to run. */
  git(...args: string[]): string;
  try(...args: string[]): void;
  /** As `try`, through a terminal of its own: pagers ask for one. */
  terminal(command: string): void;
  put(path: string, content: string | Buffer): void;
  hook(name: string, program?: string): void;
  config(key: string, value: string): void;
  commit(message?: string): string;
}

const IDENTITY = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'alice',
  GIT_AUTHOR_EMAIL: 'alice@example.com',
  GIT_COMMITTER_NAME: 'alice',
  GIT_COMMITTER_EMAIL: 'alice@example.com',
  GIT_TERMINAL_PROMPT: '0',
  TERM: 'dumb',
};
/** Milliseconds. A trap that waits for somebody is ended; its program has run by then. */
const PATIENCE_MS = 10_000;

export function ground(root: string): Ground {
  const repository = join(root, 'web');
  const remote = join(root, 'remote.git');
  const mark = join(root, 'sprung');
  const canary = join(root, 'canary');
  const env = { ...IDENTITY, HOME: root };
  const options = { cwd: repository, env, timeout: PATIENCE_MS, encoding: 'utf8' } as const;
  const git = (...args: string[]) =>
    execFileSync('git', args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  mkdirSync(repository, { recursive: true });
  writeFileSync(canary, `#!/bin/sh\nprintf '%s ' "$0" "$@" >> '${mark}'\nexec cat\n`);
  chmodSync(canary, 0o755);
  const mute = join(root, 'mute');
  writeFileSync(mute, `#!/bin/sh\nprintf '%s ' "$0" "$@" >> '${mark}'\n`, { mode: 0o755 });
  const put = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), content);
  };
  const config = (key: string, value: string) => void git('config', key, value);
  const here: Ground = {
    root,
    repository,
    remote,
    canary,
    mute,
    sprung: () => (existsSync(mark) ? readFileSync(mark, 'utf8') : ''),
    reset: () => rmSync(mark, { force: true }),
    git,
    try: (...args) => void spawnSync('git', args, { ...options, input: '' }),
    terminal: (command) =>
      void spawnSync('script', ['-qec', command, '/dev/null'], { ...options, input: '' }),
    put,
    hook(name, program = canary) {
      const folder = join(repository, '.git/hooks');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), `#!/bin/sh\nexec '${program}' ${name} < /dev/null\n`, {
        mode: 0o755,
      });
    },
    config,
    commit(message = 'more') {
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '--no-verify', '-m', message);
      return git('rev-parse', 'HEAD');
    },
  };
  git('init', '-q', '-b', 'main', '--template=');
  put('README.md', 'hello\n');
  put('src/a.js', 'one\ntwo\nthree\n');
  here.commit('First');
  return here;
}

/** The bare repository beside it, made only where a trap or a verb wants one. */
export function withRemote(place: Ground): Ground {
  if (existsSync(place.remote)) return place;
  execFileSync('git', ['clone', '-q', '--bare', '--template=', place.repository, place.remote], {
    env: { ...IDENTITY, HOME: place.root },
    stdio: 'ignore',
  });
  return place;
}
