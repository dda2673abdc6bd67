import type { ChangedFile } from '../ports/workspace.ts';
import { type BoundGit, type Git, readable } from './git/git.ts';
import type { OpenedWorktree } from './worktree.ts';

/** Bytes of a file that detectors look into; what is larger is build output or data, and is said to be unread. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Bytes of all of them together. */
const MAX_TOTAL_BYTES = 48 * 1024 * 1024;
const ABSENT = /^0+$/;
const SUBMODULE = '160000';

interface Entry {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly submodule: boolean;
}

/** Every file that differs between the base and a tree, with its text before and after. A rename is both ends. */
export async function changedFiles(git: Git, opened: OpenedWorktree, tree: string): Promise<ChangedFile[]> {
  const bound = await git.bind({ cwd: opened.common, gitDir: opened.common });
  const range = ['--end-of-options', opened.base, tree];
  const { stdout } = await bound.run([
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-renames',
    '--full-index',
    ...range,
  ]);
  const entries = entriesOf(stdout);
  const texts = await textsOf(
    bound,
    entries.flatMap(({ before, after, submodule }) =>
      submodule ? [] : [before, after].filter((id) => id !== null),
    ),
  );
  return entries.map(({ path, before, after, submodule }) => {
    const was = before === null ? null : (texts.get(before) ?? null);
    const is = after === null ? null : (texts.get(after) ?? null);
    const unread = submodule || (before !== null && was === null) || (after !== null && is === null);
    // What is there stays "there" for whoever asks, whether or not its text was read.
    return {
      path,
      before: before === null ? null : (was ?? ''),
      after: after === null ? null : (is ?? ''),
      unread,
    };
  });
}

/** A file's text in the commit that the work began from; null: it is not there, or no text of a sensible size. */
export async function baseText(git: Git, opened: OpenedWorktree, path: string): Promise<string | null> {
  const bound = await git.bind({ cwd: opened.common, gitDir: opened.common });
  const id = await bound.resolve(`${opened.base}:${path}`);
  return id === null ? null : ((await textsOf(bound, [id])).get(id) ?? null);
}

/** `:mode mode id id status NUL path NUL` */
function entriesOf(output: Buffer): Entry[] {
  const fields = output.toString('latin1').split('\0');
  const entries: Entry[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [from = '', to = '', before = '', after = ''] = (fields[i] ?? '').slice(1).split(' ');
    const path = readable(fields[i + 1] ?? '');
    entries.push({
      path,
      before: ABSENT.test(before) ? null : before,
      after: ABSENT.test(after) ? null : after,
      submodule: from === SUBMODULE || to === SUBMODULE,
    });
  }
  return entries;
}

/** Texts by object id; those too large are left out. */
async function textsOf(bound: BoundGit, ids: readonly string[]): Promise<Map<string, string>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Map();
  const sizes = await bound.text(['cat-file', '--batch-check'], { input: `${wanted.join('\n')}\n` });
  let total = 0;
  const read: string[] = [];
  for (const line of sizes.split('\n')) {
    const [id = '', kind, size] = line.split(' ');
    const bytes = Number(size);
    if (kind !== 'blob' || !(bytes <= MAX_FILE_BYTES) || total + bytes > MAX_TOTAL_BYTES) continue;
    total += bytes;
    read.push(id);
  }
  const texts = new Map<string, string>();
  if (read.length === 0) return texts;
  const { stdout } = await bound.run(['cat-file', '--batch'], { input: `${read.join('\n')}\n` });
  for (let at = 0; at < stdout.length; ) {
    const end = stdout.indexOf(10, at);
    const [id = '', , size] = stdout.toString('latin1', at, end).split(' ');
    const from = end + 1;
    const to = from + Number(size);
    texts.set(id, stdout.toString('utf8', from, to));
    at = to + 1;
  }
  return texts;
}
