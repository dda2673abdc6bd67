import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Message } from '../../desk/contract.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import { planDecisionId } from '../../src/orchestrator/contracts.ts';
import { decision } from '../db/support.ts';
import { startWorld, until, type World } from './world.ts';

const pair: Workflow = {
  name: 'pair',
  title: 'A pair',
  description: 'd',
  how: 'one after the other',
  why: 'w',
  flow: {
    kind: 'sequence',
    id: 'pair',
    stages: [
      { kind: 'agent', id: 'code', agent: 'backend', task: 't' },
      { kind: 'agent', id: 'tests', agent: 'qa', task: 't' },
      { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' },
    ],
  },
};

let w: World;
/** What was asked of the model, which never answers. */
const asked: string[] = [];
const model = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString('utf8');
  });
  request.on('end', () => asked.push(body));
  response.on('error', () => undefined);
});
beforeAll(async () => {
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(model.address());
  w = await startWorld({ workflows: [pair], modelUrl: `http://127.0.0.1:${port}` });
});
afterAll(async () => {
  await w.close();
  model.closeAllConnections();
  model.close();
});

const session = async (name: string) => {
  const found = (await w.core.store.sessions.recent((await w.desk.snapshot()).team.id, 50)).find(
    ({ request }) => request === name,
  );
  if (found === undefined) throw new Error(`no session ${name}`);
  return found;
};
const view = async (name: string) => (await w.core.queries.bySession((await session(name)).id))?.view;
const steered = async (name: string) =>
  (await w.core.store.decisions.ofRun((await session(name)).currentRunId)).filter(
    ({ kind }) => kind === 'steering',
  );
async function started(name: string): Promise<Message> {
  await w.command('alice', `pair ${name}`);
  const epic = await w.find('alice', new RegExp(`${name}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  await until(async () => (await view(name))?.nodes.get('code')?.status === 'running');
  return epic;
}
const doing = (name: string, node: string, status: string) =>
  until(async () => (await view(name))?.nodes.get(node)?.status === status);
const say = (epic: Message, text: string, user = 'alice') => w.write(user, `@Baton ${text}`, epic);
const inThread = (epic: Message, words: string | RegExp, user = 'bob') => w.find(user, words, epic.ts);

describe('a mention in the thread', () => {
  test('pause and resume, by words, button and command; the epic shows it; each is recorded', async () => {
    const epic = await started('held');
    await say(epic, 'please pause');
    await inThread(epic, 'Noted: paused');
    await until(async () => (await view('held'))?.status === 'paused');
    await until(
      async () =>
        (await w.seen('alice')).find(({ ts }) => ts === epic.ts)?.text.includes('Paused by hand') === true,
    );
    const card = async () => (await w.seen('alice')).find(({ ts }) => ts === epic.ts) ?? epic;
    await w.click('alice', await card(), 'run_resume');
    await until(async () => (await view('held'))?.status === 'running');
    const { currentRunId } = await session('held');
    await w.command('bob', `pause ${currentRunId}`);
    await w.find('bob', 'who asked for this', epic.ts);
    await w.command('alice', `pause ${currentRunId}`);
    await w.find('alice', 'nothing new starts. ', epic.ts);
    await w.command('alice', `resume ${currentRunId}`);
    await w.find('alice', 'Going on', epic.ts);
    expect((await steered('held')).map(({ choice }) => choice)).toEqual([
      'pause',
      'resume',
      'pause',
      'resume',
    ]);
    expect((await steered('held'))[0]).toMatchObject({
      actor: await w.desk.id('alice'),
      reason: expect.stringContaining('paused'),
      evidence: { kind: 'pause', sentiment: 'neutral', priority: 'normal', direction: null },
    });
    await say(epic, 'stop');
    await inThread(epic, 'the run was stopped');
    expect((await view('held'))?.status).toBe('cancelled');
    await say(epic, 'resume');
    await w.find('alice', 'This run has ended', epic.ts);
  });

  test('direction: kept for the agents, who read it with their next turn', async () => {
    const epic = await started('directed');
    await say(epic, 'backend: use streams instead of buffers, it is important');
    await inThread(epic, 'instructions changed for backend');
    const { currentRunId } = await session('directed');
    expect(await w.core.store.guidance.of(currentRunId)).toMatchObject([
      {
        kind: 'direction',
        priority: 'high',
        target: 'backend',
        text: 'use streams instead of buffers, it is important',
      },
    ]);
    expect((await steered('directed'))[0]).toMatchObject({
      choice: 'direction',
      evidence: { priority: 'high', target: 'backend' },
    });
    // Whoever has no part in it is not said to have been told.
    await say(epic, 'frontend: use streams, too');
    await inThread(epic, 'Noted: kept for frontend, who has no part in this run so far');
    const before = asked.length;
    await say(epic, 'retry code');
    await inThread(epic, 'code is done once more');
    await until(async () =>
      asked.slice(before).some((body) => body.includes('use streams instead of buffers')),
    );
    const heard = asked.slice(before).find((body) => body.includes('use streams'));
    expect(heard).toContain('Do it this way from here on');
    await say(epic, 'stop');
  });

  test('skip with a reason, take over and done: the others go on with what was said', async () => {
    const epic = await started('by hand');
    await say(epic, 'skip code because it is there already');
    await inThread(epic, 'code is skipped (it is there already)');
    await doing('by hand', 'code', 'skipped');
    await doing('by hand', 'tests', 'running');
    await say(epic, "I'll take over tests");
    await inThread(epic, 'tests is yours now');
    await until(async () => (await view('by hand'))?.taken.get('tests') === (await w.desk.id('alice')));
    // An answer to what Baton asked for needs no mention; the same words of somebody else are talk.
    await w.write('bob', 'done: nothing to do', epic);
    await w.write('alice', 'done: three tests in test/a.js', epic);
    const card = await w.find('alice', /Keep it\?.*by hand/s, epic.ts);
    expect(card.text).toContain('Keep it?');
    await inThread(epic, 'tests is done');
    const made = await steered('by hand');
    expect(made.map(({ choice, actor }) => [choice, actor])).toEqual(
      ['skip', 'take_over', 'done'].map((choice) => [choice, made[0]?.actor]),
    );
    // An approval is nobody's to skip.
    await say(epic, 'skip keep because I say so');
    await w.find('alice', 'could not tell which piece', epic.ts);
    const { currentRunId } = await session('by hand');
    expect((await w.core.store.approvals.ofRun(currentRunId))[0]?.status).toBe('pending');
    await say(epic, 'stop');
  });

  test('a question is answered from what is known; nothing is recorded', async () => {
    const epic = await started('asked');
    await say(epic, 'how far are you?', 'bob');
    const answer = await inThread(epic, /so far/);
    expect(answer.threadTs).toBe(epic.ts);
    expect(answer.text).toContain('code: ');
    expect(await steered('asked')).toEqual([]);
    await say(epic, 'stop', 'bob');
    await w.find('bob', 'who asked for this, steers it', epic.ts);
    expect((await view('asked'))?.status).toBe('running');
    await say(epic, 'stop');
    await inThread(epic, 'the run was stopped');
  });

  test('talk in the thread, words elsewhere and plain words change nothing and are not kept', async () => {
    const epic = await started('chatty');
    const kept = w.core.store.inbox;
    await w.write('alice', 'stop', epic);
    await w.write('bob', 'shall we go for lunch?', epic);
    await w.write('bob', 'stop');
    await w.settled();
    expect(await kept.open(1)).toEqual([]);
    expect(await steered('chatty')).toEqual([]);
    expect((await view('chatty'))?.status).toBe('running');
    await say(epic, 'stop');
    await inThread(epic, 'the run was stopped');
  });

  test('a stop that was said to the run before leaves this one alone', async () => {
    const epic = await started('again');
    const before = (await w.core.store.runs.status((await session('again')).currentRunId))?.createdAt ?? 0;
    const said = {
      intent: 'late stop',
      receivedAt: before,
      sessionId: (await session('again')).id,
      by: (await session('again')).requester,
      text: 'stop',
      addressed: true,
    };
    expect(await w.core.steer.hear({ ...said, at: before - 1 })).toMatchObject({
      did: 'nothing',
      why: 'older',
    });
    expect((await view('again'))?.status).toBe('running');
    expect(await w.core.steer.hear({ ...said, at: before + 60_000 })).toMatchObject({ did: 'done' });
    expect((await view('again'))?.status).toBe('cancelled');
    expect(epic.text).toContain('again');
  });

  test('with a plan open, words about it make another plan, and going ahead starts it', async () => {
    await w.command('alice', 'pair planned');
    const epic = await w.find('alice', /planned.*Estimate/s);
    const first = (await session('planned')).currentRunId;
    await say(epic, 'without qa, please');
    await inThread(epic, 'a new plan takes it into account');
    await until(async () => (await session('planned')).currentRunId !== first);
    await until(async () => (await view('planned'))?.plan?.changes?.includes('tests left out') === true);
    await say(epic, 'looks good, go ahead');
    await inThread(epic, 'the plan was started');
    await doing('planned', 'code', 'running');
    await say(epic, 'stop');
  });

  test('going ahead with a plan whose answer is recorded already starts nothing, and is not told as if it had', async () => {
    await w.command('alice', 'pair answered');
    await w.find('alice', /answered.*Estimate/s);
    const { id, currentRunId } = await session('answered');
    const cancelled = decision(planDecisionId(currentRunId), { kind: 'plan', choice: 'cancel' });
    await w.core.store.decisions.record(currentRunId, cancelled, Date.now());
    const by = (await w.desk.snapshot()).people.find(({ name }) => name === 'alice')?.id ?? '';
    const said = { intent: 'go', receivedAt: Date.now(), sessionId: id, by, addressed: true };
    const at = (await w.core.store.runs.status(currentRunId))?.createdAt ?? 0;
    const heard = await w.core.steer.hear({ ...said, text: 'go ahead', at });
    expect(heard).toMatchObject({ did: 'nothing', why: 'not_now' });
    expect(await steered('answered')).toEqual([]);
    await until(async () => (await view('answered'))?.status === 'completed');
    expect((await view('answered'))?.startedAt).toBeNull();
  });
});

describe('the form', () => {
  const choice = (value: string) => ({
    type: 'static_select',
    selected_option: { text: { type: 'plain_text', text: value }, value },
  });
  const values = (deed: string, node: string, text: string | null) => ({
    deed: { steer_do: choice(deed) },
    node: { steer_node: choice(node) },
    words: { steer_text: { type: 'plain_text_input', value: text } },
  });
  test('what it lacks is said in it; then it does what words do', async () => {
    const epic = await started('formal');
    const card = (await w.seen('alice')).find(({ ts }) => ts === epic.ts) ?? epic;
    await w.click('alice', card, 'run_steer');
    const form = await w.modal('alice');
    expect(await w.submit('alice', form.id, values('skip', 'code', null))).toMatchObject({
      errors: { words: 'Say why.' },
    });
    expect(await w.submit('alice', form.id, values('skip', '*', 'r'))).toMatchObject({
      errors: { node: expect.any(String) },
    });
    expect(await w.submit('alice', form.id, values('skip', 'code', 'not needed'))).toEqual({ ok: true });
    await inThread(epic, 'code is skipped (not needed)');
    await doing('formal', 'tests', 'running');
    await say(epic, 'stop');
  });
});

describe('a direct message', () => {
  const directly = async (user: string, text: string) => {
    const id = await w.desk.id(user);
    const opened = z
      .object({ channel: z.object({ id: z.string() }) })
      .parse(await w.desk.api('conversations.open', { users: id }));
    await w.desk.page('message', { user: id, channel: opened.channel.id, text });
    return opened.channel.id;
  };

  test('about a run that is named steers it, and is answered there and in the thread', async () => {
    const epic = await started('from afar');
    const { currentRunId } = await session('from afar');
    const dm = await directly('alice', `pause ${currentRunId.slice(-6)}`);
    await until(async () => (await view('from afar'))?.status === 'paused');
    await inThread(epic, 'Noted: paused');
    await until(async () =>
      (await w.seen('alice')).some(({ channel, text }) => channel === dm && text.includes('Noted: paused')),
    );
    await directly('alice', `${currentRunId}: resume`);
    await until(async () => (await view('from afar'))?.status === 'running');
    // Somebody else's run is not told of, and its name steers nothing.
    await directly('bob', `stop ${currentRunId}`);
    await w.find('bob', 'I take work by', epic.ts);
    // Words without a name are about nothing.
    await directly('alice', 'stop');
    await w.settled();
    expect((await view('from afar'))?.status).toBe('running');
    await directly('alice', `stop ${currentRunId}`);
    await until(async () => (await view('from afar'))?.status === 'cancelled');
    await until(async () => (await steered('from afar')).length === 3);
    expect((await steered('from afar')).map(({ choice }) => choice)).toEqual(['pause', 'resume', 'stop']);
  });
});

test('a mention that begins with a workflow starts it', async () => {
  await w.write('bob', '@Baton pair from a mention');
  await w.find('bob', /from a mention.*Estimate/s);
  expect(await session('from a mention')).toMatchObject({
    requester: await w.desk.id('bob'),
    workflow: 'pair',
  });
});

test('redelivered, all of it: nothing happens twice', async () => {
  await w.settled();
  await w.said();
  const state = async () => {
    const sessions = await w.core.store.sessions.recent((await w.desk.snapshot()).team.id, 50);
    const runs = sessions.map(async ({ currentRunId: id }) => [
      (await w.core.store.runs.status(id))?.status,
      (await w.core.store.decisions.ofRun(id)).length,
      (await w.core.store.guidance.of(id)).length,
    ]);
    return JSON.stringify([sessions, await Promise.all(runs), (await w.seen('alice')).length]);
  };
  const before = await state();
  expect(new Set(await w.post.again(() => w.clock.now()))).toEqual(new Set([200]));
  await w.settled();
  expect(await state()).toBe(before);
});
