import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, LogLevel, type Receiver } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import { z } from 'zod';
import { AuditLog, HEADS_FILE, verifyAudit } from '../../db/audit.ts';
import { EventLog } from '../../db/event-log.ts';
import { openStore } from '../../db/open.ts';
import { createOutboxStore } from '../../db/outbox.ts';
import { createStore } from '../../db/store.ts';
import { registerApprovalActions } from '../../handlers/actions/approvals.ts';
import type { ApprovalDeps } from '../../handlers/deps.ts';
import { type Access, openAccess } from '../../src/domain/access.ts';
import type { Approval, ApprovalPolicy } from '../../src/domain/approval.ts';
import { Approvals } from '../../src/orchestrator/approvals.ts';
import { InboxWorker } from '../../src/orchestrator/inbox-worker.ts';
import { Queries } from '../../src/orchestrator/queries.ts';
import { Answers } from '../../src/slack/answers.ts';
import { People } from '../../src/slack/people.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { startMembers } from './members.ts';
import { hash, newApproval, TEAM } from './world.ts';

/** A way in that is no network: what it is given is what Bolt would have read from one. */
const receiver: Receiver = {
  init: () => undefined,
  start: async () => undefined,
  stop: async () => undefined,
};

/** What of an answer counts here: who is told what. */
const answerSchema = z.object({
  key: z.string(),
  user: z.string().nullable(),
  target: z.string(),
  text: z.string(),
});
export type Answer = z.infer<typeof answerSchema>;

/**
 * The listeners of approvals with all that stands behind them: Bolt, inbox, use cases, a real store and its outbox,
 * people and groups asked over HTTP. Only what is hashed is the test's own.
 */
export async function openDoor(access: Access = openAccess) {
  const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'door-'));
  const clock = new VirtualClock();
  const members = await startMembers(TEAM);
  /** By approval: the content as it is now, where it is not what was shown. */
  const content = new Map<string, string>();
  const logged: string[] = [];
  let parts = join();
  let made = 0;

  function join() {
    const opened = openStore(path.join(folder, 'baton.db'));
    const log = new EventLog(opened.raw, new AuditLog(opened.raw, path.join(folder, HEADS_FILE)));
    const store = createStore(opened.db, log);
    const client = new WebClient('xoxb-x', { slackApiUrl: members.url, retryConfig: { retries: 0 } });
    const people = new People(() => client, clock);
    const approvals = new Approvals({
      approvals: store.approvals,
      sessions: store.sessions,
      delegations: { ofTeam: async () => [] },
      directory: people,
      access,
      sameRepository: (rule, repository) => rule === repository,
      digestNow: async ({ id, subject }) => {
        const now = content.get(id);
        return now === undefined ? subject.digest : hash(now);
      },
      decided: () => undefined,
      clock,
      redact: (text) => text,
    });
    const worker = new InboxWorker({
      inbox: store.inbox,
      clock,
      log: { error: (fields) => void logged.push(JSON.stringify(fields)) },
      onGivenUp: async () => undefined,
    });
    const deps: ApprovalDeps = {
      worker,
      approvals: store.approvals,
      audit: store.audit,
      answers: new Answers(createOutboxStore(opened.db), clock, () => undefined),
      views: () => client,
      rehearsal: false,
      now: () => clock.now(),
      orchestrator: { approvals },
      queries: new Queries(store),
      people,
    };
    const app = new App({
      receiver,
      authorize: async () => ({ botToken: 'xoxb-x', botId: 'BBATON', botUserId: 'UBATON' }),
      logLevel: LogLevel.ERROR,
    });
    registerApprovalActions(app, deps);
    return { opened, log, store, approvals, worker, app };
  }

  return {
    clock,
    members,
    content,
    logged,
    get store() {
      return parts.store;
    },
    get approvals() {
      return parts.approvals;
    },
    /** A question that waits. */
    async ask(policy: Partial<ApprovalPolicy> = {}, lasts = 60_000): Promise<Approval> {
      made += 1;
      const limits = { expireAfterMs: lasts, executeWithinMs: lasts };
      return parts.store.approvals.open(
        newApproval(made, `content ${made}`, clock.now(), { ...limits, ...policy }),
      );
    },
    /** Somebody clicks; done once Slack would have its acknowledgement. */
    async click(
      user: string,
      value: string,
      more: { readonly action?: string; readonly team?: string } = {},
    ) {
      const team = more.team ?? TEAM;
      let acknowledged = false;
      await parts.app.processEvent({
        body: {
          type: 'block_actions',
          team: { id: team, domain: 'x' },
          user: { id: user, team_id: team },
          channel: { id: 'C1', name: 'c' },
          container: { type: 'message', message_ts: '1.1', channel_id: 'C1' },
          trigger_id: randomBytes(8).toString('hex'),
          actions: [
            {
              type: 'button',
              action_id: more.action ?? 'approval_approve',
              block_id: 'b',
              action_ts: randomBytes(8).toString('hex'),
              value,
            },
          ],
        },
        ack: async () => {
          acknowledged = true;
        },
      });
      if (!acknowledged) throw new Error('The click was not acknowledged');
    },
    /** Until all that was accepted is handled. */
    async settled(): Promise<void> {
      const open = parts.opened.raw.prepare('select 1 from deliveries where handled_at is null limit 1');
      while (open.get() !== undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    },
    /** Who was told what, after so many answers that were looked at before. */
    answers: (after = 0): Answer[] =>
      z
        .array(answerSchema)
        .parse(
          parts.opened.raw
            .prepare('select key, user, target, text from outbox where id > ? order by id')
            .all(after),
        ),
    /** Rows of the audit about an approval; of what was turned away before, when none is named. */
    audit: (id: string | null) =>
      z
        .array(z.object({ kind: z.string(), actor: z.string(), detail: z.string() }))
        .parse(
          parts.opened.raw
            .prepare('select kind, actor, detail from audit where approval_id is ? order by seq')
            .all(id),
        ),
    verify: () => verifyAudit(parts.opened.raw, path.join(folder, HEADS_FILE)),
    /** The process ends and another begins on the same file. */
    async restart(): Promise<void> {
      await parts.worker.stop();
      parts.opened.close();
      parts = join();
      await parts.worker.recover();
    },
    async close(): Promise<void> {
      await parts.worker.stop();
      parts.opened.close();
      await members.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type Door = Awaited<ReturnType<typeof openDoor>>;
