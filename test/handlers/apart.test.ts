import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RESERVED_WORDS } from '../../commands/reserved.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { actionIds, callbackIds, inputIds } from '../../src/slack/actions.ts';
import { type Two, twoWorkspaces } from './two-workspaces.ts';
import { until } from './world.ts';

/**
 * The second workspace has the same people, channels and messages by the same ids. Everything that can be clicked,
 * submitted, typed or written there is tried on every run, question and task of the first: none of it is seen, decided,
 * steered or asked. The same, sent from the first, does count.
 */
const SECRET = /Secret of the first/;
const plan = { how: 'h', why: 'w', description: 'd' };

let w: Two;
let alice = '';
let bob = '';
let channel = '';
let bot = '';
const runs: string[] = [];
const values: string[] = [];
const threads: string[] = [];
let approvalId = '';

beforeAll(async () => {
  w = await twoWorkspaces({
    more: async ({ id, teamA }) => {
      const member = `${teamA}/${await id('bob')}`;
      const workflow = (name: string, flow: Workflow['flow']): Workflow => ({
        ...plan,
        name,
        title: name,
        flow,
      });
      return {
        policy: readPolicy(
          { people: [member], expire_after: '24h' },
          { admin: [`${teamA}/${await id('alice')}`] },
          [],
          undefined,
          null,
        ),
        extraWorkflows: [
          workflow('ask', { kind: 'approval', id: 'keep', title: 'Secret of the first: keep it?', why: 'w' }),
          workflow('task', {
            kind: 'person',
            id: 'look',
            task: 'Secret of the first: look',
            people: [member],
          }),
          workflow('hold', { kind: 'wait', id: 'hold', signal: 'go' }),
        ],
      };
    },
  });
  for (const team of [w.teamA, w.teamB])
    expect(await w.install(`code-${team}`)).toMatchObject({ status: 200 });
  [alice, bob, channel, bot] = [
    await w.a.id('alice'),
    await w.a.id('bob'),
    await w.a.id('baton-epics'),
    w.slack.workspaces.of(w.teamA)?.botUser ?? '',
  ];
  for (const [n, word] of ['ask', 'ask', 'task', 'hold', 'ask', 'ask'].entries()) {
    await w.command(w.a, `${word} Secret of the first ${n}`);
    await until(async () => (await w.core.store.sessions.recent(w.teamA, 9)).length === n + 1);
    const [session] = await w.core.store.sessions.recent(w.teamA, 1);
    const runId = session?.currentRunId ?? '';
    runs.push(runId);
    await until(async () => (await w.core.outbox.ref(`epic:${session?.id}`)) !== null);
    // The first is a plan still, one is let go, and the last will be rejected, so that it can be taken back.
    if (n > 0) await w.core.orchestrator.answerPlan(runId, n === 4 ? 'cancel' : 'start', alice);
  }
  const [, asked = '', tasked = '', , , last = ''] = runs;
  await until(async () => (await w.core.store.approvals.ofRun(last)).length === 1);
  const by = { id: bob, team: w.teamA, isBot: false, isGuest: false, isStranger: false };
  const nonce = (await w.core.store.approvals.ofRun(last))[0]?.nonce ?? '';
  await w.core.orchestrator.approvals.decide({ nonce, by, place: 'x' }, 'reject', 'no');
  await until(async () => (await w.core.store.runs.status(last))?.status === 'failed');
  await until(async () => (await w.core.store.approvals.ofRun(asked)).length === 1);
  await until(async () => (await w.core.store.personTasks.ofRun(tasked)).length === 1);
  const [approval] = await w.core.store.approvals.ofRun(asked);
  const [task] = await w.core.store.personTasks.ofRun(tasked);
  approvalId = approval?.id ?? '';
  expect(task?.people).toEqual([bob]);
  values.push(...runs, approval?.nonce ?? '', task?.nonce ?? '', approvalId);
  await until(async () => (await w.core.store.runs.status(runs[4] ?? ''))?.status === 'completed');
  await until(quiet);
  const places = z.array(z.object({ ts: z.string() }));
  threads.push(
    ...places.parse(w.read('select ts from messages where team = ?', w.teamA)).map(({ ts }) => ts),
  );
  expect(threads.length).toBeGreaterThanOrEqual(7);
}, 90_000);
afterAll(() => w.close());

/** Everything that happened has been told. */
async function quiet(): Promise<boolean> {
  const behind = w.read(
    'select 1 from runs r where r.projected_seq < (select max(e.seq) from events e where e.run_id = r.id)',
  );
  const unsaid = w.read("select 1 from outbox where status in ('pending', 'sending')");
  return behind.length === 0 && unsaid.length === 0;
}

/** All there is of the first workspace, and what is told there, row by row. */
function first(): string[] {
  const theirs = 'select r.id from runs r join sessions s on s.id = r.session_id where s.team = ?';
  const tables = [
    'select * from sessions where team = ? order by id',
    'select * from approvals where team = ? order by id',
    'select * from person_tasks where team = ? order by id',
    'select * from delegations where team = ? order by id',
    'select * from flags where team = ? order by name',
    'select id, team, key, kind, text from outbox where team = ? order by id',
    `select id, status from runs where id in (${theirs}) order by id`,
    `select run_id, seq, type from events where run_id in (${theirs}) order by rowid`,
    `select id, kind from decisions where run_id in (${theirs}) order by id`,
    `select run_id, name from signals where run_id in (${theirs}) order by id`,
  ];
  return tables.flatMap((sql) => w.read(sql, w.teamA).map((row) => JSON.stringify(row)));
}

/** What the second workspace was told, or is about to be told, of the first. */
function told(): string[] {
  const rows = z
    .array(z.object({ text: z.string(), blocks: z.string() }))
    .parse(w.read('select text, blocks from outbox where team = ?', w.teamB));
  return [...w.toB, ...rows.map(({ text, blocks }) => `${text} ${blocks}`)].filter((each) =>
    SECRET.test(each),
  );
}

type Deed = readonly [what: string, send: (team: string) => Promise<number>];
let count = 0;
const person = (team: string, id: string) => ({ id, team_id: team, username: 'x', name: 'x' });

/** A click on any button or choice there is. */
const click = (user: string, action: string, value: string): Deed => [
  `click ${action}`,
  (team) => {
    count += 1;
    return w.deliver(
      {
        type: 'block_actions',
        team: { id: team, domain: 'd' },
        user: person(team, user),
        channel: { id: channel },
        container: { type: 'message', message_ts: threads[0], channel_id: channel },
        trigger_id: `t${count}`,
        actions: [{ type: 'button', action_id: action, action_ts: `${count}.1`, block_id: 'x', value }],
      },
      true,
    );
  },
];

/** What makes a form whole, whichever it is. */
const CHOICES: Readonly<Record<string, string>> = {
  [actionIds.steerDo]: 'words',
  [actionIds.steerNode]: '*',
  [actionIds.rollbackLevel]: 'full',
  [actionIds.rollbackPoint]: 'good',
  [actionIds.startWorkflow]: 'ask',
};
const TYPED: Readonly<Record<string, string>> = {
  [actionIds.planBudget]: '5',
  [actionIds.planDeadline]: '2h',
};
function filled() {
  const fields = Object.fromEntries(
    Object.values(actionIds).map((action) => {
      const value = CHOICES[action] ?? bob;
      return [
        action,
        {
          type: 'x',
          value: TYPED[action] ?? 'second-word',
          selected_option: { value },
          selected_options: [],
        },
      ];
    }),
  );
  return Object.fromEntries(Object.values(inputIds).map((block) => [block, fields]));
}
const form = (user: string, callback: string, about: string): Deed => [
  `form ${callback}`,
  (team) => {
    count += 1;
    return w.deliver(
      {
        type: 'view_submission',
        team: { id: team, domain: 'd' },
        user: person(team, user),
        trigger_id: `t${count}`,
        view: {
          id: `V${count}`,
          hash: `h${count}`,
          type: 'modal',
          callback_id: callback,
          private_metadata: about,
          state: { values: filled() },
        },
      },
      true,
    );
  },
];
const command = (user: string, text: string): Deed => [
  `command ${text.split(' ')[0]}`,
  (team) => {
    count += 1;
    const fields = {
      command: '/orchestrate',
      text,
      team_id: team,
      channel_id: channel,
      user_id: user,
      trigger_id: `t${count}`,
    };
    return w.post(new URLSearchParams(fields).toString(), 'application/x-www-form-urlencoded');
  },
];
const write = (user: string, text: string, thread: string | null): Deed => [
  `words ${text.replace(/<[^>]*> /, '').split(' ')[0]}`,
  (team) => {
    count += 1;
    const where = thread === null ? { channel: 'D0DIRECT' } : { channel, thread_ts: thread };
    return w.event(team, { type: 'message', user, text, ts: `${1_900_000_000 + count}.000100`, ...where });
  },
];

/** Everything that somebody could try, by whoever could in the first workspace. */
function deeds(): Deed[] {
  const words = (id: string) =>
    RESERVED_WORDS.map((word) => (word === 'signal' ? `signal ${id} go` : `${word} ${id} because`));
  return [
    ...values.flatMap((value) =>
      Object.values(actionIds).map((action) =>
        click(
          action.startsWith('approval') || action.startsWith('task') ? bob : alice,
          action,
          action === actionIds.planOther ? `${value}/ask` : value,
        ),
      ),
    ),
    ...values.flatMap((value) =>
      Object.values(callbackIds).map((callback) =>
        form(/reject|changes|ask|task/.test(callback) ? bob : alice, callback, value),
      ),
    ),
    ...[...runs, approvalId].flatMap((id) => words(id).map((text) => command(alice, text))),
    ...threads.flatMap((ts) =>
      ['APPROVE', 'REJECT', `<@${bot}> stop`, `<@${bot}> pause`, 'done: all of it', `<@${bot}> status?`].map(
        (text) => write(/APPROVE|REJECT|done/.test(text) ? bob : alice, text, ts),
      ),
    ),
    ...runs.map((id) => write(alice, `stop ${id}`, null)),
    ['home', (team) => w.event(team, { type: 'app_home_opened', user: alice, tab: 'home' })],
  ];
}

describe('two workspaces with the same ids', () => {
  test('nothing that is done in one is about a run of the other', async () => {
    const was = first();
    const all = deeds();
    const kinds = new Set(all.map(([what]) => what));
    expect(all.length).toBeGreaterThan(600);
    expect(kinds.size).toBeGreaterThan(70);
    for (let at = 0; at < all.length; at += 25) {
      const batch = all.slice(at, at + 25);
      const answers = await Promise.all(batch.map(([, send]) => send(w.teamB)));
      // Inputs of forms have names too, and nobody listens to a click on one.
      for (const status of answers) expect([200, 404]).toContain(status);
      await w.settled();
      const what = `one of ${[...new Set(batch.map(([kind]) => kind))].join(', ')}`;
      const now = first();
      expect(
        now.filter((row) => !was.includes(row)),
        what,
      ).toEqual([]);
      expect(now.length, what).toBe(was.length);
      expect(told(), what).toEqual([]);
    }
    // The second workspace was told something about it, all the same, and its own runs are its own.
    expect(w.read('select 1 from outbox where team = ?', w.teamB).length).toBeGreaterThan(100);
    for (const { requester } of await w.core.store.sessions.recent(w.teamB, 50))
      expect([alice, bob]).toContain(requester);
  }, 120_000);

  test('the same deeds count where the runs are', async () => {
    const changing = new Set<string>();
    for (const [what, send] of [
      write(alice, `<@${bot}> pause`, threads[3] ?? ''),
      click(alice, actionIds.planSendBack, runs[0] ?? ''),
      form(bob, callbackIds.taskCannot, values.at(-2) ?? ''),
      command(alice, `signal ${runs[3]} go`),
      command(alice, `break-glass ${approvalId} because`),
      click(alice, actionIds.planStart, runs[0] ?? ''),
      form(alice, callbackIds.steer, runs[0] ?? ''),
      form(alice, callbackIds.rollback, runs[5] ?? ''),
    ]) {
      const before = first();
      expect(await send(w.teamA)).toBe(200);
      await w.settled();
      if (first().join() !== before.join()) changing.add(what);
    }
    expect(changing.size).toBeGreaterThanOrEqual(7);
    expect(told()).toEqual([]);
  }, 60_000);
});
