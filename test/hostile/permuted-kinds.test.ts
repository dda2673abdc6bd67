import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Workflow } from '../../src/domain/workflow.ts';
import { rows as table } from '../handlers/gate-table.ts';
import { choice, requests, text } from '../handlers/requests.ts';
import { type Kept, startWorld, until, type World } from '../handlers/world.ts';
import { anew, exchanged, leaves, MATTERS, read } from './exchange.ts';

/**
 * Every button, form and word there is (docs/roles.md has them all), about the work of two people who have nothing to do with
 * each other, with every field that matters exchanged for that of somebody else, of the other's work, of another workspace:
 * nothing changes. As it was, each counts.
 */
const NAMES = ['alice', 'bob', 'carol', 'dave', 'member1', 'member2', 'member3'] as const;
const ids = new Map<string, string>();
const idOf = (name: string): string => ids.get(name) ?? '';

/** What is one person's own affair, or nobody's: an exchange makes it a request like any other. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  start_form: 'whoever sends it asks for work of their own',
  '/orchestrate <workflow>': 'whoever says it asks for work of their own',
  '@Baton <workflow>': 'whoever says it asks for work of their own',
  plan_save_form: 'any member may keep how something was done',
  '/orchestrate delegate': 'whoever says it speaks for themselves alone',
  '/orchestrate agents quarantine':
    'about no run and no person; test/handlers/gates.test.ts tries it role by role',
  '/orchestrate flag <name>': 'about no run and no person; test/handlers/gates.test.ts tries it role by role',
  '/orchestrate break-glass':
    'allowed to admins alone, of whom there are none here; test/handlers/gates.test.ts has one',
};

interface Owner {
  readonly asks: string;
  readonly decides: string;
  readonly does: readonly string[];
  readonly runs: Map<string, string>;
  nonce: string;
  task: string;
  assignee: string;
  thread: string;
}
const owner = (asks: string, decides: string, second: string): Owner => ({
  asks,
  decides,
  does: [decides, second],
  runs: new Map(),
  nonce: '',
  task: '',
  assignee: '',
  thread: '',
});
const OWNERS = [owner('alice', 'bob', 'member2'), owner('carol', 'member1', 'member3')];

let w: World;
let database: Database.Database;
let count = 0;

function workflow(name: string, flow: Workflow['flow']): Workflow {
  return { name, title: name, description: 'd', how: 'h', why: 'w', flow };
}

beforeAll(async () => {
  w = await startWorld({
    members: 3,
    more: async (id) => {
      for (const name of NAMES) ids.set(name, await id(name));
      return {
        extraWorkflows: OWNERS.flatMap(({ asks, decides, does }) => [
          workflow(`ask-${asks}`, {
            kind: 'approval',
            id: 'keep',
            title: 'Keep it?',
            why: 'Built.',
            people: [idOf(decides)],
            on_changes: { kind: 'command', id: 'touch', run: ['true'] },
          }),
          workflow(`hand-${asks}`, {
            kind: 'person',
            id: 'photos',
            task: 'Take them',
            people: does.map(idOf),
          }),
        ]),
      };
    },
  });
  database = new Database(path.join(w.home, 'baton.db'), { readonly: true });
  for (const each of OWNERS) {
    const { asks, runs } = each;
    for (const title of ['planned', 'asked', 'paused', 'over', 'hands']) {
      const said = `${title} of ${asks}`;
      await w.command(asks, `${title === 'hands' ? 'hand' : 'ask'}-${asks} ${said}`);
      const epic = await w.find(asks, new RegExp(`${said}.*Estimate`, 's'));
      const found = (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === said);
      const runId = found?.currentRunId ?? '';
      runs.set(title, runId);
      if (title === 'planned') continue;
      expect(await w.core.orchestrator.answerPlan(runId, 'start', idOf(asks))).toBe('done');
      const waits = async () => [
        ...(await w.core.store.approvals.ofRun(runId)),
        ...(await w.core.store.personTasks.ofRun(runId)),
      ];
      await until(async () => (await waits()).length > 0);
      const nonce = (await waits())[0]?.nonce ?? '';
      if (title === 'asked') Object.assign(each, { nonce, thread: epic.ts });
      if (title === 'paused')
        expect(await w.core.steer.pause(runId, idOf(asks), `hold-${asks}`)).toBe('done');
      if (title === 'over') {
        await w.core.orchestrator.stop(runId, idOf(asks));
        await until(async () => (await w.core.store.runs.status(runId))?.status === 'cancelled');
      }
      if (title === 'hands') {
        const task = (await w.core.store.personTasks.ofRun(runId))[0];
        const assignee = NAMES.find((name) => idOf(name) === task?.assignee) ?? '';
        Object.assign(each, { task: nonce, assignee });
      }
    }
  }
  await w.settled();
  await w.said();
}, 180_000);
afterAll(async () => {
  database.close();
  await w.close();
});

interface Captured extends Kept {
  readonly row: string;
  readonly of: Owner;
  readonly by: string;
}

/** Each row of the table as a request of whoever may, kept back. */
async function captureAll(of: Owner): Promise<Captured[]> {
  const kept: Captured[] = [];
  let row = '';
  let by = '';
  const recorder: World = {
    ...w,
    post: {
      ...w.post,
      send: async (one) => {
        kept.push({ ...one, row, of, by });
        return { status: 200, text: '' };
      },
    },
  };
  const { press, form, say, write } = requests(
    () => recorder,
    () => count,
    () => of.thread,
  );
  const run = (title: string) => () => of.runs.get(title) ?? '';
  type Make = (user: string) => Promise<void>;
  const about: readonly (readonly [by: string, makes: Readonly<Record<string, Make>>])[] = [
    [
      of.asks,
      {
        ...Object.fromEntries(
          ['plan_start', 'plan_cancel', 'plan_edit', 'plan_send_back', 'plan_save', 'run_details'].map(
            (id) => [id, press(id, run('planned'))],
          ),
        ),
        plan_other: press('plan_other', () => `${run('planned')()}/hand-${of.asks}`),
        plan_edit_form: form('plan_edit_form', run('planned'), text('deadline', 'plan_deadline', '2h')),
        plan_send_back_form: form(
          'plan_send_back_form',
          run('planned'),
          text('words', 'plan_words', 'smaller'),
        ),
        ...Object.fromEntries(
          ['run_stop', 'run_pause', 'run_steer'].map((id) => [id, press(id, run('asked'))]),
        ),
        ...Object.fromEntries(['run_resume', 'run_retry'].map((id) => [id, press(id, run('paused'))])),
        ...Object.fromEntries(
          ['run_again', 'run_hand_over', 'run_rollback'].map((id) => [id, press(id, run('over'))]),
        ),
        steer_form: form('steer_form', run('asked'), {
          ...choice('deed', 'steer_do', 'words'),
          ...text('words', 'steer_text', 'use tabs'),
        }),
        rollback_form: form('rollback_form', run('over'), {
          ...choice('level', 'rollback_level', 'full'),
          ...choice('point', 'rollback_point', '-'),
        }),
        ...Object.fromEntries(
          ['status', 'list', 'workflows', 'agents', 'cost', 'history', 'help', 'flag', 'delegate list'].map(
            (word) => [`/orchestrate ${word}`, say(() => word)],
          ),
        ),
        '/orchestrate': say(() => ''),
        '/orchestrate show': say(() => `show ${run('asked')()}`),
        ...Object.fromEntries(
          ['pause', 'undo', 'cancel'].map((word) => [
            `/orchestrate ${word}`,
            say(() => `${word} ${run('asked')()}`),
          ]),
        ),
        '/orchestrate resume': say(() => `resume ${run('paused')()}`),
        '/orchestrate retry': say(() => `retry ${run('over')()}`),
        '/orchestrate rollback': say(() => `rollback ${run('over')()} full`),
        '/orchestrate hand-over': say(() => `hand-over ${run('over')()}`),
        '/orchestrate signal': say(() => `signal ${run('asked')()} go`),
        '@Baton stop': write('stop'),
        '@Baton use tabs': write('use tabs instead of spaces'),
      },
    ],
    [
      of.decides,
      {
        ...Object.fromEntries(
          [
            'approval_approve',
            'approval_reject',
            'approval_changes',
            'approval_ask',
            'approval_edit',
            'budget_amount',
          ].map((id) => [id, press(id, () => of.nonce)]),
        ),
        reject_form: form('reject_form', () => of.nonce, text('reason', 'reason_text', 'no')),
        changes_form: form('changes_form', () => of.nonce, text('changes', 'changes_text', 'more')),
        ask_form: form('ask_form', () => of.nonce, text('ask', 'ask_text', 'why?')),
        amount_form: form('amount_form', () => of.nonce, text('amount', 'amount_text', '5')),
        contents_form: form('contents_form', () => of.nonce, text('contents0', 'contents_text', 'both')),
      },
    ],
    [
      of.assignee,
      {
        ...Object.fromEntries(
          ['task_done', 'task_hand_over', 'task_cannot'].map((id) => [id, press(id, () => of.task)]),
        ),
        task_done_form: form('task_done_form', () => of.task, text('words', 'task_text', 'taken')),
        task_hand_over_form: form(
          'task_hand_over_form',
          () => of.task,
          choice('to', 'task_to', idOf(of.does.find((name) => name !== of.assignee) ?? '')),
        ),
        task_cannot_form: form('task_cannot_form', () => of.task, text('words', 'task_text', 'no camera')),
      },
    ],
  ];
  for (const [who, makes] of about)
    for (const [name, make] of Object.entries(makes)) {
      [row, by] = [name, who];
      count += 1;
      await make(idOf(who));
    }
  return kept;
}

async function state(): Promise<string> {
  const { runs, approvals, personTasks, decisions, projections, sessions } = w.core.store;
  const found = [];
  for (const of of OWNERS)
    for (const id of of.runs.values())
      found.push([
        (await runs.status(id))?.status,
        (await approvals.ofRun(id)).map((each) => ({ ...each, auditHash: null })),
        (await personTasks.ofRun(id)).map(({ status, assignee }) => [status, assignee]),
        (await decisions.ofRun(id)).length,
        (await projections.events(id, 0, 1_000)).length,
        await runs.parts(id),
      ]);
  return JSON.stringify([
    found,
    (await sessions.recent(w.team, 50)).map(({ id, currentRunId }) => [id, currentRunId]),
    z.number().parse(database.prepare('select count(*) from runs').pluck().get()),
  ]);
}

const traces = (): number =>
  z
    .number()
    .parse(
      database.prepare('select (select count(*) from audit) + (select max(id) from outbox)').pluck().get(),
    );

/** Whoever else may do this about this owner's work. */
function mayToo({ row, of }: Captured): ReadonlySet<string> {
  const names = row.startsWith('task_') ? [of.asks, ...of.does] : [];
  return new Set(names.map(idOf));
}

/** All that stands in place of a field: of other people, of the other owner's, of another workspace, and of nobody. */
function instead(one: Captured, other: Captured, at: string): Set<string> {
  const theirs = leaves(read(other).data).flatMap(([path, value]) => (path === at ? [value] : []));
  const pool = new Set([
    ...theirs,
    ...(/user/.test(at) ? [other.of.asks, other.of.decides, 'dave'].map(idOf) : []),
    ...(/user/.test(at) ? [idOf(one.of.asks), idOf(one.of.decides), 'UNOBODY'] : []),
    ...(/team|enterprise/.test(at) ? ['TELSEWHERE', ''] : []),
    ...(/value|metadata/.test(at) ? ['run_%', ''] : []),
  ]);
  if (/user/.test(at)) for (const id of mayToo(one)) pool.delete(id);
  return pool;
}

describe('every button, form and word', () => {
  let captured: Captured[] = [];
  beforeAll(async () => {
    for (const of of OWNERS) captured.push(...(await captureAll(of)));
  });
  const sendAs = async (one: Captured, data: ReturnType<typeof read>['data']): Promise<void> => {
    count += 1;
    await w.post.send(read(one).write(anew(data, count)), w.clock.now());
    await w.settled();
  };

  test('is captured, or left out for a reason that is said', () => {
    const rows = new Set(captured.map(({ row }) => row));
    expect(table.map(({ name }) => name).filter((name) => !rows.has(name) && !(name in LEFT_OUT))).toEqual(
      [],
    );
    expect([...rows].filter((row) => row in LEFT_OUT)).toEqual([]);
    expect(captured.length).toBe(2 * rows.size);
  });

  test('with a field exchanged changes nothing, and is answered or in the audit', async () => {
    const was = await state();
    let sent = 0;
    // Of each row the one owner's or the other's, in turn: both are of one kind.
    const rows = [...new Set(captured.map(({ row }) => row))];
    for (const one of captured.filter(({ row, of }) => of === OWNERS[rows.indexOf(row) % 2])) {
      const other = captured.find(({ row, of }) => row === one.row && of !== one.of);
      if (other === undefined) throw new Error(one.row);
      const { data } = read(one);
      for (const [at, value] of leaves(data)) {
        if (!MATTERS.test(at)) continue;
        const pool = instead(one, other, at);
        pool.delete(value);
        for (const each of pool) {
          const before = traces();
          await sendAs(one, exchanged(data, at, each));
          sent += 1;
          const what = `${one.row} of ${one.of.asks}: ${at} as ${each}`;
          // A form is looked for after the acknowledgement: what came of it may take a moment longer.
          await until(async () => traces() > before).catch(() => {
            throw new Error(`${what} left no trace`);
          });
        }
      }
      await w.settled();
      expect(await state(), `${one.row} of ${one.of.asks}`).toBe(was);
    }
    expect(sent).toBeGreaterThan(250);
  }, 240_000);

  test('as it was, it counts', async () => {
    const [first = OWNERS[0], second = OWNERS[1]] = OWNERS;
    const sequence: readonly (readonly [Owner | undefined, string])[] = [
      [first, 'run_pause'],
      [first, 'run_resume'],
      [second, '/orchestrate pause'],
      [second, '/orchestrate resume'],
      [first, 'steer_form'],
      [second, '@Baton use tabs'],
      [first, 'ask_form'],
      [first, 'plan_send_back_form'],
      [second, 'plan_other'],
      [first, 'task_hand_over_form'],
      [second, 'task_cannot_form'],
      [first, 'rollback_form'],
      [second, 'run_again'],
      [second, 'run_stop'],
    ];
    for (const [of, row] of sequence) {
      const one = captured.find((each) => each.row === row && each.of === of);
      if (one === undefined) throw new Error(row);
      const before = await state();
      await sendAs(one, read(one).data);
      await until(async () => (await state()) !== before).catch(() => {
        throw new Error(`${row} of ${of?.asks} was idle`);
      });
    }
    captured = [];
  }, 120_000);
});
