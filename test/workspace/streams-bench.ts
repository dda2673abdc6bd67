import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Choice, ConflictRule, MergeOutcome, Workspace } from '../../src/ports/workspace.ts';
import { AT, type Bench, put } from './support.ts';

/** Streams of one run over a few files of nine lines. */
export const LINES = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n';
export const FILES = { 'README.md': 'hello\n', 'src/a.js': LINES, 'src/b.js': LINES, 'docs/x.md': LINES };

export const rule = (way: ConflictRule['way'], ...paths: string[]): ConflictRule => ({
  paths: paths.length === 0 ? null : paths,
  way,
  agent: null,
});

/** A run's worktree with a saved state, and streams of it. */
export async function forked(
  place: Bench,
  ...names: string[]
): Promise<{ run: Workspace; streams: Workspace[] }> {
  const run = await place.open();
  await run.line.save('fork', AT);
  const streams: Workspace[] = [];
  for (const name of names) streams.push(await stream(place, name));
  return { run, streams };
}

export function stream(place: Bench, name: string, parent: string | null = null): Promise<Workspace> {
  return place.workspaces.openStream({ runId: 'run_1', location: place.repository, stream: name, parent });
}

export async function work(workspace: Workspace, files: Readonly<Record<string, string>>): Promise<void> {
  await put(workspace.info.path, files);
  await workspace.line.save('work', AT);
}

export function joined(
  into: Workspace,
  name: string,
  how: {
    readonly rules?: readonly ConflictRule[];
    readonly choices?: readonly Choice[];
    readonly key?: string;
  } = {},
): Promise<MergeOutcome> {
  const { rules = [], choices = [], key = `key-${name}-${choices.length}` } = how;
  return into.line.merge({
    stream: name,
    rules,
    choices,
    label: `join ${name}`,
    at: AT,
    idempotencyKey: key,
  });
}

export const read = (workspace: Workspace, path: string) => readFile(join(workspace.info.path, path), 'utf8');
export const changed = (from: string, to: string) => LINES.replace(from, to);
