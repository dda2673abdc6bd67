import path from 'node:path';
import { parseArgs } from 'node:util';
import { auditRows } from '../../db/audit.ts';
import { openForReading } from '../../db/reading.ts';
import type { AuditRow } from '../domain/audit.ts';
import { configFromEnvironment } from './environment.ts';
import { findRun } from './find-run.ts';

const COLUMNS = [
  'seq',
  'at',
  'kind',
  'actor',
  'actorKind',
  'team',
  'runId',
  'approvalId',
  'shown',
  'executed',
  'detail',
  'hash',
] as const;

/**
 * `baton history [RUN] [--json | --csv]`: every recorded choice and what was done about approvals, in order; one run's
 * or all. @returns 0, or 2 for wrong arguments @throws BatonError terminal / `run_unknown`
 */
export function history(argv: string[]): number {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, csv: { type: 'boolean', default: false } },
  });
  const [wanted] = positionals;
  if (positionals.length > 1 || (values.json && values.csv)) {
    console.error('baton history [RUN] [--json | --csv]');
    return 2;
  }
  const raw = openForReading(path.join(configFromEnvironment().home, 'baton.db'));
  try {
    const runId = wanted === undefined ? null : findRun(raw, wanted);
    if (values.csv) console.log(COLUMNS.join(','));
    for (const row of auditRows(raw, runId)) {
      if (values.json) console.log(JSON.stringify({ ...row, at: timeOf(row) }));
      else if (values.csv) console.log(csvLine(row));
      else console.log(plainLine(row));
    }
    return 0;
  } finally {
    raw.close();
  }
}

function timeOf({ at }: AuditRow): string {
  return new Date(at).toISOString();
}

function csvLine(row: AuditRow): string {
  return COLUMNS.map((name) => csvField(name === 'at' ? timeOf(row) : row[name])).join(',');
}

/** RFC 4180; and what a spreadsheet would take for a formula begins with an apostrophe, so that it stays text. */
export function csvField(value: unknown): string {
  const text = value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function plainLine(row: AuditRow): string {
  const about = row.approvalId ?? row.runId ?? '';
  const shown = row.shown === null ? '' : ` seen ${row.shown.slice(0, 8)}`;
  return `${String(row.seq).padStart(6)} ${timeOf(row)} ${row.kind} by ${row.actor} ${about}${shown} ${JSON.stringify(row.detail)}`;
}
