import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ground, withRemote } from './ground.ts';
import { runs, type Trap } from './trap.ts';

/** A changed file that git has to look at: its time alone does not tell. */
function touch(place: Ground): void {
  place.put('src/a.js', `one\ntwo\nchanged ${process.hrtime.bigint()}\n`);
}

function attributes(place: Ground, line: string): void {
  place.put('.gitattributes', `${line}\n`);
  place.commit('attributes');
}

/** Two branches that changed the same line. */
function apart(place: Ground): void {
  place.git('checkout', '-q', '-b', 'side');
  place.put('src/a.js', 'one\nside\nthree\n');
  place.commit();
  place.git('checkout', '-q', 'main');
  place.put('src/a.js', 'one\nmain\nthree\n');
  place.commit();
}

const filters: Trap[] = [
  runs(
    'filter clean',
    (place) => {
      attributes(place, '* filter=evil');
      place.config('filter.evil.clean', place.canary);
    },
    (place) => {
      touch(place);
      place.try('add', 'src/a.js');
    },
  ),
  runs(
    'filter smudge',
    (place) => {
      attributes(place, '* filter=evil');
      place.config('filter.evil.smudge', place.canary);
      place.config('filter.evil.required', 'true');
    },
    (place) => {
      rmSync(join(place.repository, 'src/a.js'));
      place.try('checkout', '--', 'src/a.js');
    },
  ),
  runs(
    'filter process',
    (place) => {
      attributes(place, '* filter=evil');
      place.config('filter.evil.process', `'${place.canary}' process < /dev/null`);
    },
    (place) => {
      touch(place);
      place.try('add', 'src/a.js');
    },
  ),
  runs(
    'filter by info/attributes, its name with a dot and an equals sign',
    (place) => {
      mkdirSync(join(place.repository, '.git/info'), { recursive: true });
      writeFileSync(join(place.repository, '.git/info/attributes'), '* filter=a=b.c\n');
      place.config('filter.a=b.c.clean', place.canary);
    },
    (place) => {
      touch(place);
      place.try('add', 'src/a.js');
    },
  ),
  runs(
    'filter by core.attributesFile',
    (place) => {
      writeFileSync(join(place.root, 'attributes'), '* filter=evil\n');
      place.config('core.attributesFile', join(place.root, 'attributes'));
      place.config('filter.evil.clean', place.canary);
    },
    (place) => {
      touch(place);
      place.try('add', 'src/a.js');
    },
  ),
  runs(
    'filter in an included file, for Baton’s branches alone',
    (place) => {
      attributes(place, '* filter=evil');
      writeFileSync(
        join(place.root, 'included'),
        `[filter "evil"]\n\tclean = ${place.canary}\n\tsmudge = ${place.canary}\n`,
      );
      place.config('includeIf.onbranch:baton/**.path', join(place.root, 'included'));
    },
    (place) => {
      place.git('checkout', '-q', '-b', 'baton/guard');
      touch(place);
      place.try('add', 'src/a.js');
      place.reset();
      touch(place);
      place.try('add', 'src/a.js');
      place.try('checkout', '-q', '-f', 'main');
    },
  ),
  runs(
    'filter in config.worktree',
    (place) => {
      attributes(place, '* filter=evil');
      place.config('extensions.worktreeConfig', 'true');
      place.git('config', '--worktree', 'filter.evil.clean', place.canary);
      place.git('config', '--worktree', 'core.fsmonitor', place.canary);
    },
    (place) => place.try('status'),
  ),
];

const diffs: Trap[] = [
  runs(
    'diff.external',
    (place) => place.config('diff.external', place.canary),
    (place) => {
      touch(place);
      place.try('diff');
    },
  ),
  runs(
    'diff driver',
    (place) => {
      attributes(place, '* diff=evil');
      place.config('diff.evil.command', place.canary);
    },
    (place) => {
      touch(place);
      place.try('diff');
    },
  ),
  runs(
    'textconv, kept',
    (place) => {
      attributes(place, '* diff=evil');
      place.config('diff.evil.textconv', place.canary);
      place.config('diff.evil.cachetextconv', 'true');
    },
    (place) => place.try('log', '-p'),
  ),
  runs(
    'merge driver',
    (place) => {
      attributes(place, '* merge=evil');
      place.config('merge.evil.driver', `'${place.canary}' %A %O %B < /dev/null`);
      apart(place);
    },
    (place) => {
      place.try('merge', '--no-edit', 'side');
      place.try('merge', '--abort');
    },
  ),
  runs(
    'difftool and mergetool',
    (place) => {
      place.config('diff.tool', 'evil');
      place.config('difftool.evil.cmd', place.canary);
      place.config('mergetool.evil.cmd', place.canary);
      place.config('merge.tool', 'evil');
    },
    (place) => {
      touch(place);
      place.try('difftool', '--no-prompt');
    },
  ),
];

const helpers: Trap[] = [
  runs(
    'core.fsmonitor',
    (place) => place.config('core.fsmonitor', place.canary),
    (place) => place.try('status'),
  ),
  runs(
    'core.pager',
    (place) => place.config('core.pager', place.canary),
    (place) => place.terminal('git log'),
  ),
  runs(
    'pager of one verb',
    (place) => {
      for (const verb of ['log', 'grep', 'config', 'status', 'diff-tree', 'ls-files'])
        place.config(`pager.${verb}`, place.canary);
    },
    (place) => place.terminal('git log'),
  ),
  runs(
    'core.editor',
    (place) => {
      place.config('core.editor', place.canary);
      place.config('sequence.editor', place.canary);
    },
    (place) => place.terminal('git commit --allow-empty'),
  ),
  runs(
    'gpg.program, with every signature asked for and shown',
    (place) => {
      place.config('gpg.program', place.canary);
      for (const key of ['commit.gpgSign', 'tag.gpgSign', 'log.showSignature', 'merge.verifySignatures'])
        place.config(key, 'true');
      place.config('push.gpgSign', 'if-asked');
    },
    (place) => place.try('commit', '--allow-empty', '-m', 'signed'),
  ),
  runs(
    'gpg.ssh.program',
    (place) => {
      place.config('gpg.format', 'ssh');
      place.config('gpg.ssh.program', place.canary);
      place.config('user.signingKey', 'key::ssh-ed25519 AAAA');
      place.config('commit.gpgSign', 'true');
    },
    (place) => place.try('commit', '--allow-empty', '-m', 'signed'),
  ),
  runs(
    'aliases',
    (place) => {
      for (const name of ['st', 'merge-tree', 'ls-files', 'update-index', 'worktree', 'fetch'])
        place.config(`alias.${name}`, `!'${place.canary}'`);
    },
    (place) => place.try('st'),
  ),
  runs(
    'trailer command',
    (place) => {
      place.config('trailer.evil.key', 'Evil');
      place.config('trailer.evil.ifmissing', 'add');
      place.config('trailer.evil.command', `'${place.canary}'`);
    },
    (place) => place.try('interpret-trailers', '--trailer', 'evil=1', 'README.md'),
  ),
  runs(
    'archive format',
    (place) => place.config('tar.evil.command', place.canary),
    (place) => place.try('archive', '--format=evil', 'HEAD'),
  ),
];

const remotes: Trap[] = [
  runs(
    'core.sshCommand',
    (place) => {
      place.config('core.sshCommand', `'${place.canary}' </dev/null`);
      place.config('remote.origin.url', 'ssh://git@127.0.0.1:1/a/b');
    },
    (place) => place.try('fetch', 'origin'),
  ),
  runs(
    'core.gitProxy',
    (place) => {
      place.config('core.gitProxy', place.canary);
      place.config('remote.origin.url', 'git://127.0.0.1:1/a/b');
    },
    (place) => place.try('fetch', 'origin'),
  ),
  runs(
    'credential helper',
    (place) => {
      place.config('credential.helper', `!'${place.canary}'`);
      place.config('credential.https://127.0.0.1:1.helper', `!'${place.canary}'`);
      place.config('remote.origin.url', 'https://127.0.0.1:1/a/b');
    },
    (place) => place.terminal('printf "protocol=https\\nhost=127.0.0.1:1\\n\\n" | git credential fill'),
  ),
  runs(
    'core.askPass',
    (place) => place.config('core.askPass', place.canary),
    (place) => place.terminal('printf "protocol=https\\nhost=127.0.0.1:1\\n\\n" | git credential fill'),
  ),
  runs(
    'program at the other end of a fetch',
    (place) => {
      withRemote(place);
      place.config('remote.origin.url', place.remote);
      place.config('remote.origin.uploadpack', `'${place.canary}' </dev/null`);
      place.config(`remote.file://${place.remote}.uploadpack`, `'${place.canary}' </dev/null`);
      place.config(`remote.file://${place.remote}.url`, `file://${place.remote}`);
    },
    (place) => place.try('fetch', `file://${place.remote}`),
  ),
  runs(
    'program at the other end of a push',
    (place) => {
      withRemote(place);
      place.config('remote.origin.url', place.remote);
      place.config(`remote.file://${place.remote}.receivepack`, `'${place.canary}' </dev/null`);
      place.config(`remote.file://${place.remote}.url`, `file://${place.remote}`);
    },
    (place) => place.try('push', `file://${place.remote}`, 'HEAD:refs/heads/guard'),
  ),
  runs(
    'address rewritten to one that runs a program',
    (place) => {
      withRemote(place);
      place.config('protocol.ext.allow', 'always');
      place.config(`url.ext::${place.mute} .insteadOf`, 'file://');
      place.config(`url.ext::${place.mute} push .pushInsteadOf`, 'file://');
    },
    (place) => place.try('ls-remote', `file://${place.remote}`),
  ),
  runs(
    'helper of a remote of its own kind',
    (place) => {
      withRemote(place);
      place.config(`remote.file://${place.remote}.vcs`, 'ext');
      place.config(`remote.file://${place.remote}.url`, place.mute);
      place.config('protocol.ext.allow', 'always');
    },
    (place) => place.try('fetch', `file://${place.remote}`),
  ),
  runs(
    'core.alternateRefsCommand',
    (place) => {
      withRemote(place);
      mkdirSync(join(place.repository, '.git/objects/info'), { recursive: true });
      writeFileSync(
        join(place.repository, '.git/objects/info/alternates'),
        `${join(place.remote, 'objects')}\n`,
      );
      place.config('core.alternateRefsCommand', place.canary);
    },
    (place) => place.try('fetch', `file://${place.remote}`, 'main'),
  ),
  runs(
    'missing objects that a remote is to bring',
    (place) => {
      withRemote(place);
      place.config('extensions.partialClone', 'origin');
      place.config('remote.origin.url', `file://${place.remote}`);
      place.config('remote.origin.promisor', 'true');
      place.config('remote.origin.uploadpack', `'${place.canary}' </dev/null`);
      const blob = place.git('rev-parse', 'HEAD:src/a.js');
      rmSync(join(place.repository, '.git/objects', blob.slice(0, 2), blob.slice(2)), { force: true });
    },
    (place) => place.try('cat-file', '-p', 'HEAD:src/a.js'),
    { refused: /partial clone/ },
  ),
];

export const settings: readonly Trap[] = [...filters, ...diffs, ...helpers, ...remotes];
