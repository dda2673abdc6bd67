import path from 'node:path';
import { parseArgs } from 'node:util';
import { AuditLog, HEADS_FILE } from '../../db/audit.ts';
import { createCleaningStore } from '../../db/cleaning.ts';
import { createDecisionStore } from '../../db/decisions.ts';
import { EventLog } from '../../db/event-log.ts';
import { openStore } from '../../db/open.ts';
import { openToRead } from '../../db/read-only.ts';
import type { Config } from '../config/config.ts';
import { type CleaningPlan, keepWords } from '../domain/cleaning.ts';
import { durationText } from '../domain/duration.ts';
import { toFailure } from '../domain/failure.ts';
import { planCleaning, tidyUp } from '../ops/cleaning.ts';
import { systemClock } from '../system-clock.ts';
import { createCleaner } from '../workspace/cleaning.ts';
import { configFromEnvironment } from './environment.ts';

/**
 * `baton clean [--dry-run]`: removes branches and states that runs left in their repositories, where they are merged, or pushed
 * and old enough. With `--dry-run` it tells what would go and what stays, and why; that also beside a Baton that runs, which
 * tidies up by itself every night. @returns 0, or 1 when something could not be removed
 */
export async function clean(argv: string[]): Promise<number> {
  const { values } = parseArgs({ args: argv, options: { 'dry-run': { type: 'boolean', default: false } } });
  const config = configFromEnvironment();
  return values['dry-run'] ? tellOnly(config) : remove(config);
}

async function tellOnly(config: Config): Promise<number> {
  const raw = openToRead(path.join(config.home, 'baton.db'));
  try {
    const store = createCleaningStore(raw);
    const plans = await planCleaning({
      store,
      cleaner: createCleaner(config),
      clock: systemClock,
      afterMs: config.cleanAfterMs,
    });
    for (const line of told(plans, config.cleanAfterMs)) console.log(line);
    return 0;
  } finally {
    raw.close();
  }
}

async function remove(config: Config): Promise<number> {
  // Refused while a Baton runs on this home, which would not know.
  const opened = openStore(path.join(config.home, 'baton.db'));
  let failed = false;
  try {
    const log = new EventLog(opened.raw, new AuditLog(opened.raw, path.join(config.home, HEADS_FILE)));
    const { branches, states, kept } = await tidyUp({
      store: createCleaningStore(opened.raw),
      decisions: createDecisionStore(opened.db, log),
      cleaner: createCleaner(config),
      clock: systemClock,
      afterMs: config.cleanAfterMs,
      onError: (error) => {
        failed = true;
        console.error(toFailure(error).message);
      },
    });
    console.log(`Removed ${branches} branches and ${states} saved states that are safe elsewhere.`);
    for (const { ref, why } of kept) console.log(`  kept ${ref}: ${keepWords[why]}`);
    return failed ? 1 : 0;
  } finally {
    opened.close();
  }
}

/** What would go and what stays, a line each. */
export function told(plans: readonly CleaningPlan[], afterMs: number): string[] {
  const rows = plans.flatMap(({ work, why, remove: going, keep }) => {
    const where = why === 'merged' ? 'merged' : `pushed, and ended more than ${durationText(afterMs)} ago`;
    return [
      ...(going.length === 0 || why === null
        ? []
        : [
            `${work.location}  ${work.branch}: ${where}`,
            ...going.map(({ ref, commit }) => `  would remove ${ref} (${commit.slice(0, 12)})`),
          ]),
      ...keep.map(({ ref, why: reason }) => `  keeps ${ref}: ${keepWords[reason]}`),
    ];
  });
  return [...rows, rows.length === 0 ? 'There is nothing to tidy up.' : 'Nothing was changed.'];
}
