import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { type ModelServer, startModelServer } from '../agents/model-server.ts';
import { agentNode, worker, workflow } from '../orchestrator/budget-world.ts';
import { startWorld, until, type World } from './world.ts';

/**
 * The question about a budget as people meet it: its buttons and its form, clicked at the desk and handled by what
 * Baton is made of. Each call costs ten cents. alice asks, bob approves, carol may only look.
 */
let w: World;
let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer(worker(10));
  w = await startWorld({
    workflows: [
      workflow('spend', agentNode('build'), { usd: 0.35 }),
      workflow('calls', agentNode('build'), { turns: 4 }),
    ],
    more: async (id) => ({
      model: { api: 'chat', apiKey: null, baseUrl: server.url, model: 'm' },
      prices: { m: { input: 100, cached: 100, output: 100 } },
      policy: readPolicy(
        { remind_after: '10h', escalate_after: '20h', expire_after: '30h' },
        { viewer: [await id('carol')], requester: [await id('alice')], approver: [await id('bob')] },
      ),
    }),
  });
});
afterAll(async () => {
  await w.close();
  await server.close();
});

const runOf = async (name: string): Promise<string> => {
  const found = (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === name);
  if (found === undefined) throw new Error(`no session ${name}`);
  return found.currentRunId;
};
const ended = (runId: string, as: string) =>
  until(async () => (await w.core.store.runs.status(runId))?.status === as);
const cardOf = (user: string, title: string, name: string, after = '0') =>
  w.find(user, new RegExp(`Raise the budget of ${title}.*asked in ${name}`, 's'), after);
/** Alice starts it; it comes to the end of its budget, and asks. */
async function spent(flow: string, name: string, title: string): Promise<{ runId: string; card: Message }> {
  await w.command('alice', `${flow} ${name}`);
  const epic = await w.find('alice', new RegExp(`${name}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  return { runId: await runOf(name), card: await cardOf('bob', title, name) };
}
const raised = async (runId: string) =>
  (await w.core.store.decisions.ofRun(runId))
    .filter(({ kind }) => kind === 'budget_raised')
    .map(({ actor, evidence }) => ({ actor, evidence }));
const amount = (value: string) => ({ amount: { amount_text: { type: 'plain_text_input', value } } });
/** The audit of a run has that of its parts, and so of the question. */
const refusedIn = async (runId: string) =>
  (await w.core.store.audit.ofRun(runId))
    .filter(({ kind }) => kind === 'approval.refused')
    .map(({ actor, detail }) => ({ actor, detail }));

describe('Another amount…', () => {
  test('is for whoever may answer: the others are told so, get no form, and are in the audit', async () => {
    const { runId, card } = await spent('spend', 'not for carol', '\\$0.35');
    await w.click('carol', card, 'budget_amount');
    await w.find('carol', 'You are not among those who may approve here');
    expect((await w.desk.snapshot(await w.desk.id('carol'))).modals).toEqual([]);
    expect(await refusedIn(runId)).toEqual([
      {
        actor: await w.desk.id('carol'),
        detail: { refusal: 'no_role', choice: 'raise', place: w.channel },
      },
    ]);
    // So are those who press the others.
    await w.click('carol', card, 'approval_approve');
    await w.click('carol', card, 'approval_changes');
    await w.click('carol', card, 'approval_reject');
    await until(async () => (await refusedIn(runId)).length === 4);
    expect(await raised(runId)).toEqual([]);
    await w.click('bob', card, 'approval_reject');
    await ended(runId, 'cancelled');
    await w.find('bob', 'Noted: Stop.');
  });

  test('opens a form with what the button offers; a wrong amount is told there, a right one raises it to that', async () => {
    const { runId, card } = await spent('spend', 'a bit more', '\\$0.35');
    await w.click('bob', card, 'budget_amount');
    const form = await w.modal('bob');
    const blocks = JSON.stringify(form);
    const offered = /to \$([\d.]+)\?/.exec(card.text)?.[1];
    expect(blocks).toContain(`"initial_value":"${offered}"`);
    for (const wrong of ['plenty', '0.40', '-1', '1e9', '100000'])
      expect(await w.submit('bob', form.id, amount(wrong))).toMatchObject({
        ok: false,
        errors: { amount: expect.stringMatching(/^More than \$0.40, which it has used, and at most \$/) },
      });
    expect(await w.submit('bob', form.id, amount('$0.45'))).toEqual({ ok: true });
    // Ten calls would cost a dollar: it goes on to 45 cents, and asks again.
    const again = await cardOf('bob', '\\$0.45', 'a bit more');
    expect(await raised(runId)).toEqual([
      {
        actor: await w.desk.id('bob'),
        evidence: expect.objectContaining({ unit: 'usd', from: 0.35, to: 0.45 }),
      },
    ]);
    await w.find('bob', 'Noted: raised to $0.45.');
    await w.find('bob', /chose “Raise to \$0.45”/);
    expect((await w.core.usage.soFar(runId)).costUsd).toBeCloseTo(0.5);
    await w.click('bob', again, 'approval_reject');
    await ended(runId, 'cancelled');
  });

  test('of a budget in calls is a whole number of calls', async () => {
    const { runId, card } = await spent('calls', 'some calls', '4 model calls');
    await w.click('bob', card, 'budget_amount');
    const form = await w.modal('bob');
    expect(await w.submit('bob', form.id, amount('5.5'))).toMatchObject({ ok: false });
    expect(await w.submit('bob', form.id, amount('20'))).toEqual({ ok: true });
    await ended(runId, 'completed');
    expect(await raised(runId)).toMatchObject([{ evidence: { unit: 'turns', from: 4, to: 20 } }]);
  });

  test('a form that somebody left open while the budget was answered changes nothing', async () => {
    const { runId, card } = await spent('spend', 'left open', '\\$0.35');
    await w.click('bob', card, 'budget_amount');
    const form = await w.modal('bob');
    await w.click('bob', card, 'approval_reject');
    await ended(runId, 'cancelled');
    expect(await w.submit('bob', form.id, amount('2'))).toEqual({ ok: true });
    await w.find('bob', /Already answered \(Stop\)/);
    expect(await raised(runId)).toEqual([]);
  });
});

describe('the other answers', () => {
  test('Deliver what is there keeps it, as whoever clicked reads', async () => {
    const { runId, card } = await spent('spend', 'deliver it', '\\$0.35');
    await w.click('bob', card, 'approval_changes');
    await until(async () =>
      ['failed', 'completed'].includes((await w.core.store.runs.status(runId))?.status ?? ''),
    );
    await w.find('bob', 'Noted: Deliver what is there.');
    const bob = await w.desk.id('bob');
    const epic = await w.find(
      'alice',
      new RegExp(`deliver it · delivered unfinished as <@${bob}> chose, at its budget`),
    );
    expect(epic.text).not.toContain('failed');
    expect(epic.text).toContain('run it again with a larger budget');
    await w.command('alice', `show ${runId}`);
    await w.find('alice', /deliver it · ✅ delivered unfinished, at its budget/);
  });

  test('Ask… puts a question with words of its own into the thread, and decides nothing', async () => {
    const { runId, card } = await spent('spend', 'ask first', '\\$0.35');
    await w.click('bob', card, 'approval_ask');
    const form = await w.modal('bob');
    const words = { ask: { ask_text: { type: 'plain_text_input', value: 'Is it worth that?' } } };
    expect(await w.submit('bob', form.id, words)).toEqual({ ok: true });
    await w.find('alice', /asks before deciding.*Is it worth that\?/s);
    expect(await raised(runId)).toEqual([]);
    // Whoever wants it to go on gets the answers there are.
    await w.command('alice', `retry ${runId}`);
    await w.find('alice', 'trying again changes nothing until somebody answers');
    await w.command('bob', `resume ${runId}`);
    const offered = await w.find('bob', 'trying again changes nothing until somebody answers');
    await w.click('bob', offered, 'approval_reject');
    await ended(runId, 'cancelled');
  });
});
