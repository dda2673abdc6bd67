import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BranchWork,
  branchVerdict,
  type CleaningPlan,
  type KeepReason,
  type SeenRef,
  type TipFacts,
} from '../domain/cleaning.ts';
import type { Cleaner } from '../ports/cleaning.ts';
import { type BoundGit, createGit, type Git } from './git/git.ts';
import type { GitHub } from './git/github.ts';
import { pushAddress, remoteHeads } from './git/remote.ts';
import { headOf, locate, type Repository } from './repository.ts';
import { SYSTEM_PATH } from './sandbox/bubblewrap.ts';

export interface CleanerSettings {
  readonly home: string;
  readonly searchPath?: string | undefined;
  readonly sshAuthSock?: string | undefined;
  /** A PEM file of authorities trusted beside the usual ones, for https. */
  readonly extraAuthorities?: string | undefined;
  /** Its token goes to that server alone. */
  readonly github: GitHub | null;
}

/** Where states of runs are kept: what it is that a ref holds is in the name. */
const KEPT_REFS = ['refs/baton/snap', 'refs/baton/tip', 'refs/baton/lost'];

/** Real git over the repositories of runs. */
export function createCleaner(settings: CleanerSettings): Cleaner {
  const context = async () => {
    await mkdir(join(settings.home, 'git-home'), { recursive: true });
    const home = await realpath(settings.home);
    const { searchPath: path = SYSTEM_PATH, sshAuthSock, extraAuthorities } = settings;
    return {
      home,
      git: createGit({ home: join(home, 'git-home'), path, sshAuthSock, extraAuthorities }),
    };
  };
  return {
    async look(works, now, afterMs) {
      const { git, home } = await context();
      const plans: CleaningPlan[] = [];
      for (const [location, here] of Map.groupBy(works, (work) => work.location)) {
        const located = await locate({ git, home }, location, false);
        if ('problem' in located) continue;
        const { repository } = located;
        // Where branches are pushed to is where they may be.
        const ask = async (): Promise<ReadonlyMap<string, string> | null> =>
          remoteHeads(git, home, await pushAddress(repository.git), settings.github);
        const place = await placeOf(git, repository, works, ask);
        for (const work of here) plans.push(...(await planFor(place, work, now, afterMs)));
      }
      return plans;
    },
    async remove({ work, remove }) {
      const { git, home } = await context();
      const located = await locate({ git, home }, work.location, false);
      if ('problem' in located) return;
      const { git: bound } = located.repository;
      for (const { ref, commit } of remove) {
        // Somebody moved it since it was looked at, or it went already.
        if ((await bound.resolve(ref)) !== commit) continue;
        await bound.run(['update-ref', '-d', ref, commit]);
      }
    },
  };
}

/** A repository, as far as tidying up goes. */
interface Place {
  readonly bound: BoundGit;
  readonly kept: readonly (SeenRef & { readonly owner: string; readonly at: number })[];
  /** Refs that are not Baton's own: what they hold stays when Baton's go. */
  readonly isTheirs: (ref: string) => boolean;
  /** The branch that work is merged into, here and as it was last seen at the remote. */
  readonly onto: readonly string[];
  readonly heads: () => Promise<ReadonlyMap<string, string> | null>;
}

async function placeOf(
  git: Git,
  repository: Repository,
  works: readonly BranchWork[],
  ask: () => Promise<ReadonlyMap<string, string> | null>,
): Promise<Place> {
  const bound = repository.git;
  const own = new Set(works.map(({ branch }) => branch));
  const listed = await bound.text([
    'for-each-ref',
    '--format=%(objectname) %(committerdate:unix) %(refname)',
    ...KEPT_REFS,
  ]);
  const kept = listed.split('\n').flatMap((line) => {
    const [commit = '', at = '', ref = ''] = line.split(' ');
    return ref === '' ? [] : [{ ref, commit, at: Number(at), owner: ref.split('/')[3] ?? '' }];
  });
  const { branch } = await headOf(repository, git);
  let heads: Promise<ReadonlyMap<string, string> | null> | null = null;
  return {
    bound,
    kept,
    isTheirs: (ref) => {
      const name = /^refs\/(?:heads|remotes\/[^/]+)\/(.+)$/.exec(ref)?.[1];
      return name !== undefined && !own.has(name) && !name.startsWith('baton/');
    },
    onto: branch === null || own.has(branch) ? [] : [`refs/heads/${branch}`, `refs/remotes/origin/${branch}`],
    heads: () => {
      // Once per repository, and only when the answer matters.
      heads ??= ask();
      return heads;
    },
  };
}

async function planFor(
  place: Place,
  work: BranchWork,
  now: number,
  afterMs: number,
): Promise<CleaningPlan[]> {
  const { bound, kept } = place;
  const mine = kept.filter(({ owner }) =>
    work.runIds.some((id) => owner === id || owner.startsWith(`${id}.`)),
  );
  const ref = `refs/heads/${work.branch}`;
  const tip = await bound.resolve(`${ref}^{commit}`);
  if (tip === null && mine.length === 0) return [];
  if (work.endedAt === null) return [{ work, why: null, remove: [], keep: [{ ref, why: 'open' }] }];
  if (tip === null) return [await afterTheBranch(place, work, mine, now - work.endedAt >= afterMs)];
  const verdict = branchVerdict(work, await factsOf(place, work, ref, tip), now, afterMs);
  if ('keep' in verdict) return [{ work, why: null, remove: [], keep: [{ ref, why: verdict.keep }] }];
  const { remove, keep } = await sorted(mine, (commit) => within(bound, commit, tip));
  return [{ work, why: verdict.remove, remove: [...remove, { ref, commit: tip }], keep }];
}

/** The branch went before, by a person or by an earlier tidying up: states are compared with what other branches hold. */
async function afterTheBranch(
  place: Place,
  work: BranchWork,
  mine: Place['kept'],
  isOld: boolean,
): Promise<CleaningPlan> {
  if (!isOld) return { work, why: null, remove: [], keep: mine.map(({ ref }) => ({ ref, why: 'recent' })) };
  const { remove, keep } = await sorted(mine, (commit) => isMerged(place, commit));
  return { work, why: remove.length === 0 ? null : 'merged', remove, keep };
}

/**
 * Which states may go: of the snapshots of a worktree the newest stands for all, since those before it were left behind by
 * whoever worked there; every other ref stands for itself.
 */
async function sorted(
  mine: Place['kept'],
  isElsewhere: (commit: string) => Promise<boolean>,
): Promise<{ remove: SeenRef[]; keep: { ref: string; why: KeepReason }[] }> {
  const remove: SeenRef[] = [];
  const keep: { ref: string; why: KeepReason }[] = [];
  const groups = Map.groupBy(mine, ({ ref, owner }) =>
    ref.startsWith('refs/baton/snap/') ? `snap ${owner}` : ref,
  );
  for (const group of groups.values()) {
    const newest = Math.max(...group.map(({ at }) => at));
    const last = group.filter(({ at }) => at === newest);
    const safe = (await Promise.all(last.map(({ commit }) => isElsewhere(commit)))).every(Boolean);
    if (safe) remove.push(...group.map(({ ref, commit }) => ({ ref, commit })));
    else keep.push(...last.map(({ ref }) => ({ ref, why: 'only_here' as const })));
  }
  return { remove, keep };
}

async function factsOf(place: Place, work: BranchWork, ref: string, tip: string): Promise<TipFacts> {
  const { bound } = place;
  const told = await bound.text([
    'log',
    '-1',
    '--no-show-signature',
    '--format=%ct %ce',
    '--end-of-options',
    tip,
  ]);
  const [seconds = '', email = ''] = told.split(' ');
  const worktrees = await bound.text(['worktree', 'list', '--porcelain']);
  const merged = await isMerged(place, tip);
  return {
    commit: tip,
    committedAt: Number(seconds) * 1_000,
    isOurs: email === 'baton@localhost',
    merged,
    pushed: merged ? null : await isPushed(place, work.branch, tip),
    checkedOut: worktrees.split('\n').includes(`branch ${ref}`),
  };
}

/** Whether a branch that is not Baton's holds a commit: the commit itself, or, squashed or picked, all that it changed. */
async function isMerged({ bound, isTheirs, onto }: Place, commit: string): Promise<boolean> {
  const holders = await bound.text([
    'for-each-ref',
    '--format=%(refname)',
    `--contains=${commit}`,
    'refs/heads',
    'refs/remotes',
  ]);
  if (holders.split('\n').some(isTheirs)) return true;
  for (const ref of onto) {
    const head = await bound.resolve(`${ref}^{commit}`);
    if (head !== null && (await within(bound, commit, head))) return true;
  }
  return false;
}

/** Whether the remote's branch of that name, or the one it is merged into, holds a commit. Null: it did not say. */
async function isPushed({ bound, heads, onto }: Place, branch: string, commit: string) {
  const there = await heads();
  if (there === null) return null;
  for (const name of [branch, ...onto.flatMap((ref) => /^refs\/heads\/(.+)$/.exec(ref)?.[1] ?? [])]) {
    const head = there.get(`refs/heads/${name}`);
    if (head === undefined) continue;
    if (head === commit) return true;
    // What was never fetched cannot be compared.
    const known = await bound.resolve(`${head}^{commit}`);
    if (known !== null && (await isAncestor(bound, commit, known))) return true;
  }
  return false;
}

async function isAncestor(bound: BoundGit, commit: string, of: string): Promise<boolean> {
  const { code } = await bound.run(['merge-base', '--is-ancestor', commit, of], { answers: [1] });
  return code === 0;
}

/** Whether `whole` has all that `commit` changed: to join the two would change nothing of it. */
async function within(bound: BoundGit, commit: string, whole: string): Promise<boolean> {
  if (await isAncestor(bound, commit, whole)) return true;
  const tree = await bound.resolve(`${whole}^{tree}`);
  if (tree === (await bound.resolve(`${commit}^{tree}`))) return true;
  // Exit 1 tells of conflicts; above, that the two have nothing in common.
  const joined = await bound.run(['merge-tree', '--write-tree', '--no-messages', whole, commit], {
    answers: [1, 128],
  });
  return joined.code === 0 && joined.stdout.toString('utf8').trim() === tree;
}
