import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AuditLog, HEADS_FILE } from '../../db/audit.ts';
import { EventLog } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { createStore } from '../../db/store.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { approval, decision, NOW, session, spec, type TempStore, tempStore, yes } from './support.ts';

/** What history tells is what the commands print: they are run as people run them. */
const BATON = fileURLToPath(new URL('../../bin/baton.mjs', import.meta.url));
let t: TempStore;
let store: ReturnType<typeof createStore>;
let journal: SqliteJournal;
beforeEach(async () => {
  t = tempStore();
  const log = new EventLog(t.raw, new AuditLog(t.raw, path.join(t.folder, HEADS_FILE)));
  store = createStore(t.db, log);
  journal = new SqliteJournal(t.raw, log);
  await store.sessions.create(session(), spec, decision());
});
afterEach(() => t.remove());

function baton(...words: string[]) {
  const env = { PATH: '/usr/bin:/bin', HOME: t.folder, BATON_HOME: t.folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [BATON, ...words], {
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}
const rowSchema = z.object({
  kind: z.string(),
  actor: z.string(),
  actorKind: z.string(),
  detail: z.looseObject({}),
});
const rows = () =>
  baton('history', '--json')
    .stdout.trim()
    .split('\n')
    .map((line) => rowSchema.parse(JSON.parse(line)));
const emit = (event: RunEvent) => journal.commit([{ w: 'event', runId: 'run_1', event, at: NOW }]);

const BY_ITSELF: readonly (readonly [kind: string, event: RunEvent, detail: object])[] = [
  [
    'agent',
    { type: 'route.chosen', node: 'n', agent: 'qa', by: 'expertise', reason: 'knows tests' },
    { choice: 'qa', reason: 'knows tests', evidence: { by: 'expertise' } },
  ],
  [
    'vote',
    {
      type: 'vote.counted',
      node: 'n',
      question: 'q?',
      method: 'majority',
      threshold: 0.5,
      winner: 'a',
      share: 0.75,
      ballots: [
        { agent: 'x', weight: 1, choice: 'a', reason: 'r' },
        { agent: 'y', weight: 1, choice: 'b', reason: 's' },
      ],
    },
    { choice: 'a', alternatives: ['b'], evidence: { ballots: [{ agent: 'x' }, { agent: 'y' }] } },
  ],
  ...(['retry', 'failover', 'degrade', 'escalate', 'skip'] as const).map(
    (action): readonly [string, RunEvent, object] => [
      action,
      { type: 'error.handled', node: 'n', action, reason: 'it broke' },
      { reason: 'it broke', evidence: { node: 'n' } },
    ],
  ),
];

describe('history', () => {
  test.each(BY_ITSELF)(
    '%s: chosen by Baton itself, with why, and what else there was',
    (kind, event, detail) => {
      emit(event);
      expect(rows().find((row) => row.kind === `decision.${kind}`)).toMatchObject({
        actor: 'baton',
        actorKind: 'baton',
        detail: expect.objectContaining(
          Object.fromEntries(Object.entries(detail).map(([key, value]) => [key, asymmetric(value)])),
        ),
      });
      expect(baton('audit', 'verify').status).toBe(0);
    },
  );

  test.each(['pattern', 'adaptation', 'budget', 'steering', 'rollback', 'retry', 'plan', 'failover'])(
    '%s: whatever is recorded as a decision is told, in JSON and in CSV',
    async (kind) => {
      const made = decision(`dec_${kind}_x`, {
        kind,
        reason: 'because, "quoted"\n=1+1',
        alternatives: ['other'],
      });
      await store.decisions.record('run_1', made, NOW);
      expect(rows().at(-1)).toMatchObject({
        kind: `decision.${kind}`,
        actor: 'U-alice',
        detail: { choice: made.choice, reason: made.reason, alternatives: ['other'], evidence: { n: 1 } },
      });
      const csv = baton('history', 'run_1', '--csv').stdout;
      expect(csv.split('\n')[0]).toContain('seq,at,kind,actor');
      expect(csv).toContain(`decision.${kind}`);
    },
  );

  test('what is decided about a part of a run is told with the run', async () => {
    await store.decisions.record('run_1.part', decision('dec_part', { kind: 'approval' }), NOW);
    expect(baton('history', 'run_1', '--json').stdout).toContain('dec_part');
    // By its end, as people see it.
    expect(baton('history', 'un_1', '--json').stdout).toContain('dec_part');
    const unknown = baton('history', 'run_2', '--json');
    expect([unknown.status, unknown.stdout]).toEqual([1, '']);
    expect(unknown.stderr).toContain('There is no run run_2.');
  });
});

describe('baton audit verify', () => {
  beforeEach(async () => {
    await store.approvals.open(approval());
    await store.approvals.decide(yes);
    expect(baton('audit', 'verify')).toMatchObject({ status: 0 });
  });
  const tamper = (sql: string) => {
    const triggers = z
      .array(z.object({ name: z.string() }))
      .parse(
        t.raw.prepare("select name from sqlite_master where type = 'trigger' and tbl_name = 'audit'").all(),
      );
    for (const { name } of triggers) t.raw.exec(`drop trigger ${name}`);
    t.raw.exec(sql);
  };

  test.each([
    ['a cut tail', 'delete from audit where seq = (select max(seq) from audit)'],
    ['a changed row', "update audit set actor = 'U-mallory' where seq = 2"],
    ['a row that is gone from the middle', 'delete from audit where seq = 2'],
  ])('%s is seen', (_name, sql) => {
    tamper(sql);
    const { status, stderr } = baton('audit', 'verify');
    expect(status).toBe(1);
    expect(stderr).toContain('The audit does not hold: row');
  });

  test('a changed file beside the database is seen', () => {
    const file = path.join(t.folder, HEADS_FILE);
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(/[0-9a-f](?=\n$)/, (digit) => (digit === '0' ? '1' : '0')),
    );
    expect(baton('audit', 'verify').status).toBe(1);
  });

  test('without the trigger’s leave nothing of it can be changed', () => {
    expect(() => t.raw.exec("update audit set actor = 'x'")).toThrow();
    expect(() => t.raw.exec('delete from audit')).toThrow();
  });
});

/** An object is looked for by what it has, a list entry by entry. */
function asymmetric(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asymmetric);
  if (typeof value !== 'object' || value === null) return value;
  return expect.objectContaining(
    Object.fromEntries(Object.entries(value).map(([key, each]) => [key, asymmetric(each)])),
  );
}
