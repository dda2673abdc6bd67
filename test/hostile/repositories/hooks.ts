import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ground, withRemote } from './ground.ts';
import { runs, type Trap } from './trap.ts';

/** What a person does with plain git, by the hook it sets off. */
const DEEDS: Record<string, (place: Ground) => void> = {
  'pre-commit': (place) => place.try('commit', '--allow-empty', '-m', 'x'),
  'prepare-commit-msg': (place) => place.try('commit', '--allow-empty', '-m', 'x'),
  'commit-msg': (place) => place.try('commit', '--allow-empty', '-m', 'x'),
  'post-commit': (place) => place.try('commit', '--allow-empty', '-m', 'x'),
  'post-checkout': (place) => place.try('checkout', '-q', '-b', 'other'),
  'post-index-change': (place) => {
    place.put('index.txt', 'x\n');
    place.try('add', 'index.txt');
  },
  'reference-transaction': (place) => place.try('branch', 'guard'),
  'pre-rebase': (place) => {
    aside(place);
    place.try('rebase', 'side');
  },
  'post-rewrite': (place) => place.try('commit', '--amend', '--allow-empty', '-m', 'y'),
  'post-merge': (place) => {
    aside(place);
    place.try('merge', '--no-edit', 'side');
  },
  'pre-merge-commit': (place) => {
    aside(place);
    place.put('main.txt', 'x\n');
    place.commit();
    place.try('merge', '--no-edit', 'side');
  },
  'pre-auto-gc': (place) => {
    // Git guesses from one folder how many loose objects there are.
    for (let i = 0; i < 9; i += 1) place.put(`.git/objects/17/${String(i).repeat(38)}`, '');
    place.try('-c', 'gc.auto=1', '-c', 'gc.autoDetach=false', 'gc', '--auto');
  },
  'applypatch-msg': mailed,
  'pre-applypatch': mailed,
  'post-applypatch': mailed,
  'pre-push': (place) => {
    withRemote(place);
    place.try('push', place.remote, 'HEAD:refs/heads/pushed');
  },
};

/** A branch `side` one commit ahead. */
function aside(place: Ground): void {
  place.git('checkout', '-q', '-b', 'side');
  place.put('side.txt', 'x\n');
  place.commit();
  place.git('checkout', '-q', 'main');
}

function mailed(place: Ground): void {
  place.put('mail.txt', 'x\n');
  place.commit('mailed');
  const patch = join(place.root, 'mailed.patch');
  writeFileSync(patch, `${place.git('format-patch', '-1', '--stdout')}\n\n`);
  place.git('reset', '-q', '--hard', 'HEAD~1');
  place.try('am', patch);
}

const local: Trap[] = Object.entries(DEEDS).map(([name, fires]) =>
  runs(`hook ${name}`, (place) => place.hook(name), fires),
);

/** Hooks of a bare repository on this machine that a remote points to. */
const atTheOtherEnd: Trap[] = [
  'pre-receive',
  'update',
  'post-receive',
  'post-update',
  'reference-transaction',
].map((name) =>
  runs(
    `hook ${name} of the remote`,
    (place) => {
      withRemote(place);
      mkdirSync(join(place.remote, 'hooks'), { recursive: true });
      const hook = join(place.remote, 'hooks', name);
      writeFileSync(hook, `#!/bin/sh\nexec '${place.canary}' ${name} < /dev/null\n`);
      chmodSync(hook, 0o755);
      place.git('remote', 'add', 'origin', place.remote);
    },
    (place) => {
      place.try('push', 'origin', 'HEAD:refs/heads/guard');
      execFileSync('git', ['--git-dir', place.remote, 'update-ref', '-d', 'refs/heads/guard']);
    },
  ),
);

const elsewhere: Trap[] = [
  runs(
    'core.hooksPath',
    (place) => {
      const folder = join(place.root, 'hooks');
      mkdirSync(folder);
      for (const name of ['post-checkout', 'reference-transaction', 'pre-commit', 'post-index-change'])
        writeFileSync(join(folder, name), `#!/bin/sh\nexec '${place.canary}' ${name} < /dev/null\n`, {
          mode: 0o755,
        });
      place.config('core.hooksPath', folder);
    },
    (place) => place.try('branch', 'guard'),
  ),
  runs(
    'core.hooksPath within the worktree',
    (place) => {
      place.put('.husky/reference-transaction', `#!/bin/sh\nexec '${place.canary}' < /dev/null\n`);
      chmodSync(join(place.repository, '.husky/reference-transaction'), 0o755);
      place.commit();
      place.config('core.hooksPath', '.husky');
    },
    (place) => place.try('branch', 'guard'),
  ),
];

export const hooks: readonly Trap[] = [...local, ...atTheOtherEnd, ...elsewhere];
