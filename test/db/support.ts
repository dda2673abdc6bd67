import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { EventLog } from '../../db/event-log.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { openStore } from '../../db/open.ts';
import { createOutboxStore } from '../../db/outbox.ts';
import { createStore } from '../../db/store.ts';
import { policyDefaults, type Voter } from '../../src/domain/approval.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import type { RunSpec, RunStatus } from '../../src/domain/run.ts';
import type { NewDecision } from '../../src/ports/decisions.ts';
import type { NewApproval, Session } from '../../src/ports/store.ts';
import type { TellClosed } from '../../src/ports/telling.ts';

export const NOW = 1_800_000_000_000;

const TABLES = [
  'sessions',
  'runs',
  'signals',
  'events',
  'decisions',
  'approvals',
  'outbox',
  'messages',
  'deliveries',
  'replays',
] as const;
export type Table = (typeof TABLES)[number] | 'audit';

/** The whole store on a real file in a folder of its own. @param chat what a closed question leads to there */
export function tempStore(chat: TellClosed | null = null) {
  const folder = mkdtempSync(path.join(tmpdir(), 'store-'));
  const file = path.join(folder, 'baton.db');
  const opened = openStore(file);
  const log = new EventLog(opened.raw);
  const store = createStore(opened.db, log, null, () => chat);
  const journal = new SqliteJournal(opened.raw, log);
  const rows = (table: Table): Record<string, unknown>[] =>
    z.array(z.record(z.string(), z.unknown())).parse(opened.raw.prepare(`select * from ${table}`).all());
  return {
    ...opened,
    folder,
    store,
    journal,
    outbox: createOutboxStore(opened.db),
    rows,
    /** Everything there is, to see that nothing changed. */
    dump: () => JSON.stringify(TABLES.map((table) => [table, rows(table)])),
    events: (runId = 'run_1') => log.after(runId, 0, 10_000).map(({ event }) => event),
    emit: (...events: RunEvent[]) =>
      journal.commit(events.map((event) => ({ w: 'event', runId: 'run_1', event, at: NOW }))),
    status: (status: RunStatus, runId = 'run_1') =>
      journal.commit([
        { w: 'status', runId, status, outcome: null, at: NOW },
        { w: 'event', runId, event: { type: 'run.status', status }, at: NOW },
      ]),
    /** Makes the next writes to a table fail, as a full disk would in the middle of a transaction. */
    plant: (table: Table, on: 'insert' | 'update') => {
      opened.raw.exec(
        `create temp trigger planted before ${on} on main.${table} begin select raise(abort, 'planted'); end`,
      );
      return () => opened.raw.exec('drop trigger planted');
    },
    remove: () => {
      opened.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type TempStore = ReturnType<typeof tempStore>;

export const spec: RunSpec = {
  program: 'session',
  programVersion: 1,
  definition: {},
  input: {},
  hash: 'hash',
};

export function session(more: Partial<Session> = {}): Session {
  return {
    id: 'ses_1',
    team: 'T1',
    channel: 'C1',
    requester: 'U-alice',
    request: 'Add CSV',
    workflow: 'feature',
    repository: '/r',
    createdAt: NOW,
    currentRunId: 'run_1',
    ...more,
  };
}

export function decision(id = 'dec_1', more: Partial<NewDecision> = {}): NewDecision {
  return {
    id,
    kind: 'workflow',
    actor: 'U-alice',
    actorKind: 'person',
    choice: 'feature',
    reason: 'why',
    alternatives: ['other'],
    evidence: { n: 1 },
    ...more,
  };
}

export function approval(more: Partial<NewApproval> = {}): NewApproval {
  return {
    id: 'apr_1',
    nonce: 'nonce_1',
    runId: 'run_1',
    key: 'keep/open',
    team: 'T1',
    requester: 'U-alice',
    subject: {
      title: 'Keep?',
      why: 'w',
      risk: 'r',
      payload: '{}',
      digest: 'd1',
      excerpt: 'e',
      excerptCut: false,
    },
    policy: {
      ...policyDefaults,
      remindAfterMs: 10,
      escalateAfterMs: 20,
      expireAfterMs: 1_000,
      escalateTo: ['U-carol'],
    },
    requestedAt: NOW,
    expiresAt: NOW + 1_000,
    ...more,
  };
}

export const bob: Voter = {
  id: 'U-bob',
  team: 'T1',
  isBot: false,
  isGuest: false,
  isStranger: false,
  groups: [],
  mayApprove: true,
  isAdmin: false,
  allowedOutsider: false,
};
export const yes = {
  nonce: 'nonce_1',
  by: bob,
  verdict: 'approve',
  comment: null,
  digest: 'd1',
  place: 'C1',
  now: NOW + 1,
} as const;

/** A session with its first run, as nearly every test needs it. */
export async function begun(t: TempStore): Promise<void> {
  await t.store.sessions.create(session(), spec, decision());
}
