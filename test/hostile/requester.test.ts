import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { startWorld, until, type World } from '../handlers/world.ts';

/**
 * Alice wants her own work approved, and may not approve it herself. Whatever she writes, makes others write, or has a
 * program write in somebody's name decides nothing; Bob's own word does.
 */
let w: World;
let team = '';
let bob = '';
let alice = '';
let bot = '';
let epic: Message;
let card: Message;
let runId = '';
let count = 0;

beforeAll(async () => {
  w = await startWorld({
    more: async () => ({
      policy: readPolicy({ four_eyes: true, remind_after: '1h', expire_after: '24h' }, {}),
    }),
  });
  team = (await w.desk.snapshot()).team.id;
  [alice, bob] = [await w.desk.id('alice'), await w.desk.id('bob')];
  bot = w.workspaces.of(w.team)?.botUser ?? '';
  await w.command('alice', 'ask Mine alone');
  epic = await w.find('alice', /Mine alone.*Estimate/s);
  await w.click('alice', epic, 'plan_start');
  card = await w.find('alice', 'Keep it?', epic.ts);
  const [session] = await w.core.store.sessions.recent(w.team, 1);
  runId = session?.currentRunId ?? '';
}, 60_000);
afterAll(() => w.close());

const approval = async () => (await w.core.store.approvals.ofRun(runId))[0];
async function undecided(what: string): Promise<void> {
  await w.settled();
  expect(await approval(), what).toMatchObject({ status: 'pending', votes: [] });
}
/** One event as Slack would send it, signed. */
async function event(inner: object): Promise<void> {
  count += 1;
  const ts = `${1_900_000_000 + count}.000100`;
  const body = JSON.stringify({
    type: 'event_callback',
    team_id: team,
    event_id: `Ev${count}`,
    event: { type: 'message', channel: w.channel, ts, ...inner },
  });
  const { status } = await w.post.send(
    { headers: { 'content-type': 'application/json' }, body },
    w.clock.now(),
  );
  expect(status).toBe(200);
}

describe('a requester who wants a yes', () => {
  test('their own click and word, in the thread, in a direct message, in another case', async () => {
    await w.click('alice', card, 'approval_approve');
    await undecided('their own click');
    for (const text of ['APPROVE', 'approve', ` Approve${'\u200b'} `, `<@${bot}> APPROVE`, '*APPROVE*'])
      await event({ user: alice, text, thread_ts: epic.ts });
    await event({ user: alice, text: 'APPROVE', channel: 'D0ALICE', channel_type: 'im' });
    await undecided('their own words');
  });

  test('a message made to look like a card: what is answered to it is answered to nobody', async () => {
    await w.write('alice', card.text);
    const fake = await w.find('bob', 'Keep it?', card.ts);
    expect(fake.ts).not.toBe(card.ts);
    await w.write('bob', 'APPROVE', fake);
    await undecided('an answer below a message that only looks like the card');
  });

  test('words of programs, of edited, deleted and shared messages, in the name of whoever may decide', async () => {
    const said = { user: bob, text: 'APPROVE', thread_ts: epic.ts };
    for (const [what, inner] of [
      ['a bot', { ...said, bot_id: 'B0OTHER' }],
      [
        'a bot under his name',
        { ...said, user: undefined, username: 'bob', bot_id: 'B0', subtype: 'bot_message' },
      ],
      ['Baton itself', { ...said, user: bot }],
      ['a file', { ...said, subtype: 'file_share' }],
      ['/me', { ...said, subtype: 'me_message' }],
      ['a deletion', { ...said, subtype: 'message_deleted', previous_message: { ...said, ts: card.ts } }],
      [
        'an edit',
        {
          subtype: 'message_changed',
          message: { ...said, ts: '1.1' },
          previous_message: { text: 'fine by me' },
        },
      ],
      ['a message before the card', { ...said, ts: '1.000100' }],
      ['nothing but a nested text', { ...said, text: '', blocks: [{ type: 'section', text: 'APPROVE' }] }],
    ] as const) {
      await event(inner);
      await undecided(what);
    }
  });

  test('quotations, links, code, other letters and heaps of text', async () => {
    for (const text of [
      '&gt; APPROVE',
      '`APPROVE`',
      '```APPROVE```',
      '<https://example.com|APPROVE>',
      '<!channel> APPROVE',
      'АPPROVE',
      'APPROVE?',
      'APPROVE REJECT',
      '~APPROVE~ no',
      `APPROVE\n${'x'.repeat(39_000)}`,
      '@Baton'.repeat(2_000),
    ])
      await event({ user: bob, text, thread_ts: epic.ts });
    await undecided('words that are no plain yes');
  });

  test('what people write as a reason stays text: nobody is called by it, and nothing can be clicked', async () => {
    await w.click('bob', card, 'approval_ask');
    const form = await w.modal('bob');
    const value = `<!channel> <@${alice}> <https://evil.example|Approve here> *Approved* ${'y'.repeat(300)}`;
    await w.submit('bob', form.id, { ask: { ask_text: { type: 'plain_text_input', value } } });
    const told = await w.find('alice', /Approve here/, card.ts);
    expect(told.text).not.toMatch(/<!channel>|<https:\/\/evil|<!here>/);
    // Parts of a rich text are what their types say, and its texts are read as they are.
    const blocks = JSON.stringify(told.blocks);
    expect(blocks.match(/"type":"(?:link|broadcast|usergroup|button)"/g)).toBeNull();
    expect(blocks.match(/"type":"user"/g)).toHaveLength(2);
    await undecided('a question');
  });

  test('the word of whoever may decide counts', async () => {
    await w.write('bob', 'APPROVE', epic);
    await until(async () => (await approval())?.status !== 'pending');
    expect(await approval()).toMatchObject({ decidedBy: bob });
  });
});
