import { existsSync } from 'node:fs';
import path from 'node:path';
import { HEADS_FILE, verifyAudit } from '../../db/audit.ts';
import { openForReading } from '../../db/reading.ts';
import { configFromEnvironment } from './environment.ts';

/**
 * `baton audit verify`: whether the audit is the chain it claims to be, and reaches as far as the hashes kept beside
 * the database. May be asked while Baton runs. @returns 0 it holds, 1 it does not, 2 wrong arguments
 */
export function audit(argv: readonly string[]): number {
  if (argv[0] !== 'verify' || argv.length > 1) {
    console.error('baton audit verify');
    return 2;
  }
  const { home } = configFromEnvironment();
  const raw = openForReading(path.join(home, 'baton.db'));
  try {
    const file = path.join(home, HEADS_FILE);
    const { rows, head, outside, problem } = verifyAudit(raw, file);
    if (problem !== null) {
      console.error(
        `The audit does not hold: row ${problem.seq}: ${problem.problem}. Nothing was changed. Keep the files of ${home} as they are, and compare with a backup.`,
      );
      return 1;
    }
    console.log(`${rows} rows hold, head ${head.slice(0, 8)}.`);
    if (rows > 0 && !existsSync(file))
      console.log(`${file} is missing, so it cannot be told whether rows were cut off at the end.`);
    else if (outside < rows)
      console.log(
        `The last ${rows - outside} are not in ${HEADS_FILE} yet; Baton writes them with its next entry.`,
      );
    return 0;
  } finally {
    raw.close();
  }
}
