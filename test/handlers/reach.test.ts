import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { TOKENS } from '../desk/harness.ts';
import { startWorld, until, type World } from './world.ts';

/** Questions that reach people: through the real desk, on a clock that runs five times as fast. */

const two = {
  name: 'two',
  title: 'Two',
  description: 'Asks twice at once',
  how: 'two approvals',
  why: 'to test',
  flow: {
    kind: 'parallel',
    id: 'both',
    branches: [
      { kind: 'approval', id: 'first', title: 'The first?', why: 'w' },
      { kind: 'approval', id: 'second', title: 'The second?', why: 'w' },
    ],
  },
} as const;

let w: World;
let channel = '';
beforeAll(async () => {
  w = await startWorld({
    workflows: [two],
    more: async (id) => {
      channel = await id('escalations');
      return {
        policy: readPolicy(
          {
            people: [await id('bob')],
            four_eyes: true,
            escalate_to: [await id('carol')],
            remind_after: '2s',
            escalate_after: '4s',
            expire_after: '1h',
            escalation: { on_call: 'S0ONCALL', quiet_hours: 'none' },
          },
          {},
          [channel],
        ),
      };
    },
  });
}, 60_000);
afterAll(() => w.close());

async function asked(name: string, workflow = 'ask'): Promise<{ epic: Message; runId: string }> {
  await w.command('alice', `${workflow} ${name}`);
  let runId = '';
  await until(async () => {
    const found = (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === name);
    runId = found?.currentRunId ?? '';
    return runId !== '';
  });
  const epic = await w.find('alice', name);
  await w.core.orchestrator.answerPlan(runId, 'start', await w.desk.id('alice'));
  await until(
    async () => (await w.core.store.approvals.ofRun(runId)).length === (workflow === 'two' ? 2 : 1),
  );
  await until(async () => (await cards(runId)).every((ref) => ref !== null));
  return { epic, runId };
}
const cards = async (runId: string) =>
  Promise.all(
    (await w.core.store.approvals.ofRun(runId)).map(({ id }) => w.core.outbox.ref(`approval:${id}`)),
  );
/** An event as Slack delivers it, signed. */
async function deliver(event: object): Promise<void> {
  const team = (await w.desk.snapshot()).team.id;
  const body = JSON.stringify({ type: 'event_callback', team_id: team, event_id: randomUUID(), event });
  const at = String(Math.floor(w.clock.now() / 1_000));
  const hash = createHmac('sha256', TOKENS.signingSecret).update(`v0:${at}:${body}`).digest('hex');
  const headers = {
    'content-type': 'application/json',
    'x-slack-request-timestamp': at,
    'x-slack-signature': `v0=${hash}`,
  };
  expect((await fetch(w.post.to.url, { method: 'POST', headers, body })).status).toBe(200);
}
const status = async (runId: string) =>
  (await w.core.store.approvals.ofRun(runId)).map((each) => each.status);
const direct = async (user: string): Promise<string> => {
  const found = (await w.desk.snapshot(await w.desk.id(user))).channels.find(({ kind }) => kind === 'im');
  if (found === undefined) throw new Error(`${user} has no DM`);
  return found.id;
};
const write = async (user: string, text: string, where: string, threadTs?: string) =>
  w.desk.page('message', {
    user: await w.desk.id(user),
    channel: where,
    text,
    ...(threadTs === undefined ? {} : { threadTs }),
  });

describe('a question that nobody answers', () => {
  test('reminded, raised, by DM to those who decide and the deputy, on call; decided by a word in the DM', async () => {
    const { runId } = await asked('Reach somebody');
    await w.find('alice', 'still waiting for a decision');
    const raised = await w.find('bob', 'A person is needed');
    expect(raised.channel).toBe(channel);
    const dm = await w.find('bob', 'you are one of those who decide');
    const deputy = await w.find('carol', "you're the next in line");
    await w.find('bob', 'nobody of those who decide has answered');
    // Whoever asked reads one message that was rewritten, and is no longer asked under four eyes.
    const told = await w.find('alice', /still waits for a decision[\s\S]*called/);
    expect((await w.seen('alice')).filter(({ text }) => text.includes('still waits'))).toHaveLength(1);
    expect(told.channel).toBe(await direct('alice'));

    await write('carol', 'approve?', await direct('carol'));
    await w.find('carol', 'write APPROVE or REJECT and nothing else');
    expect(await status(runId)).toEqual(['pending']);
    await write('carol', 'Approve', await direct('carol'));
    await until(async () => (await status(runId))[0] !== 'pending');
    const [approval] = await w.core.store.approvals.ofRun(runId);
    expect(approval).toMatchObject({ decidedBy: await w.desk.id('carol'), votes: [{ verdict: 'approve' }] });
    for (const { ts } of [raised, dm, deputy])
      await until(async () =>
        (await w.seen('bob'))
          .concat(await w.seen('carol'))
          .some((m) => m.ts === ts && m.text.includes('approved this')),
      );
    await w.find('alice', /Reach somebody|Keep it/);
    await until(async () =>
      (await w.seen('alice')).some((m) => m.ts === told.ts && m.text.includes('approved this')),
    );
    // Each was asked once.
    const deeds = (await w.core.store.approvals.deedsOf(approval?.id ?? '')).map(({ deed }) => deed.kind);
    expect(deeds).toEqual(['remind', 'channel', 'direct', 'direct', 'on_call']);
    await write('carol', 'REJECT', await direct('carol'));
    await w.find('carol', 'Nothing waits for a decision here');
  }, 60_000);
});

describe('a word in the thread', () => {
  test('of the requester, a stranger to it, quoted or edited: nothing; of whoever decides: the same as the button', async () => {
    const { epic, runId } = await asked('By a word');
    await w.write('alice', 'APPROVE', epic);
    await w.find('alice', 'You asked for this work, so somebody else has to decide');
    await w.write('dave', 'APPROVE', epic).catch(() => undefined);
    await w.write('bob', '> APPROVE', epic);
    await w.find('bob', 'write APPROVE or REJECT and nothing else');
    await w.write('bob', 'Bob will approve this later', epic);
    await w.settled();
    expect(await status(runId)).toEqual(['pending']);
    // A message that becomes the word afterwards, and one that a bot wrote: as Slack sends them.
    const user = await w.desk.id('bob');
    const said = { type: 'message', user, text: 'Approve', ts: '1.1', thread_ts: epic.ts };
    await deliver({
      type: 'message',
      subtype: 'message_changed',
      channel: w.channel,
      ts: '1.2',
      message: { ...said, edited: { user, ts: '1.2' } },
      previous_message: { ...said, text: 'looks odd' },
    });
    await w.find('bob', 'A message that was edited does not decide');
    await deliver({ ...said, channel: w.channel, ts: `${Number(epic.ts) + 9_999}`, bot_id: 'B1' });
    await deliver({ ...said, channel: w.channel, ts: `${Number(epic.ts) + 9_999}`, subtype: 'bot_message' });
    await w.settled();
    expect(await status(runId)).toEqual(['pending']);
    const refused = (await w.core.store.audit.ofRun(runId)).filter(({ kind }) => kind === 'approval.refused');
    expect(refused.length).toBeGreaterThan(0);

    await w.write('bob', 'reject', epic);
    await until(async () => (await status(runId))[0] === 'rejected');
    const [approval] = await w.core.store.approvals.ofRun(runId);
    expect(approval).toMatchObject({ decidedBy: await w.desk.id('bob') });
    expect(await w.core.store.decisions.ofRun(runId)).toContainEqual(
      expect.objectContaining({ kind: 'approval', choice: 'reject' }),
    );
  }, 60_000);

  test('with two that wait: asked which, and neither is decided', async () => {
    const { epic, runId } = await asked('Two at once', 'two');
    await w.write('bob', 'APPROVE', epic);
    await w.find('bob', /Which one\?.*The first\?.*The second\?/);
    expect(await status(runId)).toEqual(['pending', 'pending']);
  }, 60_000);
});

describe('while somebody is away', () => {
  test('whoever they named is asked and decides for them, until it is taken back', async () => {
    await w.command('bob', 'delegate @carol until 25:99');
    await w.find('bob', 'is no time that can be read');
    await w.command('bob', 'delegate @nobody until friday');
    await w.find('bob', 'There is nobody called @nobody');
    await w.command('bob', 'delegate @dave until friday');
    await w.find('bob', 'is a guest or from another workspace');
    await w.command('bob', 'delegate @bob for 3d');
    await w.find('bob', 'You cannot stand in for yourself');
    // Alice asks for the work: she gets Bob's place, and cannot use it.
    await w.command('bob', 'delegate @alice for 3d');
    await w.find('bob', 'until');
    await until(async () => (await w.core.store.delegations.ofTeam(w.team, w.clock.now())).length === 1);
    const { epic, runId } = await asked('While Bob is away');
    await w.write('alice', 'APPROVE', epic);
    await w.find('alice', 'You asked for this work', epic.ts);
    expect(await status(runId)).toEqual(['pending']);
    await w.command('bob', 'delegate off');
    await w.find('bob', 'You decide for yourself again');
    await w.command('carol', 'delegate list');
    await w.find('carol', 'Nobody is away');
    const made = await w.core.store.delegations.ofTeam(w.team, w.clock.now());
    expect(made).toEqual([]);
  }, 60_000);
});
