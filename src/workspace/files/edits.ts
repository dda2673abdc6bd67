import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BatonError } from '../../domain/failure.ts';
import { type FileChange, fileChangeSchema } from '../../ports/workspace.ts';
import { readIfThere, writeDurably } from '../durable-file.ts';
import type { FileAccess } from './file-access.ts';

const intentSchema = z.object({
  path: z.string(),
  beforeHash: z.string(),
  afterHash: z.string(),
  change: fileChangeSchema,
});
type Intent = z.infer<typeof intentSchema>;

/**
 * What edits were about to do, kept on disk before the file changes. `pending` intents may or may not have been
 * carried out; `done` ones have, whatever happened to the file later.
 */
export interface EditLog {
  /** Decides every pending intent by looking at its file. To be called before anything else changes files after a start. */
  settle(): Promise<void>;
  /** The change an earlier call with this key made, or null when it made none. */
  find(key: string): Promise<FileChange | null>;
  /** Keeps the intent, changes the file, marks it done. */
  carryOut(key: string, before: string, after: string, change: FileChange): Promise<void>;
}

/** @param folder outside the worktree, the run's own */
export function createEditLog(folder: string, access: FileAccess): EditLog {
  const pending = join(folder, 'pending');
  const done = join(folder, 'done');

  const settleOne = async (name: string): Promise<Intent | null> => {
    const intent = await readIntent(join(pending, name));
    if (intent === null) return null;
    const current = await access.read(intent.path).catch(() => null);
    if (current === null || hashOf(current) !== intent.afterHash) {
      await rm(join(pending, name), { force: true });
      return null;
    }
    await markDone(name);
    return intent;
  };

  const markDone = async (name: string) => {
    await mkdir(done, { recursive: true });
    await rename(join(pending, name), join(done, name));
  };

  return {
    async settle() {
      const names = await readdir(pending).catch(() => []);
      for (const name of names.filter((one) => one.endsWith('.json'))) await settleOne(name);
    },
    async find(key) {
      const name = nameOf(key);
      return ((await readIntent(join(done, name))) ?? (await settleOne(name)))?.change ?? null;
    },
    async carryOut(key, before, after, change) {
      const intent: Intent = {
        path: change.path,
        beforeHash: hashOf(before),
        afterHash: hashOf(after),
        change,
      };
      await writeDurably(join(pending, nameOf(key)), JSON.stringify(intent));
      await access.replace(change.path, after);
      await markDone(nameOf(key));
    },
  };
}

async function readIntent(path: string): Promise<Intent | null> {
  const text = await readIfThere(path);
  return text === null ? null : intentSchema.parse(JSON.parse(text));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function nameOf(key: string): string {
  return `${hashOf(key)}.json`;
}

/**
 * The content with the one occurrence of `before` replaced. In a file with Windows line ends, `before` and `after`
 * may come with plain ones, as models write them.
 * Errors: terminal `edit_empty`, `edit_not_found`, `edit_ambiguous`, each with what to do.
 */
export function replaceOnce(path: string, content: string, before: string, after: string): string {
  if (before === '') {
    throw editFailure(
      'edit_empty',
      `The text to replace in ${path} is empty.`,
      'Give the exact text to replace, or write the whole file.',
    );
  }
  const count = content.split(before).length - 1;
  if (count === 0 && content.includes('\r\n') && !before.includes('\r')) {
    const windows = (text: string) => text.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n');
    if (before.includes('\n') && content.includes(windows(before))) {
      return replaceOnce(path, content, windows(before), windows(after));
    }
  }
  if (count === 0) throw notFound(path, content, before);
  if (count > 1) {
    const lines = lineNumbers(content, before).join(', ');
    throw editFailure(
      'edit_ambiguous',
      `The text to replace occurs ${count} times in ${path} (at lines ${lines}), so nothing was changed.`,
      'Include more of the lines around it, so that it occurs exactly once.',
    );
  }
  const at = content.indexOf(before);
  return `${content.slice(0, at)}${after}${content.slice(at + before.length)}`;
}

function notFound(path: string, content: string, before: string): BatonError {
  const wanted = before
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '');
  const lines = content.split('\n');
  const near = wanted === undefined ? -1 : lines.findIndex((line) => line.trim() === wanted);
  const hint =
    near === -1
      ? 'Read the file again and copy the text exactly, with its spaces and line ends.'
      : `Line ${near + 1} is alike but for spaces or the lines after it: ${JSON.stringify((lines[near] ?? '').slice(0, 200))}. Copy the text exactly.`;
  return editFailure(
    'edit_not_found',
    `The text to replace does not occur in ${path}, so nothing was changed.`,
    hint,
  );
}

function editFailure(code: string, message: string, hint: string): BatonError {
  return new BatonError({ class: 'terminal', code, message, hint });
}

/** Lines of the first five occurrences, counted from 1. */
function lineNumbers(content: string, text: string): number[] {
  const numbers: number[] = [];
  for (
    let at = content.indexOf(text);
    at !== -1 && numbers.length < 5;
    at = content.indexOf(text, at + text.length)
  ) {
    numbers.push(content.slice(0, at).split('\n').length);
  }
  return numbers;
}
