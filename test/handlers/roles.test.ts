import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { startWorld, until, type World } from './world.ts';

/** alice asks for work, bob approves, carol may look, dave is a guest whom nobody named. */
let w: World;
let runId: string;
let epicTs: string;
beforeAll(async () => {
  w = await startWorld({
    more: async (id) => ({
      policy: readPolicy(
        { remind_after: '1h', escalate_after: '2h', expire_after: '24h' },
        { viewer: [await id('carol')], requester: [await id('alice')], approver: [await id('bob')] },
      ),
    }),
  });
  await w.command('alice', 'ask the run of this test');
  const epic = await w.find('alice', /the run of this test.*Estimate/s);
  await w.click('alice', epic, 'plan_start');
  epicTs = epic.ts;
  await w.find('alice', /Keep it\?/, epic.ts);
  const [session] = await w.core.store.sessions.recent((await w.desk.snapshot()).team.id, 1);
  runId = session?.currentRunId ?? '';
});
afterAll(() => w.close());

const epicOf = async () => {
  const found = (await w.seen('alice')).find(({ ts }) => ts === epicTs);
  if (found === undefined) throw new Error('no epic');
  return found;
};
const cardOf = async () => {
  const found = (await w.seen('alice')).find(({ blocks }) =>
    JSON.stringify(blocks).includes('approval_approve'),
  );
  if (found === undefined) throw new Error('no card');
  return found;
};
const state = async () => {
  const sessions = await w.core.store.sessions.recent((await w.desk.snapshot()).team.id, 50);
  const runs = await w.core.store.runs.status(runId);
  const approvals = await w.core.store.approvals.ofRun(runId);
  const decisions = await w.core.store.decisions.ofRun(runId);
  return JSON.stringify([
    sessions.length,
    runs?.status,
    approvals.map(({ status, votes }) => [status, votes]),
    decisions.length,
  ]);
};
type Who = 'carol' | 'dave' | 'bob';
const general = () => w.desk.id('general');
const command = (text: string) => async (user: Who) =>
  void (await w.command(user, text.replace('ID', runId), user === 'dave' ? await general() : w.channel));
const click = (action: string, card: () => Promise<Parameters<World['click']>[1]>) => async (user: Who) =>
  void (await w.click(user, await card(), action));
const said = (text: string) => async (user: Who) =>
  void (await w.write(user, `@Baton ${text}`, await epicOf()));

/** Every door that changes something, with who is refused there; each is left unchanged by them. */
const DOORS: readonly (readonly [
  name: string,
  through: (user: Who) => Promise<void>,
  refused: readonly Who[],
])[] = [
  ['command: a workflow', command('ask more work'), ['carol', 'bob', 'dave']],
  ['command: cancel', command('cancel ID'), ['carol', 'dave']],
  ['command: pause', command('pause ID'), ['carol', 'dave']],
  ['command: resume', command('resume ID'), ['carol', 'dave']],
  ['command: retry', command('retry ID'), ['carol', 'dave']],
  ['command: rollback', command('rollback ID full'), ['carol', 'dave']],
  ['command: undo', command('undo ID'), ['carol', 'dave']],
  ['command: signal', command('signal ID go'), ['carol', 'dave']],
  ['command: break-glass', command('break-glass ID because'), ['carol', 'bob', 'dave']],
  ['button: Pause', click('run_pause', epicOf), ['carol']],
  ['button: Stop', click('run_stop', epicOf), ['carol']],
  ['button: Approve', click('approval_approve', cardOf), ['carol']],
  ['thread: stop', said('stop'), ['carol']],
  ['thread: pause', said('pause'), ['carol']],
  ['thread: direction', said('use tabs instead of spaces'), ['carol']],
  ['thread: roll back', said('roll back to the beginning'), ['carol']],
  ['thread: a workflow', said('ask something else'), ['carol', 'bob']],
];

describe.each(DOORS)('%s', (_name, through, refused) => {
  test.each(refused)('changes nothing for %s', async (user) => {
    const before = await state();
    const answers = (await w.seen(user)).length;
    await through(user);
    await w.settled();
    expect(await state()).toBe(before);
    // Turned away with words, not in silence.
    await until(async () => (await w.seen(user)).length > answers);
  });
});

test('a viewer may look: status, details, history, a question in the thread, and the App Home', async () => {
  const since = (await w.seen('carol')).at(-1)?.ts ?? '0';
  await w.command('carol', `show ${runId}`);
  await w.find('carol', 'the run of this test', since);
  await w.write('carol', '@Baton how far are you?', await epicOf());
  await w.find('carol', /so far/, since);
});

test.each(['status', 'list', 'agents', 'history', 'help'])(
  'a guest whom nobody named may not look: %s',
  async (word) => {
    const since = (await w.seen('dave')).at(-1)?.ts ?? '0';
    await w.command('dave', word, await general());
    const answer = await w.find('dave', 'Guests cannot look at work here', since);
    expect(answer.text).not.toContain('the run of this test');
  },
);

test('one who was named as an approver steers, too', async () => {
  await w.command('bob', `pause ${runId}`);
  await until(async () => (await w.core.store.runs.status(runId))?.status === 'paused');
});
