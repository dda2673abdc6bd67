import { BatonError } from '../src/domain/failure.ts';

/** SQLite's and the file system's errors in words for the person at the terminal. Others pass through. */
export function explain(error: unknown, file: string): unknown {
  if (error instanceof BatonError) return error;
  const code = codeOf(error);
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return corrupt(file, 'it is not a readable database');
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return terminal(
      'store_locked',
      `${file} is locked by another program`,
      'Close whatever has it open, and start again.',
      error,
    );
  }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    return terminal(
      'store_full',
      'The disk is full',
      'Free some space and start again; nothing was lost.',
      error,
    );
  }
  if (UNWRITABLE.some((each) => code.startsWith(each))) {
    const hint = 'Check the rights of the folder, or set BATON_HOME to one that can be written.';
    return terminal('store_unwritable', `${file} cannot be written`, hint, error);
  }
  return error;
}

const UNWRITABLE = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  'EISDIR',
  'ENOENT',
  'SQLITE_READONLY',
  'SQLITE_CANTOPEN',
];

export function corrupt(file: string, detail: string): BatonError {
  const hint = 'It was left as it is. Move it aside and restore a backup, or start with another BATON_HOME.';
  return terminal('store_corrupt', `${file} is damaged (${detail})`, hint);
}

export function terminal(code: string, message: string, hint: string, cause?: unknown): BatonError {
  return new BatonError({ class: 'terminal', code, message, hint }, cause);
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
