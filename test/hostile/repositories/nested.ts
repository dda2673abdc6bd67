import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ground, withRemote } from './ground.ts';
import { runs, type Trap } from './trap.ts';

const monitor = (place: Ground) => `[core]\n\tfsmonitor = ${place.canary}\n\thooksPath = ${place.root}\n`;

/** A repository of somebody else's making within the worktree, with a program in its configuration. */
function nested(place: Ground, folder: string): void {
  mkdirSync(join(place.repository, folder), { recursive: true });
  const inner = ['-C', folder];
  place.git(...inner, 'init', '-q', '--template=');
  place.put(`${folder}/x.txt`, 'x\n');
  place.git(...inner, 'add', '-A');
  place.git(...inner, 'commit', '-q', '-m', 'x');
  place.git(...inner, 'config', 'core.fsmonitor', place.canary);
}

/** Repositories within, beside and around the one that is asked for. */
export const nests: readonly Trap[] = [
  runs(
    'nested repository with a monitor',
    (place) => nested(place, 'vendor'),
    (place) => place.try('-C', 'vendor', 'status'),
  ),
  runs(
    'submodule with a monitor',
    (place) => {
      nested(place, 'vendor');
      place.put('.gitmodules', '[submodule "vendor"]\n\tpath = vendor\n\turl = ./vendor\n');
      place.git('-c', 'core.fsmonitor=false', 'add', '.gitmodules');
      const head = place.git('-C', 'vendor', 'rev-parse', 'HEAD');
      place.git('update-index', '--add', '--cacheinfo', `160000,${head},vendor`);
      place.git('commit', '-q', '--no-verify', '-m', 'submodule');
    },
    (place) => place.try('status'),
  ),
  runs(
    'submodule whose update is a command',
    (place) => {
      withRemote(place);
      place.put('.gitmodules', `[submodule "v"]\n\tpath = v\n\turl = file://${place.remote}\n`);
      place.git('add', '.gitmodules');
      place.git('update-index', '--add', '--cacheinfo', `160000,${place.git('rev-parse', 'HEAD')},v`);
      place.git('commit', '-q', '-m', 'submodule');
      place.config('submodule.v.url', `file://${place.remote}`);
      place.config('submodule.v.update', `!'${place.canary}' update`);
      place.config('submodule.recurse', 'true');
    },
    (place) => place.try('-c', 'protocol.file.allow=always', 'submodule', 'update', '--init'),
  ),
  runs(
    'submodule whose address runs a program',
    (place) => {
      place.put('.gitmodules', `[submodule "v"]\n\tpath = v\n\turl = ext::${place.mute} sub\n`);
      place.git('add', '.gitmodules');
      place.git('update-index', '--add', '--cacheinfo', `160000,${place.git('rev-parse', 'HEAD')},v`);
      place.git('commit', '-q', '-m', 'submodule');
      place.config('protocol.ext.allow', 'always');
      place.config('submodule.v.url', `ext::${place.mute} sub`);
      place.config('fetch.recurseSubmodules', 'true');
    },
    (place) => place.try('ls-remote', place.git('config', 'submodule.v.url')),
  ),
  runs(
    'bare repository in a folder',
    (place) => {
      for (const part of ['objects/.keep', 'refs/.keep']) place.put(`docs/${part}`, '');
      place.put('docs/HEAD', 'ref: refs/heads/main\n');
      place.put(
        'docs/config',
        `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ..\n\tfsmonitor = ${place.canary}\n`,
      );
      place.commit('docs');
    },
    (place) => place.try('-C', 'docs', 'status'),
  ),
  runs(
    '.git as a file that leads to a folder with a monitor',
    (place) => {
      renameSync(join(place.repository, '.git'), join(place.root, 'elsewhere'));
      writeFileSync(join(place.repository, '.git'), `gitdir: ${join(place.root, 'elsewhere')}\n`);
      writeFileSync(
        join(place.root, 'elsewhere/config'),
        `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfsmonitor = ${place.canary}\n`,
      );
    },
    (place) => place.try('status'),
  ),
  runs(
    'included file with a monitor',
    (place) => {
      writeFileSync(join(place.root, 'included'), monitor(place));
      place.config('include.path', join(place.root, 'included'));
    },
    (place) => place.try('status'),
  ),
  runs(
    'file included by the folder’s name',
    (place) => {
      writeFileSync(join(place.root, 'included'), monitor(place));
      place.config('includeIf.gitdir:**/.git.path', join(place.root, 'included'));
      place.config('includeIf.gitdir:**/.git/worktrees/**.path', join(place.root, 'included'));
    },
    (place) => place.try('status'),
  ),
];
