import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AuditLog, HEADS_FILE } from '../../db/audit.ts';
import { EventLog } from '../../db/event-log.ts';
import { createMeter } from '../../db/meter.ts';
import { openStore } from '../../db/open.ts';
import { createStore } from '../../db/store.ts';
import { type Access, openAccess } from '../../src/domain/access.ts';
import { type ApprovalPolicy, type Decider, policyDefaults } from '../../src/domain/approval.ts';
import { budgetSettingsSchema, worstCase } from '../../src/domain/budget.ts';
import { Absences } from '../../src/orchestrator/absences.ts';
import { Approvals } from '../../src/orchestrator/approvals.ts';
import { budgetActivities } from '../../src/orchestrator/budget/activities.ts';
import { settleBudget } from '../../src/orchestrator/budget/contracts.ts';
import { Chaser } from '../../src/orchestrator/chaser.ts';
import { Queries } from '../../src/orchestrator/queries.ts';
import type { Directory } from '../../src/ports/directory.ts';
import type { NewApproval, Store } from '../../src/ports/store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

export const TEAM = 'T1';
export const START = 1_800_000_000_000;
/** Who there is. `alice` asks for everything, `erin` made the last change, `admin` may break the glass. */
export const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'admin', 'bot', 'guest', 'stranger'] as const;
export type Name = (typeof PEOPLE)[number];
export const idOf = (name: Name): string => `U${name.toUpperCase()}`;
export const GROUP = 'S0RELEASERS';

/** What the world outside is at this moment, and what the test may change. */
export interface Outside {
  /** By approval: the content as it is now. */
  readonly content: Map<string, string>;
  readonly group: Set<string>;
  readonly demoted: Set<string>;
  directoryDown: boolean;
  contentDown: boolean;
  /** What runs were told about their budgets. */
  readonly told: string[];
}

/** Faults planted around the real parts, each switchable; the parts themselves hold none of them. */
export interface Faults {
  directory?: (real: Directory, outside: Outside) => Directory;
  store?: (real: Store['approvals'], raw: Opened['raw']) => Store['approvals'];
  digest?: (real: (id: string) => string) => (id: string) => string;
  access?: Access;
  delegations?: (real: Store['delegations']) => Store['delegations'];
  decisions?: (real: Store['decisions']) => Store['decisions'];
  /** What a rollback's approval is bound to, made into less. */
  bound?: (payload: string) => string;
}
type Opened = ReturnType<typeof openStore>;

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

const ACCESS: Access = { ...openAccess, admin: ['UADMIN'] };

/** The real store on a real file, the real rules and use cases, and a workspace of people who change. */
export function openWorld(faults: Faults = {}) {
  const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'approvals-'));
  const clock = new VirtualClock(START);
  const outside: Outside = {
    content: new Map(),
    group: new Set(['UBOB', 'UCAROL']),
    demoted: new Set(),
    directoryDown: false,
    contentDown: false,
    told: [],
  };
  const real: Directory = {
    person: async (id, team) => personOf(id, team, outside),
    members: async () => {
      if (outside.directoryDown) throw new Error('Slack does not answer');
      return [...outside.group];
    },
    zone: async () => null,
  };
  const digestOf = (id: string): string => {
    if (outside.contentDown) throw new Error('The worktree cannot be read');
    return hash(outside.content.get(id) ?? '');
  };
  let opened = openStore(path.join(folder, 'baton.db'));
  let parts = join(opened);
  let restarts = 0;

  function join(database: Opened) {
    const log = new EventLog(database.raw, new AuditLog(database.raw, path.join(folder, HEADS_FILE)));
    const store = createStore(database.db, log);
    const approvals = faults.store?.(store.approvals, database.raw) ?? store.approvals;
    const delegations = faults.delegations?.(store.delegations) ?? store.delegations;
    const decisions = faults.decisions?.(store.decisions) ?? store.decisions;
    const digest = faults.digest?.(digestOf) ?? digestOf;
    const directory = faults.directory?.(real, outside) ?? real;
    const access = faults.access ?? ACCESS;
    const service = new Approvals({
      approvals,
      sessions: { byRun: async () => null },
      delegations,
      directory,
      access,
      sameRepository: () => true,
      digestNow: async ({ id }) => digest(id),
      decided: () => undefined,
      clock,
      redact: (text) => text,
    });
    const chaser = new Chaser({ store: { approvals, delegations }, approvals: service, directory });
    const absences = new Absences({ delegations, directory, access, clock });
    const budget = budgetActivities({
      breaker: { forget: () => undefined },
      meter: createMeter(database.raw, worstCase(budgetSettingsSchema.parse({}), {})),
      queries: new Queries(store),
      store: { ...store, approvals, decisions },
      engine: {
        signal: async (runId, name) => void outside.told.push(`${name} ${runId}`),
        resume: async () => undefined,
      },
      stop: async (root, by) => void outside.told.push(`stop ${root} ${by}`),
      ceilingOf: () => null,
      clock,
    });
    return { log, store, approvals, service, digest, chaser, absences, budget };
  }

  return {
    folder,
    clock,
    outside,
    directory: real,
    file: path.join(folder, HEADS_FILE),
    get raw() {
      return opened.raw;
    },
    get approvals() {
      return parts.approvals;
    },
    get store() {
      return parts.store;
    },
    get service() {
      return parts.service;
    },
    get chaser() {
      return parts.chaser;
    },
    get absences() {
      return parts.absences;
    },
    bound: (payload: string) => faults.bound?.(payload) ?? payload,
    /** What is done about a budget once its question was answered: the step of the run that asked, as often as it comes. */
    async settle(approvalId: string, runId: string, to: number): Promise<unknown> {
      const step = parts.budget.find(({ type }) => type === settleBudget.type);
      const input = { approvalId, unit: 'usd', given: 1, to };
      return step?.perform(input, {
        runId,
        key: 'settle',
        attempt: 1,
        idempotencyKey: `${runId}/settle`,
        signal: new AbortController().signal,
        emit: () => undefined,
        use: () => undefined,
      });
    },
    get log() {
      return parts.log;
    },
    digest: (id: string) => parts.digest(id),
    get restarts() {
      return restarts;
    },
    /** The process ends and another begins on the same file. */
    restart(): void {
      opened.close();
      opened = openStore(path.join(folder, 'baton.db'));
      parts = join(opened);
      restarts += 1;
    },
    close(): void {
      opened.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type World = ReturnType<typeof openWorld>;

export function personOf(id: string, team: string, outside: Outside): Decider {
  if (outside.directoryDown) throw new Error('Slack does not answer');
  return {
    id,
    team,
    isBot: id === 'UBOT',
    isGuest: id === 'UGUEST' || outside.demoted.has(id),
    isStranger: id === 'USTRANGER',
  };
}

export function newApproval(
  n: number,
  content: string,
  now: number,
  policy: Partial<ApprovalPolicy>,
): NewApproval {
  const full = { ...policyDefaults, expireAfterMs: 1_000, executeWithinMs: 1_000, version: 'p1', ...policy };
  return {
    id: `apr_${n}`,
    nonce: hash(`nonce ${n} ${now}`).slice(0, 32),
    runId: `run_${n % 7}`,
    key: `keep/${n}`,
    team: TEAM,
    requester: 'UALICE',
    subject: {
      title: `Question ${n}`,
      why: 'why',
      risk: 'risk',
      payload: content,
      digest: hash(content),
      excerpt: content,
      excerptCut: false,
      lastEditor: 'UERIN',
    },
    policy: full,
    requestedAt: now,
    expiresAt: now + full.expireAfterMs,
  };
}
