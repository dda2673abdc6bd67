import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RESERVED_WORDS } from '../../commands/reserved.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { actionIds, callbackIds } from '../../src/slack/actions.ts';
import { ABOUT_PEOPLE, PEOPLE, ROLES, type RoleName, rows } from './gate-table.ts';
import { choice, requests, text } from './requests.ts';
import { startWorld, until, type World } from './world.ts';

/**
 * docs/roles.md says who may do what. Every button, form and word in it is tried by somebody of every role, as a request
 * that Slack might send, and Baton does as the table says. Whoever is refused is told so and is in the audit.
 */
/** Parts of forms: what is chosen or typed in them is sent with the form. */
const INPUTS = new Set(
  Object.values(actionIds).filter((id) =>
    /^(rollback_(point|level)|start_|reason_text|changes_text|plan_(stages|order|agent|group|budget|deadline|words)|steer_(node|do|text)|save_|ask_text|amount_text|contents_text|task_(field|text|to))/.test(
      id,
    ),
  ),
);
const workflow = (name: string, flow: Workflow['flow']): Workflow => ({
  name,
  title: name,
  description: 'd',
  how: 'h',
  why: 'w',
  flow,
});

let w: World;
let database: Database.Database;
const ids = new Map<string, string>();
const runs = new Map<string, string>();
let nonce = '';
let approvalId = '';
let task = '';
let thread = '';
let count = 0;

beforeAll(async () => {
  w = await startWorld({
    members: 3,
    isStranger: (id) => id === ids.get('member3'),
    more: async (id) => {
      for (const name of Object.values(PEOPLE)) ids.set(name, await id(name));
      const of = (role: RoleName): string[] => [ids.get(PEOPLE[role]) ?? ''];
      return {
        extraWorkflows: [
          workflow('ask', { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' }),
          workflow('byhand', {
            kind: 'person',
            id: 'photos',
            task: 'Take photographs',
            people: of('approver'),
          }),
        ],
        policy: readPolicy(
          { remind_after: '10h', escalate_after: '20h', expire_after: '30h' },
          {
            viewer: of('viewer'),
            requester: [...of('asked'), ...of('requester')],
            approver: of('approver'),
            admin: of('admin'),
          },
        ),
      };
    },
  });
  database = new Database(path.join(w.home, 'baton.db'), { readonly: true });
  const alice = ids.get('alice') ?? '';
  for (const [title, word] of [
    ['waits', 'ask'],
    ['asks', 'ask'],
    ['hands', 'byhand'],
    ['over', 'ask'],
  ] as const) {
    await w.command('alice', `${word} ${title}`);
    const epic = await w.find('alice', new RegExp(`^${title}.*Estimate`, 's'));
    const session = (await w.core.store.sessions.recent(w.team, 10)).find(({ request }) => request === title);
    const runId = session?.currentRunId ?? '';
    runs.set(title, runId);
    if (title === 'waits') continue;
    expect(await w.core.orchestrator.answerPlan(runId, 'start', alice)).toBe('done');
    const waits = async () =>
      [...(await w.core.store.approvals.ofRun(runId)), ...(await w.core.store.personTasks.ofRun(runId))][0];
    await until(async () => (await waits()) !== undefined);
    const found = await waits();
    if (title === 'asks') [nonce, approvalId, thread] = [found?.nonce ?? '', found?.id ?? '', epic.ts];
    if (title === 'hands') task = found?.nonce ?? '';
    if (title === 'over') expect(await w.core.orchestrator.stop(runId, alice)).toBe('done');
  }
}, 120_000);
afterAll(async () => {
  database.close();
  await w.close();
});

const { press, form, say, write } = requests(
  () => w,
  () => count,
  () => thread,
);
const run = (title: string) => () => runs.get(title) ?? '';

/** How each row is tried. */
const TRIED: Readonly<Record<string, (user: string) => Promise<void>>> = {
  ...Object.fromEntries(
    ['plan_start', 'plan_cancel', 'plan_edit', 'plan_send_back', 'plan_save', 'run_details'].map((id) => [
      id,
      press(id, run('waits')),
    ]),
  ),
  plan_other: press('plan_other', () => `${runs.get('waits')}/byhand`),
  ...Object.fromEntries(
    ['run_stop', 'run_pause', 'run_resume', 'run_steer', 'run_retry'].map((id) => [
      id,
      press(id, run('asks')),
    ]),
  ),
  ...Object.fromEntries(
    ['run_again', 'run_hand_over', 'run_rollback'].map((id) => [id, press(id, run('over'))]),
  ),
  ...Object.fromEntries(
    [
      'approval_approve',
      'approval_reject',
      'approval_changes',
      'approval_ask',
      'approval_edit',
      'budget_amount',
    ].map((id) => [id, press(id, () => nonce)]),
  ),
  ...Object.fromEntries(
    ['task_done', 'task_hand_over', 'task_cannot'].map((id) => [id, press(id, () => task)]),
  ),
  start_form: form('start_form', () => w.channel, {
    ...choice('workflow', 'start_workflow', 'ask'),
    ...text('request', 'start_request', 'By the form'),
  }),
  reject_form: form('reject_form', () => nonce, text('reason', 'reason_text', 'no')),
  changes_form: form('changes_form', () => nonce, text('changes', 'changes_text', 'more')),
  ask_form: form('ask_form', () => nonce, text('ask', 'ask_text', 'why?')),
  amount_form: form('amount_form', () => nonce, text('amount', 'amount_text', '5')),
  contents_form: form('contents_form', () => nonce, text('contents0', 'contents_text', 'both')),
  plan_edit_form: form('plan_edit_form', run('waits'), {}),
  plan_send_back_form: form('plan_send_back_form', run('waits'), text('words', 'plan_words', 'smaller')),
  plan_save_form: form('plan_save_form', run('waits'), text('name', 'save_name', 'kept-here')),
  steer_form: form('steer_form', run('asks'), {
    ...choice('deed', 'steer_do', 'words'),
    ...text('words', 'steer_text', 'use tabs'),
  }),
  rollback_form: form('rollback_form', run('over'), {
    ...choice('level', 'rollback_level', 'full'),
    ...choice('point', 'rollback_point', '-'),
  }),
  task_done_form: form('task_done_form', () => task, text('words', 'task_text', 'taken')),
  task_hand_over_form: form('task_hand_over_form', () => task, choice('to', 'task_to', 'UNOBODY')),
  task_cannot_form: form('task_cannot_form', () => task, text('words', 'task_text', 'no camera')),
  ...Object.fromEntries(
    ['status', 'list', 'workflows', 'agents', 'cost', 'history', 'help', 'flag', 'delegate list'].map(
      (word) => [`/orchestrate ${word}`, say(() => word)],
    ),
  ),
  '/orchestrate show': say(() => `show ${runs.get('asks')}`),
  ...Object.fromEntries(
    ['pause', 'resume', 'undo', 'cancel'].map((word) => [
      `/orchestrate ${word}`,
      say(() => `${word} ${runs.get('asks')}`),
    ]),
  ),
  '/orchestrate retry': say(() => `retry ${runs.get('over')}`),
  '/orchestrate rollback': say(() => `rollback ${runs.get('over')} full`),
  '/orchestrate hand-over': say(() => `hand-over ${runs.get('over')}`),
  '/orchestrate signal': say(() => `signal ${runs.get('asks')} go`),
  '/orchestrate': say(() => ''),
  '/orchestrate <workflow>': say(() => 'ask by the command'),
  '/orchestrate agents quarantine': say(() => 'agents quarantine backend odd tests'),
  '/orchestrate flag <name>': say(() => 'flag canary on'),
  '/orchestrate delegate': say(() => `delegate <@${ids.get('bob')}> for 1d`),
  '/orchestrate break-glass': say(() => `break-glass ${approvalId} because`),
  '@Baton <workflow>': write('ask by a mention'),
  '@Baton stop': write('stop'),
  '@Baton use tabs': write('use tabs instead of spaces'),
};

const reasonSchema = z.looseObject({ why: z.string().optional(), refusal: z.string().optional() });
/** Why somebody was turned away since a row of the audit. */
function reasons(user: string, since: number): string[] {
  const found = database
    .prepare(
      "select detail from audit where seq > ? and actor = ? and kind in ('turned_away', 'approval.refused')",
    )
    .pluck()
    .all(since, user);
  return z
    .array(z.string())
    .parse(found)
    .map((detail) => {
      const { why, refusal } = reasonSchema.parse(JSON.parse(detail));
      return why ?? refusal ?? '';
    });
}
const last = (from: string): number =>
  z.number().parse(
    database
      .prepare(`select coalesce(max(${from === 'audit' ? 'seq' : 'id'}), 0) from ${from}`)
      .pluck()
      .get(),
  );
const told = (user: string, since: number): number =>
  z
    .number()
    .parse(
      database
        .prepare(
          "select count(*) from outbox where id > ? and key like 'answer:%' and (user = ? or target like ?)",
        )
        .pluck()
        .get(since, user, `%${user}%`),
    );

describe('docs/roles.md', () => {
  test('has a row for every button, form and word there is, and none for another', () => {
    const buttons = Object.values(actionIds).filter((id) => !INPUTS.has(id));
    const words = RESERVED_WORDS.map((word) => `/orchestrate ${word}`);
    const named = new Set(rows.map(({ name }) => name));
    expect([...buttons, ...Object.values(callbackIds), ...words].filter((name) => !named.has(name))).toEqual(
      [],
    );
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(TRIED).sort());
  });

  test('says of everybody yes or no', () => {
    for (const { name, may, mayNot } of rows)
      expect([...may, ...mayNot].sort(), name).toEqual([...ROLES].sort());
    // Neither is for nobody: a table that refuses all, or allows all, would prove little.
    expect(rows.flatMap(({ mayNot }) => mayNot).length).toBeGreaterThan(150);
    expect(rows.flatMap(({ may }) => may).length).toBeGreaterThan(100);
  });
});

// Before the hundreds of answers that the others queue: a channel takes one a second.
describe('a viewer on the desk', () => {
  const viewer = () => ids.get(PEOPLE.viewer) ?? '';
  const theirs = async () => (await w.seen('carol')).filter(({ ephemeralFor }) => ephemeralFor !== null);
  /** What the viewer alone reads after they did something: one answer, where they look, and no form. */
  async function answered(act: () => Promise<unknown>): Promise<string> {
    const before = (await theirs()).length;
    const audit = last('audit');
    await act();
    await until(async () => (await theirs()).length > before);
    await w.settled();
    const [answer, ...more] = (await theirs()).slice(before);
    expect(more).toEqual([]);
    expect(answer?.threadTs).toBeNull();
    expect((await w.desk.snapshot(viewer())).modals).toEqual([]);
    expect(reasons(viewer(), audit).filter((why) => ABOUT_PEOPLE.has(why))).toHaveLength(1);
    return answer?.text ?? '';
  }
  const epicOf = (title: string) => w.find('carol', new RegExp(`^${title}\\b`));

  test('is told at once in place of a form that they could not send', async () => {
    await w.command('alice', 'ask steered');
    const session = async () =>
      (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === 'steered');
    await w.find('alice', /^steered.*Estimate/s);
    const plan = await epicOf('steered');
    expect(await answered(() => w.click('carol', plan, 'plan_save'))).toContain('not among those who may');
    const runId = (await session())?.currentRunId ?? '';
    expect(await w.core.orchestrator.answerPlan(runId, 'start', ids.get('alice') ?? '')).toBe('done');
    await w.find('carol', /^steered.*Needs/s);
    const epic = await epicOf('steered');
    expect(await answered(() => w.click('carol', epic, 'run_steer'))).toContain('not change it');
    expect(await answered(() => w.command('carol', ''))).toContain('not among those who may start');
  });

  test('is not told that work is on its way which they may not ask for', async () => {
    const before = (await w.seen('carol')).length;
    await w.command('carol', 'ask Not mine');
    await w.find('carol', 'not among those who may start');
    await w.settled();
    const said = (await w.seen('carol')).slice(before).map(({ text }) => text);
    expect(said.filter((text) => text.includes('On it'))).toEqual([]);
    await w.command('alice', 'ask Hers');
    await w.find('alice', 'On it: reading');
  });
});

test('whoever may not is refused by who they are, told so, and in the audit; nothing changes', async () => {
  const state = async () =>
    JSON.stringify(
      await Promise.all(
        [...runs.values()].map(async (id) => [
          (await w.core.store.runs.status(id))?.status,
          (await w.core.store.approvals.ofRun(id)).map(({ status, votes }) => [status, votes]),
          (await w.core.store.personTasks.ofRun(id)).map(({ status, assignee }) => [status, assignee]),
          (await w.core.store.decisions.ofRun(id)).length,
        ]),
      ),
    );
  const before = await state();
  const sessions = (await w.core.store.sessions.recent(w.team, 50)).length;
  for (const { name, mayNot } of rows)
    for (const role of mayNot) {
      count += 1;
      const user = ids.get(PEOPLE[role]) ?? '';
      const [audit, outbox] = [last('audit'), last('outbox')];
      await TRIED[name]?.(user);
      const about = () => reasons(user, audit).some((why) => ABOUT_PEOPLE.has(why));
      await until(async () => about() && told(user, outbox) > 0).catch(() => {
        throw new Error(`${role} tried ${name}: ${reasons(user, audit)}; told ${told(user, outbox)} times`);
      });
    }
  expect(await state()).toBe(before);
  expect((await w.core.store.sessions.recent(w.team, 50)).length).toBe(sessions);
}, 180_000);

test('whoever may is refused by nothing that is about who they are', async () => {
  for (const { name, may } of rows)
    for (const role of may) {
      count += 1;
      const user = ids.get(PEOPLE[role]) ?? '';
      const audit = last('audit');
      await TRIED[name]?.(user);
      await w.settled();
      const about = reasons(user, audit).filter((why) => ABOUT_PEOPLE.has(why) || why === 'unknown');
      expect(about, `${role} tried ${name}`).toEqual([]);
    }
}, 180_000);

describe('the same once more', () => {
  /** A run of alice's that has come so far: its plan waits, or it was started and asks. */
  async function begun(word: string, title: string, started: boolean) {
    await w.command('alice', `${word} ${title}`);
    const session = async () =>
      (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === title);
    const status = async () =>
      (await w.core.store.runs.status((await session())?.currentRunId ?? ''))?.status;
    await until(async () => (await status()) === 'waiting');
    const runId = (await session())?.currentRunId ?? '';
    if (started)
      expect(await w.core.orchestrator.answerPlan(runId, 'start', ids.get('alice') ?? '')).toBe('done');
    return runId;
  }
  async function asked(runId: string): Promise<string> {
    const { approvals, personTasks } = w.core.store;
    const all = async () => [...(await approvals.ofRun(runId)), ...(await personTasks.ofRun(runId))];
    await until(async () => (await all()).length > 0);
    return (await all())[0]?.nonce ?? '';
  }
  /** Presses twice. Returns why the second led nowhere. */
  async function twice(who: string, pressed: (user: string) => Promise<void>): Promise<string[]> {
    const user = ids.get(who) ?? '';
    count += 1;
    const first = last('audit');
    await pressed(user);
    await w.settled();
    expect(reasons(user, first), 'the first').toEqual([]);
    count += 1;
    const [audit, outbox] = [last('audit'), last('outbox')];
    await pressed(user);
    await until(async () => told(user, outbox) > 0);
    await w.settled();
    return reasons(user, audit);
  }

  test.each([
    ['plan_start', 'already', false],
    ['plan_cancel', 'already', false],
    ['run_stop', 'already', true],
    ['run_pause', 'already', true],
  ] as const)('%s: %s', async (action, why, started) => {
    const runId = await begun('ask', `${action} twice`, started);
    if (started) await asked(runId);
    expect(
      await twice(
        'alice',
        press(action, () => runId),
      ),
    ).toEqual([why]);
  });

  test('Approve by the same person: it is approved already', async () => {
    const found = await asked(await begun('ask', 'approved twice', true));
    expect(
      await twice(
        'bob',
        press('approval_approve', () => found),
      ),
    ).toEqual(['already_decided']);
  });

  test('Done on a task: it is done already', async () => {
    const found = await asked(await begun('byhand', 'done twice', true));
    const done = form('task_done_form', () => found, text('words', 'task_text', 'taken'));
    expect(await twice('bob', done)).toEqual(['done']);
  });
});
