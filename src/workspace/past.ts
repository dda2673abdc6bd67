import { BatonError } from '../domain/failure.ts';
import type { Past } from '../ports/workspace.ts';
import type { BoundGit, Git } from './git/git.ts';
import type { Repository } from './repository.ts';
import { branchMoved, commitTree, diffFrom, isOurs, refPart } from './snapshots.ts';

interface About {
  readonly runId: string;
  readonly branch: string;
  readonly base: string;
}

/** Where what a rollback takes away is kept. */
export function lostRef(runId: string, label: string): string {
  return `refs/baton/lost/${runId}/${refPart(label)}`;
}

/** What a run left in its repository, without a worktree of its own. Each change may be repeated. */
export function createPast(git: Git, { git: bound, common }: Repository, about: About): Past {
  const { branch, base, runId } = about;
  const ref = `refs/heads/${branch}`;
  const tipNow = () => bound.resolve(`${ref}^{commit}`);
  const treeOf = async (revision: string): Promise<string> => {
    const tree = /^[0-9a-f]{40,64}$/.test(revision) ? await bound.resolve(`${revision}^{tree}`) : null;
    if (tree === null) throw treeMissing(revision);
    return tree;
  };
  /** Moves the branch from where it was seen; somebody else's commits, and a checkout elsewhere, are left alone. */
  const move = async (from: string | null, to: string): Promise<void> => {
    if (from === to) return;
    if (from !== null && from !== base && !(await isOurs(bound, from, base))) throw branchMoved(branch);
    if (await checkedOut(bound, ref)) throw inUse(branch);
    await bound.run(['update-ref', '-m', 'baton: rolled back', ref, to, from ?? '']);
  };

  return {
    async tip() {
      const commit = await tipNow();
      return commit === null ? null : { commit, tree: await treeOf(commit) };
    },
    baseTree: () => treeOf(base),
    async commitOf(name) {
      const commit = name.startsWith('refs/baton/') ? await bound.resolve(`${name}^{commit}`) : null;
      if (commit === null) throw treeMissing(name);
      return commit;
    },
    async isFree() {
      const tip = await tipNow();
      return tip === null || tip === base || isOurs(bound, tip, base);
    },
    async diff(from, to, maxPatchChars) {
      return diffFrom(git, { common, base: await treeOf(from) }, await treeOf(to), maxPatchChars);
    },
    async commits() {
      const tip = await tipNow();
      if (tip === null) return [];
      const text = await bound.text([
        'log',
        '--no-color',
        '--no-show-signature',
        '--format=%h %s',
        '--max-count=20',
        `${base}..${tip}`,
      ]);
      return text === '' ? [] : text.split('\n');
    },
    async keepLost({ label, tree, message, at }) {
      const name = lostRef(runId, label);
      const kept = await bound.resolve(`${name}^{commit}`);
      if (kept !== null && (await treeOf(kept)) === tree) return { ref: name, commit: kept };
      const tip = await tipNow();
      // The branch's own commits come along, so that nothing of them is only in the reflog.
      const parents = [tip ?? base];
      const commit = await commitTree(bound, { tree: await treeOf(tree), parents, message, at });
      await bound.run(['update-ref', '-m', 'baton: lost work', name, commit]);
      return { ref: name, commit };
    },
    async toBase() {
      const tip = await tipNow();
      if (tip !== null) await move(tip, await bound.text(['rev-parse', '--verify', `${base}^{commit}`]));
    },
    async put({ tree, message, at }) {
      const commit = await commitTree(bound, { tree: await treeOf(tree), parents: [base], message, at });
      await move(await tipNow(), commit);
      return { commit };
    },
  };
}

async function checkedOut(bound: BoundGit, ref: string): Promise<boolean> {
  const list = await bound.text(['worktree', 'list', '--porcelain']);
  return list.split('\n').includes(`branch ${ref}`);
}

function inUse(branch: string): BatonError {
  return new BatonError({
    class: 'needs_person',
    code: 'branch_in_use',
    message: `${branch} is checked out somewhere, so it was left as it is.`,
    hint: 'Switch to another branch there, then ask for the rollback again.',
  });
}

function treeMissing(revision: string): BatonError {
  return new BatonError({
    class: 'structural',
    code: 'tree_missing',
    message: `The state ${revision.slice(0, 12)} to go back to is not in the repository.`,
  });
}
