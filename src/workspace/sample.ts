import { cp, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../domain/failure.ts';
import { createGit } from './git/git.ts';
import { SYSTEM_PATH } from './sandbox/bubblewrap.ts';
import { isThere } from './sandbox/toolchain.ts';

/** 2026-01-01T00:00:00Z in milliseconds: the same commit on every machine. */
const SAMPLE_DATE = Date.UTC(2026, 0, 1);
const SOURCE = join(import.meta.dirname, 'sample', 'reports');

/**
 * The rehearsal's sample repository at `<home>/sample/reports`, made when it is missing. One that is there is left
 * as it is, with the branches of earlier rehearsals.
 * @returns its path
 */
export async function ensureSampleRepository(home: string): Promise<string> {
  const folder = join(home, 'sample');
  await mkdir(folder, { recursive: true });
  await mkdir(join(home, 'git-home'), { recursive: true });
  const path = join(await realpath(folder), 'reports');
  if (await isThere(join(path, '.git'))) return path;
  if (await isThere(path)) {
    throw new BatonError({
      class: 'needs_person',
      code: 'sample_taken',
      message: `${path} is there but is no repository, so the sample cannot be made.`,
      hint: 'It was left as it is. Move it away, then try again.',
    });
  }
  // Made beside its place and renamed, so that a kill never leaves half a repository there.
  const making = join(folder, '.making');
  await rm(making, { recursive: true, force: true });
  await cp(SOURCE, making, { recursive: true });
  const git = createGit({
    home: join(await realpath(home), 'git-home'),
    path: `${SYSTEM_PATH}:/opt/homebrew/bin`,
  });
  const outside = await git.bind({ cwd: making });
  await outside.run(['init', '--quiet', '--template=', '--initial-branch=main', '--', '.']);
  const bound = await git.bind({ cwd: making, gitDir: join(making, '.git'), workTree: making });
  await bound.run(['add', '--all', '--', '.']);
  await bound.run(['commit', '--quiet', '--no-verify', '--no-gpg-sign', '-m', 'Reports page'], {
    at: SAMPLE_DATE,
  });
  await rename(making, path);
  return path;
}
