import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BranchWork } from '../../src/domain/cleaning.ts';
import { createCleaner } from '../../src/workspace/cleaning.ts';
import { AT, type Bench, bench, git } from './support.ts';

const DAY = 86_400_000;
const AFTER = 14 * DAY;
const NOW = AT + 100 * DAY;

/** What became of a branch after its run. */
const fates = [
  'nothing',
  'pushed',
  'pushed in part',
  'pushed, and gone from the remote',
  'pushed, and gone on with elsewhere',
  'merged',
  'merged at the remote, and fetched',
  'squashed',
  'squashed and taken back',
  'merged into another branch of Baton',
  'merged into a feature',
  'deleted',
  'deleted after it was merged',
] as const;
interface Made {
  readonly fate: (typeof fates)[number];
  readonly daysAgo: number | null;
  readonly personWentOn: boolean;
  readonly checkedOut: boolean;
  readonly loser: boolean;
  readonly lost: boolean;
}

const made: fc.Arbitrary<Omit<Made, 'fate'>> = fc.record({
  daysAgo: fc.constantFrom(null, 0, 5, 13, 14, 30),
  personWentOn: fc.boolean(),
  checkedOut: fc.boolean(),
  loser: fc.boolean(),
  lost: fc.boolean(),
});

/** Git by its plumbing, in a repository; no worktree is needed. */
function plumbing(repository: string) {
  const run = (input: string, env: Record<string, string>, ...args: string[]): string =>
    execFileSync('git', ['-C', repository, ...args], {
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: repository, GIT_CONFIG_NOSYSTEM: '1', ...env },
    }).trim();
  return {
    /** A commit on another that adds a file; by Baton or by a person. */
    commit(parents: readonly string[], name: string, who: 'baton' | 'alice', daysAgo: number): string {
      const blob = run(`${name}\n`, {}, 'hash-object', '-w', '--stdin');
      const tree = run(
        `${git(repository, 'ls-tree', parents[0] ?? '')}\n100644 blob ${blob}\t${name}\n`.replace(/^\n/, ''),
        {},
        'mktree',
      );
      return this.of(tree, parents, who, daysAgo);
    },
    of(tree: string, parents: readonly string[], who: 'baton' | 'alice', daysAgo: number): string {
      const date = `@${(NOW - daysAgo * DAY) / 1_000} +0000`;
      const email = who === 'baton' ? 'baton@localhost' : 'alice@example.com';
      return run(
        'm\n',
        {
          GIT_AUTHOR_NAME: who,
          GIT_AUTHOR_EMAIL: email,
          GIT_COMMITTER_NAME: who,
          GIT_COMMITTER_EMAIL: email,
          GIT_AUTHOR_DATE: date,
          GIT_COMMITTER_DATE: date,
        },
        'commit-tree',
        ...parents.flatMap((parent) => ['-p', parent]),
        tree,
      );
    },
    ref: (name: string, commit: string) => git(repository, 'update-ref', name, commit),
    tree: (of: string) => git(repository, 'rev-parse', `${of}^{tree}`),
    /** The tree of a merge, which here is always a clean one. */
    merged: (one: string, other: string) => git(repository, 'merge-tree', '--write-tree', one, other),
  };
}

async function world(place: Bench, made: readonly Made[]): Promise<{ works: BranchWork[]; remote: string }> {
  const { repository } = place;
  const remote = join(place.root, 'remote.git');
  git(place.root, 'clone', '-q', '--bare', repository, remote);
  git(repository, 'remote', 'add', 'origin', `file://${remote}`);
  git(repository, 'checkout', '-q', '--detach');
  git(repository, 'checkout', '-q', 'main');
  const make = plumbing(repository);
  const base = place.head();
  const atRemote: string[] = [];
  const works = made.map((each, n): BranchWork => {
    const { fate, personWentOn, loser, lost } = each;
    const branch = `baton/work-${n}`;
    const run = `run_${n}`;
    const days = each.daysAgo ?? 0;
    const early = make.commit([base], `early-${n}`, 'baton', days + 2);
    const own = make.of(
      make.tree(make.commit([early], `work-${n}`, 'baton', days + 1)),
      [base],
      'baton',
      days,
    );
    const tip = personWentOn ? make.commit([own], `person-${n}`, 'alice', days) : own;
    make.ref(`refs/heads/${branch}`, tip);
    make.ref(`refs/baton/snap/${run}/early`, early);
    make.ref(`refs/baton/snap/${run}/end`, own);
    if (loser) make.ref(`refs/baton/tip/${run}.b`, make.commit([base], `loser-${n}`, 'baton', days));
    if (lost) make.ref(`refs/baton/lost/${run}/x`, make.commit([own], `lost-${n}`, 'baton', days));
    const push = (commit: string, to = branch): void => {
      git(repository, 'push', '-q', remote, `+${commit}:refs/heads/${to}`);
    };
    const ontoMain = (tree: string, parents: readonly string[]): void =>
      void make.ref('refs/heads/main', make.of(tree, parents, 'alice', 0));
    const main = git(repository, 'rev-parse', 'main');
    switch (fate) {
      case 'nothing':
        break;
      case 'pushed':
        push(tip);
        break;
      case 'pushed in part':
        push(personWentOn ? own : base);
        break;
      case 'pushed, and gone from the remote':
        // The repository still believes it to be there, until it is told.
        push(tip);
        git(remote, 'update-ref', '-d', `refs/heads/${branch}`);
        break;
      case 'pushed, and gone on with elsewhere':
        push(tip);
        atRemote.push(branch);
        break;
      case 'merged':
        ontoMain(make.merged(main, tip), [main, tip]);
        break;
      case 'merged at the remote, and fetched':
        make.ref('refs/remotes/origin/main', make.of(make.merged(base, tip), [base, tip], 'alice', 0));
        break;
      case 'squashed':
        ontoMain(make.merged(main, tip), [main]);
        break;
      case 'squashed and taken back': {
        const squashed = make.of(make.merged(main, tip), [main], 'alice', 0);
        ontoMain(make.tree(main), [squashed]);
        break;
      }
      case 'merged into another branch of Baton':
        make.ref(`refs/heads/baton/other-${n}`, make.of(make.merged(base, tip), [base, tip], 'baton', 0));
        break;
      case 'merged into a feature':
        make.ref(`refs/heads/feature-${n}`, make.of(make.merged(base, tip), [base, tip], 'alice', 0));
        break;
      case 'deleted':
      case 'deleted after it was merged':
        if (fate !== 'deleted') ontoMain(make.merged(main, tip), [main, tip]);
        git(repository, 'update-ref', '-d', `refs/heads/${branch}`);
        break;
      default:
        fate satisfies never;
    }
    if (each.checkedOut && !fate.startsWith('deleted'))
      git(repository, 'worktree', 'add', '-q', '--no-checkout', join(place.root, `out-${n}`), branch);
    const endedAt = each.daysAgo === null ? null : NOW - each.daysAgo * DAY;
    return { location: repository, branch, runIds: [run], endedAt };
  });
  const away = plumbing(remote);
  for (const branch of atRemote)
    away.ref(
      `refs/heads/${branch}`,
      away.commit([git(remote, 'rev-parse', branch)], `elsewhere-${branch.slice(-1)}`, 'alice', 0),
    );
  return { works, remote };
}

/** Every content that any ref of a repository leads to. */
function contents(repository: string): Set<string> {
  const lines = git(repository, 'rev-list', '--objects', '--all').split('\n');
  return new Set(lines.map((line) => line.split(' ')[0] ?? ''));
}

function refsOf(repository: string): Map<string, string> {
  const lines = git(repository, 'for-each-ref', '--format=%(refname) %(objectname)').split('\n');
  return new Map(lines.map((line): [string, string] => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
}

/** The files of a commit: what must not be lost. */
function files(repository: string, commit: string): string[] {
  return git(repository, 'ls-tree', '-r', '--object-only', commit).split('\n');
}

const FIXED: readonly Made[] = [
  { fate: 'merged', daysAgo: 0, personWentOn: false, checkedOut: false, loser: false, lost: false },
  { fate: 'pushed', daysAgo: 14, personWentOn: false, checkedOut: false, loser: true, lost: true },
  { fate: 'pushed', daysAgo: 13, personWentOn: false, checkedOut: false, loser: false, lost: false },
  { fate: 'nothing', daysAgo: 30, personWentOn: false, checkedOut: false, loser: false, lost: false },
  { fate: 'squashed', daysAgo: null, personWentOn: false, checkedOut: false, loser: false, lost: false },
  { fate: 'squashed', daysAgo: 1, personWentOn: false, checkedOut: true, loser: false, lost: false },
  { fate: 'merged', daysAgo: 1, personWentOn: true, checkedOut: false, loser: false, lost: false },
];

describe('tidying up after random work', () => {
  it('takes away nothing that exists nowhere else, whenever it is killed', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(...fates.map((fate) => made.map((rest): Made => ({ ...rest, fate })))),
        fc.nat({ max: 60 }),
        async (random, killedAfter) => {
          await using place = await bench({ 'README.md': 'hello\n' });
          const all = [...FIXED, ...random];
          const { works, remote } = await world(place, all);
          const { repository } = place;
          const before = refsOf(repository);
          const cleaner = () => createCleaner({ home: place.home, github: null });
          const planned = await cleaner().look(works, NOW, AFTER);
          expect(refsOf(repository)).toEqual(before);
          // Killed somewhere on the way: what had gone by then, then a new process that looks anew.
          let left = killedAfter;
          for (const plan of planned) {
            await cleaner().remove({ ...plan, remove: plan.remove.slice(0, left) });
            left = Math.max(0, left - plan.remove.length);
          }
          for (const plan of await cleaner().look(works, NOW, AFTER)) await cleaner().remove(plan);

          const after = refsOf(repository);
          const here = contents(repository);
          const there = contents(remote);
          const gone = [...before].filter(([ref]) => !after.has(ref));
          for (const [ref, commit] of after) expect(before.get(ref)).toBe(commit);
          for (const [ref, commit] of gone) {
            const n = Number(/(?:work-|run_)(\d+)/.exec(ref)?.[1]);
            const { daysAgo, checkedOut } = all[n] ?? { daysAgo: null, checkedOut: true };
            expect(ref).toMatch(/^refs\/(?:heads\/baton\/work-|baton\/)/);
            expect(daysAgo, ref).not.toBeNull();
            if (!(all[n]?.fate ?? '').startsWith('deleted')) expect(checkedOut, ref).toBe(false);
            for (const file of files(repository, commit))
              expect(here.has(file) || there.has(file), `${ref} of ${all[n]?.fate}`).toBe(true);
          }
          // What is sure to go, and to stay: else nothing of this would say anything.
          const names = FIXED.map((_, n) => [
            after.has(`refs/heads/baton/work-${n}`),
            after.has(`refs/baton/snap/run_${n}/end`),
          ]);
          expect(names).toEqual([
            [false, false],
            [false, false],
            [true, true],
            [true, true],
            [true, true],
            [true, true],
            [true, true],
          ]);
          expect(after.has('refs/baton/tip/run_1.b')).toBe(true);
          expect(after.has('refs/baton/lost/run_1/x')).toBe(true);
        },
      ),
      { numRuns: 3, endOnFailure: true },
    );
  });
});
