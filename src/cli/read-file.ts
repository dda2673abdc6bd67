import { readFileSync } from 'node:fs';
import { BatonError } from '../domain/failure.ts';

/** A file named on the command line. @throws BatonError `file_unreadable` that names it */
export function readNamedFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new BatonError(
      {
        class: 'terminal',
        code: 'file_unreadable',
        message: missing ? `There is no file ${file}` : `${file} cannot be read`,
        hint: 'Check its name and its permissions. Nothing was run.',
      },
      error,
    );
  }
}
