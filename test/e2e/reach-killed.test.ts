import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Message } from '../../desk/contract.ts';
import { Desk, hasButton } from './support/desk.ts';
import { deskFileOf } from './support/desk-file.ts';
import { approvalCard, planCard } from './support/job.ts';
import { type Started, World } from './support/processes.ts';
import { until } from './support/wait.ts';

/** Milliseconds for a test of some ten starts, with slow cores. */
const LONG_MS = 240_000;
/** Seconds for which the desk will not hear what is said: much longer than a kill takes. */
const DEAF_S = 10;
/** Milliseconds by which the desk takes up a call late: longer than a kill takes, shorter than a start. */
const LATE_MS = 400;

const WORKFLOW = `name: ask
title: Ask
description: Asks people
how: An approval
why: Somebody has to say
flow: { kind: approval, id: keep, title: "Keep it?", why: Built. }
`;

const settings = (bob: string, carol: string, channel: string, expire: string): string => `
approvals:
  people: [${bob}]
  escalate_to: [${carol}]
  four_eyes: true
  remind_after: 2s
  escalate_after: 17s
  expire_after: ${expire}
  escalation: { quiet_hours: none }
channels:
  escalations: ${channel}
`;

/**
 * How Baton dies at a step: what it was to say is stored and never left; it left, and nobody heard the answer; it was said,
 * and that is all that was known.
 */
type Death = 'unsent' | 'unanswered' | 'said';
const DEATHS: readonly Death[] = ['unsent', 'unanswered', 'unsent', 'unanswered'];

describe('kill -9 while a question is brought to people', () => {
  let world: World;
  let home: string;
  let environment: Readonly<Record<string, string>>;
  let baton: Started;
  let desk: Desk;
  beforeEach(() => {
    world = new World();
    home = world.folder('home');
  });
  afterEach(async () => {
    await world.clear();
  });

  /** A question of alice's that only bob may answer, carol after him. The desk is there first: its ids stand in the settings. */
  async function asked(expire: string): Promise<{ readonly epic: Message; readonly card: Message }> {
    mkdirSync(path.join(home, 'workflows'), { recursive: true });
    writeFileSync(path.join(home, 'workflows', 'ask.yaml'), WORKFLOW);
    const first = await world.baton(home);
    desk = new Desk(deskFileOf(home).url);
    const file = path.join(world.root, 'baton.yaml');
    const channel = await desk.channel('alice', 'escalations');
    writeFileSync(file, settings(await desk.id('bob'), await desk.id('carol'), channel, expire));
    environment = { BATON_CONFIG: file };
    // With SIGKILL desk and cast stay.
    await first.end('SIGKILL');
    baton = await world.baton(home, environment);
    expect((await desk.orchestrate('alice', 'ask whether to keep it')).ok).toBe(true);
    const epic = await planCard(desk);
    await desk.click('alice', epic, 'plan_start');
    return { epic, card: await approvalCard(desk) };
  }

  /** Rows of the database as it is, whoever writes it meanwhile. */
  function rows<T>(schema: z.ZodType<T>, sql: string, ...values: string[]): T[] {
    const raw = new Database(path.join(home, 'baton.db'), { readonly: true });
    try {
      return z.array(schema).parse(raw.prepare(sql).all(...values));
    } finally {
      raw.close();
    }
  }

  const outboxRow = z.object({ key: z.string(), status: z.string(), attempts: z.number() });
  const sent = (key: string) =>
    rows(outboxRow, "select key, status, attempts from outbox where kind = 'post' and key like ?", key);
  const approval = z.object({
    status: z.string(),
    expires_at: z.number(),
    decided_by: z.string().nullable(),
  });
  const question = () => rows(approval, 'select status, expires_at, decided_by from approvals')[0];

  async function fault(what: object): Promise<void> {
    const answer = await fetch(`${desk.url}/desk/test/fault`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method: 'chat.postMessage', ...what }),
    });
    expect(answer.status).toBe(200);
  }

  async function killAndStart(): Promise<void> {
    expect(await baton.end('SIGKILL')).toBeNull();
    baton = await world.baton(home, environment);
  }

  interface Step {
    readonly name: string;
    /** Of the row that says it; `@` is the person's id. */
    readonly key: string;
    readonly who: string;
    readonly words: string;
    /** How many messages are first said at it: whoever asked reads, in one that is rewritten, that it goes on. */
    readonly posts: number;
  }
  const STEPS: readonly Step[] = [
    { name: 'reminder', key: '%:reminder:%', who: 'alice', words: 'still waiting for a decision', posts: 1 },
    { name: 'channel', key: '%:in:%', who: 'bob', words: 'A person is needed', posts: 2 },
    { name: 'approver', key: '%:dm:@', who: 'bob', words: 'one of those who decide', posts: 1 },
    { name: 'deputy', key: '%:dm:@', who: 'carol', words: 'next in line', posts: 1 },
  ];
  const seenOf = async ({ who, words }: Step): Promise<number> =>
    (await desk.snapshot(who)).messages.filter(({ text }) => text.includes(words)).length;

  /** Whoever is slower than planned finds it said already, and dies then. */
  async function dieAt(step: Step, death: Death): Promise<void> {
    const key = step.key.replace('@', await desk.id(step.who));
    const row = () => sent(key)[0];
    switch (death) {
      case 'unsent':
        await fault({ http: 429, retryAfter: DEAF_S, times: step.posts });
        await until(`${step.name}, refused`, () => (row()?.attempts ?? 0) > 0 || null);
        return killAndStart();
      case 'unanswered':
        await fault({ delayMs: LATE_MS, times: step.posts });
        await until(
          `${step.name}, on its way`,
          () => ['sending', 'sent'].includes(row()?.status ?? '') || null,
        );
        return killAndStart();
      case 'said':
        await until(step.name, () => row()?.status === 'sent' || null);
        return killAndStart();
      default:
        death satisfies never;
    }
  }

  it(
    'each step is told once, the time does not begin anew, and the old card counts',
    async () => {
      const { epic, card } = await asked('1h');
      const expiresAt = question()?.expires_at;
      await killAndStart();
      for (const [at, step] of STEPS.entries()) {
        await dieAt(step, DEATHS[at] ?? 'said');
        await until(`${step.name} once more`, async () => (await seenOf(step)) > 0 || null);
        expect(question()).toEqual({ status: 'pending', expires_at: expiresAt, decided_by: null });
      }
      await killAndStart();
      const told = async () =>
        (await desk.snapshot('alice')).messages.filter(({ text }) =>
          text.includes('asked by direct message'),
        );
      await until('Whoever asked knows', async () => (await told()).length > 0 || null);

      expect((await desk.click('bob', card, 'approval_approve')).ok).toBe(true);
      await desk.message('alice', 'The good end', ({ ts, text }) => ts === epic.ts && text.startsWith('✅'));
      expect(question()).toEqual({
        status: 'taken',
        expires_at: expiresAt,
        decided_by: await desk.id('bob'),
      });
      for (const step of STEPS.slice(1))
        await until(`${step.name}, closed`, async () => {
          const { messages } = await desk.snapshot(step.who);
          const copies = messages.filter(({ ts, text }) => ts !== card.ts && text.includes('approved this'));
          return copies.some((copy) => !hasButton(copy, 'approval_approve')) || null;
        });
      // Everything that was put into the outbox was posted, and stands there once.
      for (const key of ['%:reminder:%', '%:in:%', '%:told'])
        expect(
          sent(key).map(({ status }) => status),
          key,
        ).toEqual(['sent']);
      expect(sent('%:dm:%').map(({ status }) => status)).toEqual(['sent', 'sent']);
      const reminders = (await desk.snapshot('alice')).messages.filter(
        ({ threadTs, text }) => threadTs === epic.ts && text.includes('still waiting for a decision'),
      );
      expect(reminders).toHaveLength(1);
      for (const who of ['alice', 'bob', 'carol']) {
        const { messages, channels } = await desk.snapshot(who);
        const direct = new Set(channels.filter(({ kind }) => kind === 'im').map(({ id }) => id));
        expect(
          messages.filter(({ channel, text }) => direct.has(channel) && text.includes('approved this'))
            .length,
          who,
        ).toBe(1);
      }
      expect((await desk.stats()).doubledPosts).toBe(0);
    },
    LONG_MS,
  );

  it(
    'dead beyond the end: it is a timeout, told once, nobody is asked any more, and it stays so',
    async () => {
      const { epic, card } = await asked('14s');
      await until('The reminder', () => sent('%:reminder:%')[0]?.status === 'sent' || null);
      expect(await baton.end('SIGKILL')).toBeNull();
      const end = question()?.expires_at ?? 0;
      const asks = sent('approval:%').length;
      await until('The end', () => Date.now() > end + 500 || null);
      baton = await world.baton(home, environment);
      const closed = await desk.message(
        'alice',
        'The closed card',
        ({ ts, text }) => ts === card.ts && text.includes('Nobody decided by'),
      );
      expect(hasButton(closed, 'approval_approve')).toBe(false);
      expect(question()).toEqual({ status: 'expired', expires_at: end, decided_by: null });
      const decisions = rows(
        z.object({ choice: z.string(), actor: z.string() }),
        "select choice, actor_kind as actor from decisions where kind = 'approval'",
      );
      expect(decisions).toEqual([{ choice: 'timeout', actor: 'clock' }]);
      await killAndStart();
      await desk.message(
        'alice',
        'The end',
        ({ ts, text }) => ts === epic.ts && text.includes('Paused: Nobody decided'),
      );
      expect(question()).toEqual({ status: 'expired', expires_at: end, decided_by: null });
      expect(sent('approval:%')).toHaveLength(asks);
      expect((await desk.stats()).doubledPosts).toBe(0);
    },
    LONG_MS,
  );
});
