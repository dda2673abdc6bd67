import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Ground, withRemote } from './ground.ts';
import { shape, type Trap } from './trap.ts';

function must(holds: boolean): void {
  if (!holds) throw new Error('the repository has not got its shape');
}

const inGit = (place: Ground, path: string) => join(place.repository, '.git', path);

/** A tree with entries that no file system would give: made of objects, not of files. */
function tree(place: Ground, entries: readonly (readonly [mode: string, name: string])[]): void {
  const blob = place.git('rev-parse', 'HEAD:README.md');
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', GIT_CONFIG_GLOBAL: '/dev/null', HOME: place.root };
  const input = Buffer.concat(entries.map(([mode, name]) => Buffer.from(`${mode} blob ${blob}\t${name}\0`)));
  const made = execFileSync('git', ['mktree', '-z'], { cwd: place.repository, env, input }).toString().trim();
  const commit = place.git('commit-tree', '-m', 'odd', '-p', 'HEAD', made);
  place.git('update-ref', 'refs/heads/main', commit);
}

const names = (place: Ground) => place.git('-c', 'core.quotePath=false', 'ls-files', '-z');

const states: Trap[] = [
  shape(
    'no commits',
    (place) => {
      rmSync(inGit(place, ''), { recursive: true });
      place.git('init', '-q', '--template=');
    },
    (place) => must(!execTells(place, 'rev-parse', '--verify', '-q', 'HEAD')),
    { refused: /no commit/i },
  ),
  shape(
    'detached head',
    (place) => void place.git('checkout', '-q', '--detach'),
    (place) => must(!execTells(place, 'symbolic-ref', '-q', 'HEAD')),
  ),
  shape(
    'bare',
    (place) => {
      const bare = join(place.root, 'bare');
      execFileSync('git', ['clone', '-q', '--bare', '--template=', place.repository, bare]);
      rmSync(place.repository, { recursive: true });
      execFileSync('mv', [bare, place.repository]);
    },
    (place) => must(place.git('rev-parse', '--is-bare-repository') === 'true'),
    { refused: /bare repository/ },
  ),
  shape(
    'shallow',
    (place) => {
      place.commit('second');
      withRemote(place);
      rmSync(place.repository, { recursive: true });
      const from = `file://${place.remote}`;
      execFileSync('git', ['clone', '-q', '--depth=1', '--template=', from, place.repository], {
        stdio: 'ignore',
      });
    },
    (place) => must(place.git('rev-parse', '--is-shallow-repository') === 'true'),
  ),
  shape(
    'sparse, its index too',
    (place) => {
      place.put('docs/x.md', 'x\n');
      place.commit();
      place.git('sparse-checkout', 'set', '--cone', '--sparse-index', 'src');
    },
    (place) => must(place.git('config', 'core.sparseCheckout') === 'true'),
  ),
  shape(
    'not a repository',
    (place) => rmSync(inGit(place, ''), { recursive: true }),
    (place) => must(!execTells(place, 'rev-parse', '--git-dir')),
    { refused: /not a git repository/ },
  ),
  shape(
    'configuration that cannot be read',
    (place) => writeFileSync(inGit(place, 'config'), '[core\nnonsense = = \n'),
    (place) => must(!execTells(place, 'status')),
    { refused: /configuration|not a git repository/ },
  ),
  shape(
    'HEAD at a branch that is not there, others are',
    (place) => void place.git('symbolic-ref', 'HEAD', 'refs/heads/nowhere'),
    (place) => must(!execTells(place, 'rev-parse', '--verify', '-q', 'HEAD')),
    { refused: /no commit/i },
  ),
];

const history: Trap[] = [
  shape(
    'objects borrowed from another repository',
    (place) => {
      withRemote(place);
      mkdirSync(inGit(place, 'objects/info'), { recursive: true });
      writeFileSync(inGit(place, 'objects/info/alternates'), `${join(place.remote, 'objects')}\n`);
      for (const part of readdirObjects(place)) rmSync(inGit(place, `objects/${part}`), { recursive: true });
    },
    (place) => must(readdirObjects(place).length === 0 && execTells(place, 'cat-file', '-e', 'HEAD')),
  ),
  shape(
    'replaced commit',
    (place) => {
      const evil = place.git(
        'commit-tree',
        '-m',
        'replaced',
        place.git('hash-object', '-t', 'tree', '/dev/null', '-w'),
      );
      place.git('replace', place.git('rev-parse', 'HEAD'), evil);
    },
    (place) => must(place.git('log', '-1', '--format=%s') === 'replaced'),
  ),
  shape(
    'grafts',
    (place) => {
      const head = place.commit('second');
      writeFileSync(inGit(place, 'info-grafts'), '');
      mkdirSync(inGit(place, 'info'), { recursive: true });
      writeFileSync(inGit(place, 'info/grafts'), `${head}\n`);
    },
    (place) => must(place.git('rev-list', '--count', 'HEAD') === '1'),
  ),
  shape(
    'refs with odd names',
    (place) => {
      for (const name of ['-x', 'a b'.replace(' ', '\u00a0'), '\u202eevil', '$(id)', "it's", 'ünïcode'])
        place.git('update-ref', `refs/heads/odd/${name}`, 'HEAD');
      place.git('symbolic-ref', 'HEAD', 'refs/heads/odd/$(id)');
    },
    (place) => must(place.git('symbolic-ref', 'HEAD').endsWith('$(id)')),
  ),
  shape(
    'refs packed, and a link for the file of them',
    (place) => {
      place.git('pack-refs', '--all');
      const kept = join(place.root, 'packed');
      writeFileSync(kept, readFileSync(inGit(place, 'packed-refs')));
      rmSync(inGit(place, 'packed-refs'));
      symlinkSync(kept, inGit(place, 'packed-refs'));
    },
    (place) => must(execTells(place, 'rev-parse', '--verify', '-q', 'HEAD')),
  ),
  shape(
    'a branch named baton',
    (place) => void place.git('branch', 'baton'),
    (place) => must(execTells(place, 'rev-parse', '-q', '--verify', 'refs/heads/baton')),
    { refused: /branch_taken/ },
  ),
];

const files: Trap[] = [
  shape(
    'huge file, all holes',
    (place) => {
      const handle = openSync(join(place.repository, 'huge.bin'), 'w');
      ftruncateSync(handle, 80 * 1024 * 1024);
      closeSync(handle);
      place.git('add', 'huge.bin');
      place.git('commit', '-q', '-m', 'huge');
    },
    (place) => must(Number(place.git('cat-file', '-s', 'HEAD:huge.bin')) > 50_000_000),
  ),
  shape(
    'binary files named as text',
    (place) => {
      place.put('src/binary.js', Buffer.from(Array.from({ length: 4096 }, (_, i) => i % 256)));
      place.commit();
    },
    (place) => must(place.git('ls-files', '--eol', 'src/binary.js').includes('i/-text')),
  ),
  shape(
    'names with line ends, tabs and quotes',
    (place) => {
      for (const name of [
        'a\nb.txt',
        'tab\t.txt',
        '"quoted".txt',
        ' space ',
        '-x',
        '--help',
        ':(glob)*',
        '*',
      ])
        place.put(name, 'x\n');
      place.commit();
    },
    (place) => must(names(place).includes('a\nb.txt')),
  ),
  shape(
    'names that turn text round or hide in it',
    (place) => {
      for (const name of ['evil\u202etxt.js', 'zero\u200bwidth.js', 'a\u2066b.md']) place.put(name, 'x\n');
      place.commit();
    },
    (place) => must(names(place).includes('\u202e')),
  ),
  shape(
    'names that are no UTF-8',
    (place) => {
      writeFileSync(
        Buffer.concat([Buffer.from(`${place.repository}/`), Buffer.from([0xff, 0xfe, 0x2e, 0x6a])]),
        'x',
      );
      place.commit();
    },
    (place) => must(names(place).includes('\ufffd')),
  ),
  shape(
    'names that differ by case alone',
    (place) => {
      for (const name of ['Readme.md', 'README.MD', 'SRC/a.js', 'Src/A.js']) place.put(name, `${name}\n`);
      place.commit();
    },
    (place) => must(names(place).includes('SRC/a.js') && names(place).includes('src/a.js')),
  ),
  shape(
    'links out of the repository, for files and folders',
    (place) => {
      writeFileSync(join(place.root, 'outside.txt'), 'OUTSIDE\n');
      symlinkSync(join(place.root, 'outside.txt'), join(place.repository, 'out.txt'));
      symlinkSync('../..', join(place.repository, 'up'));
      symlinkSync('.git', join(place.repository, 'inner'));
      symlinkSync('loop', join(place.repository, 'loop'));
      place.commit();
    },
    (place) => must(readFileSync(join(place.repository, 'out.txt'), 'utf8') === 'OUTSIDE\n'),
  ),
  shape(
    '.gitattributes and .gitignore as links out',
    (place) => {
      writeFileSync(join(place.root, 'attributes'), '* filter=evil\n');
      symlinkSync(join(place.root, 'attributes'), join(place.repository, '.gitattributes'));
      symlinkSync('/dev/zero', join(place.repository, '.gitignore'));
      place.git('add', '-f', '.gitattributes');
      place.git('commit', '-q', '-m', 'links');
    },
    (place) => must(place.git('ls-files', '-s', '.gitattributes').startsWith('120000')),
  ),
  shape(
    'folders nested a hundred deep',
    (place) => {
      place.put(`${Array.from({ length: 100 }, (_, i) => `d${i}`).join('/')}/end.txt`, 'x\n');
      place.commit();
    },
    (place) => must(names(place).includes('d99/end.txt')),
  ),
  shape(
    'a tree with .git, backslashes and colons in it',
    (place) =>
      tree(place, [
        ['100644', 'a\\b'],
        ['100644', 'c:d'],
        ['100755', 'con'],
        ['100644', '...'],
      ]),
    (place) => must(place.git('ls-tree', 'HEAD').includes('a\\\\b')),
  ),
  shape(
    'a tree that holds .git',
    (place) => tree(place, [['100644', '.GIT ']]),
    (place) => must(place.git('ls-tree', 'HEAD').includes('.GIT')),
    { refused: /invalid path/ },
  ),
  shape(
    'pipes and devices among the files',
    (place) => {
      execFileSync('mkfifo', [join(place.repository, 'pipe'), join(place.repository, 'src/pipe.js')]);
    },
    (place) => must(!names(place).includes('pipe')),
  ),
  shape(
    'core.worktree elsewhere',
    (place) => {
      mkdirSync(join(place.root, 'elsewhere'));
      place.config('core.worktree', join(place.root, 'elsewhere'));
    },
    (place) => must(place.git('rev-parse', '--show-toplevel').endsWith('/elsewhere')),
    { refused: /./ },
  ),
];

function readdirObjects(place: Ground): string[] {
  return execFileSync('ls', [inGit(place, 'objects')], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => /^[0-9a-f]{2}$|^pack$/.test(name));
}

/** Whether plain git says yes. */
function execTells(place: Ground, ...args: string[]): boolean {
  try {
    place.git(...args);
    return true;
  } catch {
    return false;
  }
}

export const shapes: readonly Trap[] = [...states, ...history, ...files];
