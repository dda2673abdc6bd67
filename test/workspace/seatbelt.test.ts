import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NO_EXTRAS } from '../../src/workspace/sandbox/bubblewrap.ts';
import { mayBeShown, shownRepository } from '../../src/workspace/sandbox/runtime-shown.ts';
import {
  loadSandboxRuntime,
  type RuntimeConfig,
  runtimeConfig,
} from '../../src/workspace/sandbox/sandbox-runtime.ts';
import { readProfile } from './seatbelt.ts';

const HOME = '/Users/ada';
const WORKTREE = `${HOME}/.baton/worktrees/run_1`;
const OWN_HOME = `${HOME}/.baton/workspaces/run_1/home`;
const NODE = `${HOME}/.nvm/versions/node/v22.1.0/bin/node`;
const PLACE = {
  worktree: WORKTREE,
  gitDir: `${HOME}/web/.git/worktrees/run_1`,
  common: `${HOME}/web/.git`,
  side: `${HOME}/.baton/workspaces/run_1`,
};

/** What the library itself would hand to a Mac for a configuration: only the name of the system is not this one's. */
async function commandOnMac(config: RuntimeConfig): Promise<string> {
  const runtime = await loadSandboxRuntime();
  const real = Object.getOwnPropertyDescriptor(process, 'platform');
  if (real === undefined) throw new Error('there is no platform');
  Object.defineProperty(process, 'platform', { ...real, value: 'darwin' });
  try {
    return await runtime.wrap('exec /usr/bin/true', config);
  } finally {
    Object.defineProperty(process, 'platform', real);
  }
}

async function profile(more: { readOnly?: boolean; reads?: string[] } = {}) {
  const config = await runtimeConfig(PLACE, { ...NO_EXTRAS, ...more }, [NODE], 'darwin');
  const command = await commandOnMac(config);
  const [, text] = /\/usr\/bin\/sandbox-exec -p '([\s\S]*)' \/bin\/sh -c '/.exec(command) ?? [];
  if (text === undefined) throw new Error('no profile is handed over');
  return { text: text.replaceAll(`'"'"'`, "'"), command };
}

describe('the profile for macOS', () => {
  it('lets nothing be written but the worktree and a home of its own', async () => {
    const { allows } = readProfile((await profile()).text);
    for (const path of [`${WORKTREE}/a.ts`, `${WORKTREE}/src/.env`, `${OWN_HOME}/x`, '/dev/null'])
      for (const operation of ['file-write-data', 'file-write-create', 'file-write-unlink'])
        expect(allows(operation, path), `${operation} ${path}`).toBe(true);
    for (const path of [
      `${WORKTREE}/.git`,
      `${WORKTREE}/../run_2/a.ts`.replace('/run_1/..', ''),
      `${PLACE.common}/config`,
      `${PLACE.common}/refs/heads/main`,
      `${PLACE.common}/hooks/pre-commit`,
      `${PLACE.gitDir}/HEAD`,
      `${PLACE.side}/state.json`,
      `${PLACE.side}/tools/node`,
      `${HOME}/.baton/baton.db`,
      `${HOME}/.zshrc`,
      `${HOME}/.npm/_logs/x`,
      `${HOME}/.claude/debug/x`,
      `${HOME}/web/src/a.ts`,
      '/tmp/claude/x',
      '/private/tmp/claude/x',
      '/private/tmp/x',
      '/private/var/folders/xx/T/x',
      '/usr/local/bin/x',
      '/opt/homebrew/bin/x',
      '/Library/LaunchAgents/x',
      '/etc/hosts',
      '/x',
    ])
      for (const operation of ['file-write-data', 'file-write-create', 'file-write-unlink'])
        expect(allows(operation, path), `${operation} ${path}`).toBe(false);
    // Nor may a folder above them be moved away, and another put in its place.
    for (const path of [WORKTREE, `${HOME}/.baton/worktrees`, `${HOME}/.baton`, HOME])
      expect(allows('file-write-unlink', path, true), path).toBe(false);
  });

  it('lets nothing be read but the system, the programs, and what is named', async () => {
    const { allows } = readProfile((await profile({ reads: [`${HOME}/.config/agent/login.json`] })).text);
    for (const path of [
      `${WORKTREE}/a.ts`,
      `${WORKTREE}/.git`,
      `${OWN_HOME}/x`,
      `${HOME}/.config/agent/login.json`,
      NODE,
      '/usr/bin/git',
      '/usr/lib/libSystem.dylib',
      '/System/Library/Frameworks/CoreFoundation.framework/x',
      '/private/etc/ssl/cert.pem',
      '/opt/homebrew/Cellar/node/22.1.0/lib/x.dylib',
      '/',
    ])
      expect(allows('file-read-data', path), path).toBe(true);
    for (const path of [
      `${HOME}/.ssh/id_ed25519`,
      `${HOME}/.aws/credentials`,
      `${HOME}/.netrc`,
      `${HOME}/.config/gh/hosts.yml`,
      `${HOME}/.config/agent/other.json`,
      `${HOME}/.nvm/versions/node/v22.1.0/bin/other`,
      `${HOME}/Library/Keychains/login.keychain-db`,
      `${HOME}/.baton/baton.db`,
      `${HOME}/.baton/baton.yaml`,
      `${HOME}/.baton/.env`,
      `${HOME}/.baton/worktrees/run_2/a.ts`,
      `${PLACE.side}/state.json`,
      '/Library/Keychains/System.keychain',
      '/Library/Preferences/x.plist',
      `/System/Volumes/Data${HOME}/.ssh/id_ed25519`,
      '/Volumes/Backup/x',
      '/opt/homebrew/var/postgresql/x',
      '/usr/local/var/mysql/x',
      '/private/etc/master.passwd',
      '/private/var/folders/xx/T/other',
      '/private/tmp/other',
      '/private/var/root/x',
    ])
      expect(allows('file-read-data', path), path).toBe(false);
    // Folders on the way may be asked what they are, not what is in them.
    expect(allows('file-read-metadata', HOME, true)).toBe(true);
    expect(allows('file-read-data', HOME, true)).toBe(false);
    expect(allows('file-read-metadata', `${HOME}/.ssh/id_ed25519`)).toBe(false);
  });

  it('reaches no network and no socket, sees and ends no process but its own, and sends no events to programs', async () => {
    const { text } = await profile();
    const { allowed } = readProfile(text);
    expect([...allowed].filter((each) => each.startsWith('network'))).toEqual([]);
    expect(text).not.toContain('AF_UNIX');
    expect(text).not.toContain('procargs');
    for (const operation of [
      'appleevent-send',
      'lsopen',
      'file-read*x',
      'process*',
      'job-creation',
      'system*',
    ])
      expect(allowed.has(operation), operation).toBe(false);
    for (const line of [
      '(allow signal (target same-sandbox))',
      '(allow process-info* (target same-sandbox))',
    ])
      expect(text).toContain(line);
    expect(text.match(/\(allow (?:signal|process-info)/g)).toHaveLength(2);
  });

  it('starts no proxy, and names no command in the log of the system', async () => {
    const { command, text } = await profile();
    expect(command).not.toMatch(/proxy/i);
    expect(text).not.toContain(Buffer.from('exec /usr/bin/true').toString('base64'));
  });

  it('only shows the worktree to who may only look', async () => {
    const { allows } = readProfile((await profile({ readOnly: true })).text);
    expect(allows('file-read-data', `${WORKTREE}/a.ts`)).toBe(true);
    expect(allows('file-write-data', `${WORKTREE}/a.ts`)).toBe(false);
    expect(allows('file-write-data', `${OWN_HOME}/x`)).toBe(true);
  });

  it('takes paths for names, whatever characters they hold', async () => {
    const odd = { ...PLACE, worktree: `${HOME}/a*b/[x]/"q"/run_1` };
    const config = await runtimeConfig(odd, NO_EXTRAS, [NODE], 'darwin');
    const [, text = ''] = /-p '([\s\S]*)' \/bin\/sh -c '/.exec(await commandOnMac(config)) ?? [];
    const { allows } = readProfile(text);
    expect(allows('file-write-data', `${odd.worktree}/a.ts`)).toBe(true);
    expect(allows('file-write-data', `${HOME}/aXb/x/"q"/run_1/a.ts`)).toBe(false);
    expect(allows('file-write-data', `${odd.worktree}/.git`)).toBe(false);
  });
});

describe('a repository in it', () => {
  it('shows its configuration only where nothing in it could be a login', async () => {
    const plain = '[core]\n\tbare = false\n[user]\n\temail = ada@example.com\n';
    const shown = [
      plain,
      `${plain}[remote "origin"]\n\turl = git@git.example.com:ada/web.git\n`,
      `${plain}[remote "origin"]\n\turl = ssh://git@git.example.com/ada/web.git\n`,
      `${plain}[remote "origin"]\n\turl = https://git.example.com/ada/web.git\n`,
    ];
    const hidden = [
      '[remote "origin"]\n\turl = https://token@git.example.com/a/b\n',
      '[remote "origin"]\n\turl = https://ada:word@git.example.com/a/b\n',
      '[remote "origin"]\n\turl = ssh://ada:word@git.example.com/a/b\n',
      '[http]\n\textraHeader = Authorization: basic QUJD\n',
      '[include]\n\tpath = ../other\n',
      '[credential]\n\thelper = store\n',
      '[http]\n\tproxy = http://here\n',
      '[sendemail]\n\tsmtppass = word\n',
    ];
    for (const text of shown) expect(mayBeShown(text), text).toBe(true);
    for (const text of hidden) expect(mayBeShown(text), text).toBe(false);
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'baton-shown-')));
    const place = { ...PLACE, common: folder };
    try {
      expect(await shownRepository(place)).toEqual([]);
      await mkdir(join(folder, 'objects'));
      await writeFile(join(folder, 'config'), plain);
      expect(await shownRepository(place)).toContain(join(folder, 'config'));
      await writeFile(join(folder, 'config'), hidden[0] ?? '');
      const named = await shownRepository(place);
      expect(named).not.toContain(join(folder, 'config'));
      expect(named).toContain(join(folder, 'objects'));
      expect(named).not.toContain(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
