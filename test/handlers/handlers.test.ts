import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorld, until, type World } from './world.ts';

let w: World;
beforeAll(async () => {
  w = await startWorld();
});
afterAll(() => w.close());

/** Starts a run of one approval and waits for its plan; `name` is its title. */
async function planned(name: string, user = 'alice') {
  expect(await w.command(user, `ask ${name}`)).toEqual({ ok: true });
  return w.find('alice', new RegExp(`${name}.*`, 's'));
}
async function asked(name: string) {
  const epic = await planned(name);
  expect(await w.click('alice', epic, 'plan_start')).toEqual({ ok: true });
  return { epic, card: await w.find('alice', new RegExp(`Keep it\\?.*${name}`, 's'), epic.ts) };
}
const session = async (name: string) => {
  const found = (await w.core.store.sessions.recent(await team(), 50)).find(
    ({ request }) => request === name,
  );
  if (found === undefined) throw new Error(`no session ${name}`);
  return found;
};
const team = async () => (await w.desk.snapshot()).team.id;
const status = async (name: string) =>
  (await w.core.store.runs.status((await session(name)).currentRunId))?.status;
const ended = (name: string, as: string) => until(async () => (await status(name)) === as);

describe('/orchestrate', () => {
  test('an unknown word: the nearest one, to that person only', async () => {
    expect(await w.command('bob', 'lsit')).toEqual({ ok: true });
    const answer = await w.find('bob', 'Did you mean');
    expect(answer.text).toContain('list');
    expect(answer.text).toContain('Nothing was started');
    expect((await w.seen('alice')).some(({ text }) => text.includes('Did you mean'))).toBe(false);
    await w.command('bob', 'xyzzy');
    const help = await w.find('bob', 'There is no `/orchestrate xyzzy`');
    expect(help.text).toContain('To start work: /orchestrate ');
    expect(help.text).toContain('retry [id]');
    // What is near a word is enough to say.
    expect(answer.text).not.toContain('To start work');
  });

  test('an option that is none here is named, and nothing starts', async () => {
    await w.command('bob', 'ask something budgt:$5');
    expect((await w.find('bob', 'is no option here')).text).toContain('budget:');
    expect(
      (await w.core.store.sessions.recent(await team(), 50)).map(({ request }) => request),
    ).not.toContain('something');
  });

  test('a repository that is none is said before any plan', async () => {
    await w.command('alice', 'ask nowhere repo:/nonexistent/place');
    await ended('nowhere', 'failed');
    const epic = await w.find('alice', /nowhere.*(?:nonexistent|not)/s);
    expect(JSON.stringify(epic.blocks)).not.toContain('plan_start');
    expect(await session('nowhere')).toMatchObject({ repository: '/nonexistent/place', request: 'nowhere' });
  });

  test('empty, or a workflow without words: the form; what it lacks is said in it; then it starts, once', async () => {
    await w.command('alice', '');
    const form = await w.modal('alice');
    const values = (workflow: string | null, request: string) => ({
      workflow: {
        start_workflow: {
          type: 'static_select',
          selected_option:
            workflow === null ? null : { text: { type: 'plain_text', text: workflow }, value: workflow },
        },
      },
      request: { start_request: { type: 'plain_text_input', value: request } },
      repository: { start_repository: { type: 'plain_text_input', value: null } },
    });
    expect(await w.submit('alice', form.id, values('ask', '   '))).toMatchObject({
      ok: false,
      errors: { request: expect.any(String) },
    });
    expect(await w.submit('alice', form.id, values('ask', 'from the form\nin two lines'))).toEqual({
      ok: true,
    });
    const epic = await w.find('alice', 'from the form');
    expect(epic.channel).toBe(w.channel);
    expect(await session('from the form\nin two lines')).toMatchObject({
      workflow: 'ask',
      channel: w.channel,
    });
  });

  test('help, list, status and show answer only whoever asked', async () => {
    await planned('shown');
    const { currentRunId, id } = await session('shown');
    for (const [word, expected] of [
      ['help', 'retry [id]'],
      ['list', currentRunId],
      ['status', currentRunId],
      [`show ${currentRunId}`, 'Plan: '],
      [`show ${id}`, 'Plan: '],
      [`show ${id.slice(-6)}`, 'Plan: '],
      ['show', currentRunId],
      ['show zzzz', 'not known here'],
    ] as const) {
      const before = (await w.seen('carol')).at(-1)?.ts ?? '0';
      await w.command(word === 'show' ? 'alice' : 'carol', word);
      const answer = await w.find(word === 'show' ? 'alice' : 'carol', expected, before);
      expect(answer.ephemeralFor).not.toBeNull();
    }
  });

  test('cancel and retry: only whoever asked for it; each gets an answer', async () => {
    await planned('stopped');
    const { currentRunId } = await session('stopped');
    await w.command('bob', `cancel ${currentRunId}`);
    expect((await w.find('bob', 'who asked for this')).text).toContain('Only');
    expect(await status('stopped')).toBe('waiting');
    await w.command('alice', `cancel ${currentRunId}`);
    const { ts } = await w.find('alice', 'Stopped. Its branch');
    await ended('stopped', 'cancelled');
    await w.command('alice', `cancel ${currentRunId}`);
    // A second time is another word, and comes too late.
    await w.find('alice', 'has already ended. Nothing was changed', ts);
    await w.command('bob', `retry ${currentRunId}`);
    await w.command('alice', `retry ${currentRunId}`);
    await until(async () => (await session('stopped')).currentRunId !== currentRunId);
    await ended('stopped', 'waiting');
    await w.command('alice', `retry ${(await session('stopped')).currentRunId}`);
    await w.find('alice', 'not paused');
  });
});

describe('the plan', () => {
  test('only whoever asked may start it; twice changes nothing; every other click is answered', async () => {
    const epic = await planned('guarded');
    await w.click('bob', epic, 'plan_start');
    await w.find('bob', 'who asked for this', epic.ts);
    expect(await status('guarded')).toBe('waiting');
    await Promise.all([w.click('alice', epic, 'plan_start'), w.click('alice', epic, 'plan_cancel')]);
    await w.settled();
    await w.find('alice', 'been started or cancelled already', epic.ts);
    const { currentRunId } = await session('guarded');
    const made = (await w.core.store.decisions.ofRun(currentRunId)).filter(({ kind }) => kind === 'plan');
    expect(made).toHaveLength(1);
    const started = (await w.core.store.projections.events(currentRunId, 0, 500)).filter(
      ({ event }) => event.type === 'plan.started',
    );
    expect(started).toHaveLength(made[0]?.choice === 'start' ? 1 : 0);
  });

  test('cancelled: the run ends, the message says so, its buttons go', async () => {
    const epic = await planned('unwanted');
    await w.click('alice', epic, 'plan_cancel');
    await ended('unwanted', 'completed');
    await w.command('alice', `cancel ${(await session('unwanted')).currentRunId}`);
    await w.find('alice', 'has already ended', epic.ts);
    await until(
      async () =>
        !JSON.stringify((await w.seen('alice')).find(({ ts }) => ts === epic.ts)?.blocks).includes(
          'plan_start',
        ),
    );
  });
});

describe('an approval', () => {
  test('a guest may not; of two at once one decides, and the other is told who; later clicks change nothing', async () => {
    const { card } = await asked('contested');
    const channelOf = await w.desk.id('baton-epics');
    await w.desk.page('command', {
      user: await w.desk.id('alice'),
      channel: channelOf,
      command: '/invite',
      text: '@dave',
    });
    await w.click('dave', card, 'approval_approve');
    await w.find('dave', 'Guests cannot decide', card.ts);
    expect((await w.core.store.approvals.ofRun((await session('contested')).currentRunId))[0]?.status).toBe(
      'pending',
    );

    await Promise.all([w.click('bob', card, 'approval_approve'), w.click('carol', card, 'approval_approve')]);
    await ended('contested', 'completed');
    const [decided] = await w.core.store.approvals.ofRun((await session('contested')).currentRunId);
    const faster = decided?.decidedBy === (await w.desk.id('bob')) ? 'bob' : 'carol';
    const slower = faster === 'bob' ? 'carol' : 'bob';
    await w.find(faster, 'Noted: approved', card.ts);
    expect((await w.find(slower, 'Already approved by', card.ts)).text).toContain('changed nothing');
    const made = (await w.core.store.decisions.ofRun(decided?.runId ?? '')).filter(
      ({ kind }) => kind === 'approval',
    );
    expect(made.map(({ actor, choice }) => [actor, choice])).toEqual([[decided?.decidedBy, 'approve']]);
    const now = async () => (await w.seen('alice')).find(({ ts }) => ts === card.ts);
    await until(async () => (await now())?.text.includes('approved this') === true);
    const closed = await now();
    expect(JSON.stringify(closed?.blocks)).not.toContain('approval_approve');
  });

  test('rejected with a reason, through the form; whoever comes late with theirs is told', async () => {
    const { card } = await asked('unloved');
    await w.click('bob', card, 'approval_reject');
    await w.click('carol', card, 'approval_changes');
    const [reject, changes] = [await w.modal('bob'), await w.modal('carol')];
    expect(
      await w.submit('bob', reject.id, {
        reason: { reason_text: { type: 'plain_text_input', value: 'not needed' } },
      }),
    ).toEqual({ ok: true });
    await ended('unloved', 'failed');
    expect(
      await w.submit('carol', changes.id, {
        changes: { changes_text: { type: 'plain_text_input', value: 'rename it' } },
      }),
    ).toEqual({ ok: true });
    await w.find('carol', 'Already rejected by', card.ts);
    const [decided] = await w.core.store.approvals.ofRun((await session('unloved')).currentRunId);
    expect(decided).toMatchObject({ status: 'rejected', comment: 'not needed' });
  });

  test('changes: asked again about the new state, and the old card no longer counts', async () => {
    const { card } = await asked('polished');
    await w.click('bob', card, 'approval_changes');
    const form = await w.modal('bob');
    await w.submit('bob', form.id, {
      changes: { changes_text: { type: 'plain_text_input', value: 'touch it' } },
    });
    const runId = (await session('polished')).currentRunId;
    await until(async () => (await w.core.store.approvals.ofRun(runId)).length === 2);
    const [first, second] = await w.core.store.approvals.ofRun(runId);
    expect([first?.status, first?.comment, second?.status]).toEqual([
      'changes_requested',
      'touch it',
      'pending',
    ]);
    expect(second?.subject.digest).not.toBe(first?.subject.digest);
    const again = await w.find('alice', /Keep it\?.*polished/s, card.ts);
    await w.click('bob', again, 'approval_approve');
    await ended('polished', 'completed');
  });

  test('a run that was stopped withdraws its question', async () => {
    const { card } = await asked('withdrawn');
    await w.command('alice', `cancel ${(await session('withdrawn')).currentRunId}`);
    await ended('withdrawn', 'cancelled');
    await w.settled();
    expect((await w.core.store.approvals.ofRun((await session('withdrawn')).currentRunId))[0]?.status).toBe(
      'voided',
    );
    await until(
      async () =>
        (await w.seen('alice')).find(({ ts }) => ts === card.ts)?.text.includes('Withdrawn') === true,
    );
  });
});

describe('everything delivered once more', () => {
  test('a mention is answered', async () => {
    await w.desk.page('message', { user: await w.desk.id('bob'), channel: w.channel, text: '@Baton do it' });
    await w.find('bob', 'In the thread of an epic, mention me').catch(async () => {
      throw new Error(
        `unanswered; Baton is called ${(await w.desk.snapshot()).people.map(({ name }) => name).join(', ')}`,
      );
    });
  });

  test('redelivered, all of it, later and signed anew: acknowledged, and nothing changes', async () => {
    await w.settled();
    // What is still on its way to the desk is no change that a redelivery made.
    await w.said();
    const state = async () => {
      const sessions = await w.core.store.sessions.recent(await team(), 50);
      const runs = await Promise.all(
        sessions.map(async ({ currentRunId: id }) => [
          id,
          await w.core.store.runs.status(id),
          await w.core.store.decisions.ofRun(id),
          await w.core.store.approvals.ofRun(id),
          (await w.core.store.projections.events(id, 0, 500)).length,
        ]),
      );
      return JSON.stringify({ sessions, runs, messages: await w.seen('alice') });
    };
    const before = await state();
    const delivered = w.post.kept.length;
    expect(delivered).toBeGreaterThan(40);
    const statuses = await w.post.again(() => w.clock.now());
    expect(new Set(statuses)).toEqual(new Set([200]));
    await w.settled();
    expect(await state()).toBe(before);
    const stats = await w.desk.stats();
    expect(stats.doubledPosts).toBe(0);
    expect(stats.unacked).toBe(0);
    expect(Object.values(stats.calls).reduce((sum, { limited }) => sum + limited, 0)).toBe(0);
  });
});
