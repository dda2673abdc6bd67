import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { sessionDefinitionSchema } from '../../src/orchestrator/contracts.ts';
import { startWorld, until, type World } from './world.ts';

const team: Workflow = {
  name: 'team',
  title: 'A team',
  description: 'd',
  how: 'as the file says',
  why: 'w',
  flow: {
    kind: 'sequence',
    id: 'team',
    stages: [
      { kind: 'agent', id: 'design', agent: 'architect', task: 't' },
      {
        kind: 'parallel',
        id: 'build',
        branches: [
          { kind: 'agent', id: 'code', agent: 'backend', task: 't' },
          { kind: 'agent', id: 'tests', agent: 'qa', task: 't' },
        ],
      },
      { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' },
    ],
  },
};

let w: World;
beforeAll(async () => {
  w = await startWorld({ workflows: [team] });
});
afterAll(() => w.close());

async function planned(name: string) {
  expect(await w.command('alice', `team ${name}`)).toEqual({ ok: true });
  return w.find('alice', new RegExp(`${name}.*Estimate`, 's'));
}
const session = async (name: string) => {
  const found = (await w.core.store.sessions.recent((await w.desk.snapshot()).team.id, 50)).find(
    ({ request }) => request === name,
  );
  if (found === undefined) throw new Error(`no session ${name}`);
  return found;
};
const definition = async (runId: string) =>
  sessionDefinitionSchema.parse((await w.core.store.runs.status(runId))?.spec.definition);
const status = async (runId: string) => (await w.core.store.runs.status(runId))?.status;
/** The card as it stands, once it says so. */
async function card(epic: Message, words: RegExp): Promise<Message> {
  let now: Message | undefined;
  await until(async () => {
    now = (await w.seen('alice')).find(({ ts }) => ts === epic.ts);
    return now !== undefined && words.test(now.text);
  });
  if (now === undefined) throw new Error('unreachable');
  return now;
}
const text = (value: string | null) => ({ type: 'plain_text_input', value });
const chosen = (value: string) => ({
  type: 'static_select',
  selected_option: { text: { type: 'plain_text', text: value }, value },
});
const ticked = (...values: string[]) => ({
  type: 'checkboxes',
  selected_options: values.map((value) => ({ text: { type: 'plain_text', text: value }, value })),
});
function form(change: Record<string, unknown> = {}) {
  return {
    'stages-0': { plan_stages: ticked('design', 'build', 'code', 'tests') },
    order: { plan_order: text('design, build, keep') },
    'group-0': { plan_group: chosen('parallel') },
    'agent-0': { plan_agent: chosen('architect') },
    'agent-1': { plan_agent: chosen('backend') },
    'agent-2': { plan_agent: chosen('qa') },
    budget: { plan_budget: text(null) },
    deadline: { plan_deadline: text(null) },
    ...change,
  };
}

describe('a plan in the form', () => {
  test('edited: what was asked for with the request stands, and its time still counts from the request', async () => {
    expect(await w.command('alice', 'team wished by:2h quality:high pattern:one-agent')).toEqual({
      ok: true,
    });
    const epic = await w.find('alice', /wished.*Estimate/s);
    expect(epic.text).toContain('high quality, within 2h of the request');
    const before = await session('wished');
    await w.click('alice', epic, 'plan_edit');
    const view = await w.modal('alice');
    const answer = await w.submit('alice', view.id, {
      'stages-0': { plan_stages: ticked('build', 'verify') },
      order: { plan_order: text('build, verify, keep') },
      'agent-0': { plan_agent: chosen('developer') },
      budget: { plan_budget: text('3') },
      deadline: { plan_deadline: text('2h') },
    });
    expect(answer).toEqual({ ok: true });
    await card(epic, /Changed by .*budget \$3/s);
    const after = await session('wished');
    const dueAt = before.createdAt + 7_200_000;
    expect(await definition(after.currentRunId)).toMatchObject({
      wanted: { quality: 'high' },
      pattern: 'one-agent',
      limits: { budgetUsd: 3, withinMs: 7_200_000, dueAt },
    });
  });

  test('edited: what starts is what was edited, pinned anew, with who changed what; the old buttons are void', async () => {
    const epic = await planned('edited');
    const before = await session('edited');
    await w.click('alice', epic, 'plan_edit');
    const view = await w.modal('alice');
    expect(view.callbackId).toBe('plan_edit_form');
    const answer = await w.submit(
      'alice',
      view.id,
      form({
        'stages-0': { plan_stages: ticked('design', 'build', 'code') },
        'agent-1': { plan_agent: chosen('frontend') },
        budget: { plan_budget: text('2.50') },
        deadline: { plan_deadline: text('2h') },
      }),
    );
    expect(answer).toEqual({ ok: true });
    const fresh = await card(epic, /Changed by .*tests left out/s);
    expect(fresh.text).toContain('code: frontend instead of backend');
    expect(fresh.text).toContain('budget $2.50; within 2h');
    expect(fresh.text).not.toContain('as the file says');

    const after = await session('edited');
    expect(after.currentRunId).not.toBe(before.currentRunId);
    expect(await status(before.currentRunId)).toBe('cancelled');
    const made = await definition(after.currentRunId);
    expect(JSON.stringify(made.workflow)).not.toContain('"tests"');
    expect(made.roles.map(({ name }) => name)).toContain('frontend');
    expect(made.limits).toEqual({ budgetUsd: 2.5, withinMs: 7_200_000 });
    const runs = [before.currentRunId, after.currentRunId];
    const [was, is] = await Promise.all(
      runs.map(async (id) => (await w.core.store.runs.status(id))?.spec.hash),
    );
    expect(is).not.toBe(was);
    const decisions = await w.core.store.decisions.ofRun(after.currentRunId);
    expect(decisions).toMatchObject([
      { kind: 'plan', choice: 'edit', actor: await w.desk.id('alice'), evidence: { before: was, after: is } },
    ]);
    expect(decisions[0]?.reason).toContain('tests left out');

    // The card that stood there: the same message with the old run's buttons.
    await w.click('alice', { ...epic, blocks: epic.blocks }, 'plan_start').catch(() => undefined);
    await w.core.orchestrator.answerPlan(before.currentRunId, 'start', after.requester);
    expect(await status(before.currentRunId)).toBe('cancelled');
    expect(await w.core.orchestrator.answerPlan(before.currentRunId, 'start', after.requester)).toBe(
      'replaced',
    );
    expect(
      (await w.core.store.decisions.ofRun(before.currentRunId)).filter(({ kind }) => kind === 'plan'),
    ).toHaveLength(1);
  });

  test('what cannot be is said in the form, and nothing changes', async () => {
    const epic = await planned('impossible');
    const { currentRunId } = await session('impossible');
    await w.click('alice', epic, 'plan_edit');
    const view = await w.modal('alice');
    const wrong = async (change: Record<string, unknown>) => {
      const answer = await w.submit('alice', view.id, form(change));
      expect(answer).toMatchObject({ ok: false });
      return answer;
    };
    expect(await wrong({ order: { plan_order: text('keep, design, build') } })).toMatchObject({
      errors: { order: expect.stringContaining('comes before "keep"') },
    });
    expect(await wrong({ budget: { plan_budget: text('five') } })).toMatchObject({
      errors: { budget: expect.any(String) },
    });
    expect(await wrong({ deadline: { plan_deadline: text('17:00') } })).toMatchObject({
      errors: { deadline: expect.any(String) },
    });
    expect(await wrong({ 'stages-0': { plan_stages: ticked() } })).toMatchObject({ ok: false });
    expect((await session('impossible')).currentRunId).toBe(currentRunId);
    expect(await status(currentRunId)).toBe('waiting');
  });

  test('only whoever asked for it gets the form', async () => {
    const epic = await planned('others');
    await w.click('bob', epic, 'plan_edit');
    await w.find('bob', 'who asked for this', epic.ts);
    expect((await w.desk.snapshot(await w.desk.id('bob'))).modals).toEqual([]);
  });

  test('edited and started at once: one of the two', async () => {
    const epic = await planned('both');
    const before = await session('both');
    await w.click('alice', epic, 'plan_edit');
    const view = await w.modal('alice');
    await Promise.all([
      w.submit('alice', view.id, form({ 'stages-0': { plan_stages: ticked('build', 'code', 'tests') } })),
      w.click('alice', epic, 'plan_start'),
    ]);
    await w.settled();
    const answers = (await w.core.store.decisions.ofRun(before.currentRunId)).filter(
      ({ kind }) => kind === 'plan',
    );
    expect(answers).toHaveLength(1);
    const moved = (await session('both')).currentRunId !== before.currentRunId;
    expect(moved).toBe(answers[0]?.choice === 'edit');
  });
});

describe('a plan sent back', () => {
  test('the words reach the next plan and every agent, and change what they clearly ask for', async () => {
    const epic = await planned('sent back');
    await w.click('alice', epic, 'plan_send_back');
    const view = await w.modal('alice');
    expect(await w.submit('alice', view.id, { words: { plan_words: text('   ') } })).toMatchObject({
      ok: false,
    });
    const words = 'Without qa, and mind the old format';
    await w.submit('alice', view.id, { words: { plan_words: text(words) } });
    const fresh = await card(epic, /Taken along/);
    expect(fresh.text).toContain(words);
    expect(fresh.text).toContain('tests left out');
    const { currentRunId } = await session('sent back');
    expect((await definition(currentRunId)).review).toMatchObject({
      notes: [words],
      changes: ['tests left out'],
    });
  });
});

describe('another plan', () => {
  test('chosen beside its trade-offs', async () => {
    const epic = await planned('rather ask');
    expect(epic.text).toMatch(/Instead: /);
    const { currentRunId, requester } = await session('rather ask');
    expect(requester).toBe(await w.desk.id('alice'));
    const [plan] = (await w.core.store.projections.events(currentRunId, 0, 100)).flatMap(({ event }) =>
      event.type === 'plan.ready' ? [event.plan] : [],
    );
    const other = plan?.alternatives?.[0]?.workflow ?? '';
    await w.choose('bob', epic, 'plan_other', `${currentRunId}/${other}`);
    await w.find('bob', 'who asked for this', epic.ts);
    await w.choose('alice', epic, 'plan_other', `${currentRunId}/${other}`);
    await card(epic, new RegExp(`${other} instead of team`));
    expect((await definition((await session('rather ask')).currentRunId)).workflow.name).toBe(other);
  });
});

describe('a plan saved', () => {
  test('as a file that starts at once; a name in use, of the command, or that is none is refused', async () => {
    const epic = await planned('saved');
    await w.click('bob', epic, 'plan_save');
    const view = await w.modal('bob');
    const submit = (name: string) =>
      w.submit('bob', view.id, {
        name: { save_name: text(name) },
        description: { save_description: text('Ours') },
      });
    for (const name of ['team', '../team', 'With Spaces', ''])
      expect(await submit(name)).toMatchObject({ ok: false });
    expect(await submit('ours')).toEqual({ ok: true });
    await w.find('bob', 'Saved as `ours`', epic.ts);
    const folder = path.join(w.home, 'workflows');
    expect(readdirSync(folder)).toEqual(['ours.yaml']);
    expect(readFileSync(path.join(folder, 'ours.yaml'), 'utf8')).toContain('description: Ours');
    await w.command('alice', 'ours from the file');
    await w.find('alice', /from the file.*Estimate/s);

    await w.click('carol', epic, 'plan_save');
    const second = await w.modal('carol');
    await w.submit('carol', second.id, {
      name: { save_name: text('status') },
      description: { save_description: text(null) },
    });
    await w.find('carol', 'is a word of /orchestrate', epic.ts);
    expect(readdirSync(folder)).toEqual(['ours.yaml']);
  });
});
