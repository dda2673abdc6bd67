import { execFileSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import { TOKENS } from '../desk/harness.ts';
import { startWorld, until, type World } from '../handlers/world.ts';

/** A hostile member of the workspace: clicks with everything permuted, and content that changes under a question. */
let w: World;
beforeAll(async () => {
  w = await startWorld();
});
afterAll(() => w.close());

const team = async () => (await w.desk.snapshot()).team.id;
const CARD = /Keep it\?/;

interface Asked {
  readonly runId: string;
  readonly card: Message;
  readonly nonce: string;
  readonly worktree: string;
}

async function asked(title: string): Promise<Asked> {
  await w.command('alice', `ask ${title}`);
  const epic = await w.find('alice', new RegExp(`${title}.*Plan:`, 's'));
  await w.click('alice', epic, 'plan_start');
  const card = await w.find('alice', new RegExp(`Keep it\\?.*${title}`, 's'), epic.ts);
  const session = (await w.core.store.sessions.recent(await team(), 50)).find(
    ({ request }) => request === title,
  );
  if (session === undefined) throw new Error(`no session ${title}`);
  const runId = session.currentRunId;
  const worktree = (await w.core.registry.of(runId, null)).info.path;
  const nonce = (await w.core.store.approvals.ofRun(runId))[0]?.nonce ?? '';
  return { runId, card, nonce, worktree };
}

const approvals = async (runId: string) =>
  (await w.core.store.approvals.ofRun(runId)).map(({ status, decidedBy }) => [status, decidedBy]);
const statusOf = async (runId: string) => (await w.core.store.runs.status(runId))?.status;
const told = async (user: string, words: RegExp, after: string) =>
  (await w.find(user, words, after)).ephemeralFor;

describe('content that changes while people are asked', () => {
  test('voids the card for good and asks anew about what there is now; the new answer is what is kept', async () => {
    const { runId, card, worktree } = await asked('under way');
    writeFileSync(path.join(worktree, 'slipped-in.txt'), 'slipped in\n');

    await w.click('bob', card, 'approval_approve');
    expect(await told('bob', /has changed since, so this button no longer counts/, card.ts)).toBe(
      await w.desk.id('bob'),
    );
    const second = await w.find('alice', /Keep it\?.*slipped-in\.txt/s, card.ts);
    expect(await approvals(runId)).toEqual([
      ['voided', null],
      ['pending', null],
    ]);
    await until(async () =>
      (await w.seen('alice')).some(({ ts, text }) => ts === card.ts && text.includes('Withdrawn')),
    );

    // Put back as it was, the old button still counts for nothing.
    rmSync(path.join(worktree, 'slipped-in.txt'));
    await post(click('approval_approve', (await w.core.store.approvals.ofRun(runId))[0]?.nonce ?? '', 'bob'));
    await w.find('bob', /Already withdrawn/, second.ts);
    expect(await statusOf(runId)).toBe('waiting');

    await w.click('bob', second, 'approval_approve');
    const third = await w.find('alice', CARD, (await w.find('bob', /has changed since/, second.ts)).ts);
    await w.click('bob', third, 'approval_approve');
    await until(async () => (await statusOf(runId)) === 'completed');
    expect((await approvals(runId)).map(([status]) => status)).toEqual(['voided', 'voided', 'taken']);
  });

  test('a guest’s click on it voids nothing', async () => {
    const { runId, card, nonce, worktree } = await asked('guarded');
    writeFileSync(path.join(worktree, 'more.txt'), 'more\n');
    await post(click('approval_approve', nonce, 'dave'));
    await post(click('approval_approve', nonce, 'bob', { team: 'TELSEWHERE' }));
    await w.settled();
    expect(await approvals(runId)).toEqual([['pending', null]]);
    expect(
      (await w.seen('bob')).some(({ ts, text }) => ts > card.ts && text.includes('has changed since')),
    ).toBe(false);
  });

  test('a card that shows only a part names every file and says where all of it is', async () => {
    const { card, worktree } = await asked('hidden');
    writeFileSync(path.join(worktree, 'aaa.js'), 'const harmless = 1;\n'.repeat(400));
    writeFileSync(path.join(worktree, 'zz-evil.js'), 'evil();\n');
    await w.click('bob', card, 'approval_approve');
    const second = await w.find('alice', /Keep it\?.*aaa\.js/s, card.ts);
    expect(second.text).toContain('zz-evil.js +1 −0');
    expect(second.text).not.toContain('evil();');
    expect(second.text).toContain('covers all of it; only part is shown here');
    const whole = /All of it: git diff --text ([0-9a-f]{12}) ([0-9a-f]{12})/.exec(second.text);
    const patch = execFileSync('git', ['diff', '--text', whole?.[1] ?? '', whole?.[2] ?? ''], {
      cwd: worktree,
    });
    expect(patch.toString()).toContain('+evil();');
  });

  test('content that the repository’s own attributes keep out of the patch is not called shown', async () => {
    const { card, worktree } = await asked('unattributed');
    mkdirSync(path.join(w.core.defaultRepository, '.git', 'info'), { recursive: true });
    writeFileSync(path.join(w.core.defaultRepository, '.git', 'info', 'attributes'), '*.js -diff\n');
    writeFileSync(path.join(worktree, 'quiet.js'), 'evil();\n');
    await w.click('bob', card, 'approval_approve');
    const second = await w.find('alice', /Keep it\?.*quiet\.js/s, card.ts);
    rmSync(path.join(w.core.defaultRepository, '.git', 'info', 'attributes'));
    expect(second.text).not.toContain('evil();');
    expect(second.text).toContain('only part is shown here');
    expect(second.text).toContain('git diff --text');
  });

  test('a change that needs more room once it is made visible is not called all of it', async () => {
    const { card, worktree } = await asked('reordered');
    writeFileSync(path.join(worktree, 'bidi.js'), `${'// \u202e\u202e\u202e\u202e\n'.repeat(150)}evil();\n`);
    await w.click('bob', card, 'approval_approve');
    const second = await w.find('alice', /Keep it\?.*bidi\.js/s, card.ts);
    expect(second.text).not.toContain('evil();');
    expect(second.text).toContain('only part is shown here');
  });
});

describe('clicks with values that were never offered', () => {
  test('none of them changes anything', async () => {
    const one = await asked('first target');
    const two = await asked('second target');
    const state = async () =>
      JSON.stringify([
        await approvals(one.runId),
        await approvals(two.runId),
        await statusOf(one.runId),
        await statusOf(two.runId),
        (await w.core.store.sessions.recent(await team(), 50)).length,
      ]);
    const was = await state();
    const wrong: [string, string, string, { team?: string; enterprise?: string }?][] = [
      ['approval_approve', one.runId, 'bob'],
      ['approval_approve', '%', 'bob'],
      ['approval_approve', '', 'bob'],
      ['approval_approve', one.nonce.toUpperCase(), 'bob'],
      ['approval_approve', one.nonce, 'dave'],
      ['approval_approve', one.nonce, 'bob', { team: 'TELSEWHERE' }],
      ['approval_approve', one.nonce, 'bob', { enterprise: 'EELSEWHERE' }],
      ['run_stop', one.nonce, 'alice'],
      ['run_stop', one.runId, 'bob'],
      ['run_stop', one.runId, 'alice', { team: 'TELSEWHERE' }],
      ['run_retry', one.runId, 'bob'],
      ['run_again', one.runId, 'carol'],
      ['plan_cancel', two.runId, 'bob'],
      ['plan_cancel', two.runId, 'alice'],
      ['plan_start', 'run_%', 'alice'],
      ['run_details', one.runId, 'alice', { team: 'TELSEWHERE' }],
    ];
    for (const [action, value, user, place] of wrong)
      expect(await post(click(action, value, user, place ?? {}))).toBe(200);
    for (const meta of [one.runId, '%', ''])
      expect(await post(submission('reject_form', meta, 'bob'))).toBe(200);
    expect(await post(submission('reject_form', one.nonce, 'dave'))).toBe(200);
    expect(await post(submission('changes_form', one.nonce, 'bob', 'TELSEWHERE'))).toBe(200);
    await w.settled();
    expect(await state()).toBe(was);
    expect((await w.core.store.approvals.byNonce(one.nonce))?.status).toBe('pending');
    // Not vacuous: the same click with nothing permuted counts.
    expect(await post(click('approval_approve', one.nonce, 'bob'))).toBe(200);
    await until(async () => (await statusOf(one.runId)) === 'completed');
    expect(await statusOf(two.runId)).toBe('waiting');
  });
});

describe('words that steer what shows them', () => {
  test('neither escape codes nor reordering get from a request into a commit', async () => {
    const title = 'Paint \u001b[31mred\u001b[0m \u202egnp.exe\u202c now';
    const { card, worktree } = await (async () => {
      await w.command('alice', `ask ${title}`);
      const epic = await w.find('alice', /Paint.*Plan:/s);
      expect(epic.text).toContain('⟨U+001B⟩[31mred');
      await w.click('alice', epic, 'plan_start');
      const runId = (await w.core.store.sessions.recent(await team(), 1))[0]?.currentRunId ?? '';
      const found = await w.find('alice', /Keep it\?.*Paint/s, epic.ts);
      return { card: found, worktree: (await w.core.registry.of(runId, null)).info };
    })();
    await w.click('bob', card, 'approval_approve');
    await w.find('alice', /Paint.*done in/s);
    const common = path.join(w.core.defaultRepository, '.git');
    const log = execFileSync('git', [`--git-dir=${common}`, 'log', '-1', '--format=%B', worktree.branch]);
    expect(log.toString().split('\n')[0]).toBe('Paint [31mred[0m gnp.exe now');
  });
});

/** A request as Slack signs it, with whatever the hostile member would like it to say. */
async function post(payload: Promise<object>): Promise<number> {
  const body = new URLSearchParams({ payload: JSON.stringify(await payload) }).toString();
  // The desk's clock runs as Baton's does: faster than this one.
  const at = String(w.post.kept.at(-1)?.headers['x-slack-request-timestamp']);
  const signature = createHmac('sha256', TOKENS.signingSecret).update(`v0:${at}:${body}`).digest('hex');
  const answer = await fetch(w.post.to.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': at,
      'x-slack-signature': `v0=${signature}`,
    },
    body,
  });
  await answer.body?.cancel();
  return answer.status;
}

async function click(
  action: string,
  value: string,
  user: string,
  place: { readonly team?: string; readonly enterprise?: string } = {},
) {
  const home = place.team ?? (await team());
  return {
    type: 'block_actions',
    team: { id: home, domain: 'x', ...(place.enterprise ? { enterprise_id: place.enterprise } : {}) },
    user: { id: await w.desk.id(user), team_id: home },
    container: { type: 'message', message_ts: '1.1', channel_id: w.channel },
    channel: { id: w.channel, name: 'c' },
    trigger_id: randomUUID(),
    actions: [{ type: 'button', action_id: action, block_id: 'b', action_ts: randomUUID(), value }],
  };
}

async function submission(callback: string, metadata: string, user: string, elsewhere?: string) {
  const home = elsewhere ?? (await team());
  const words = { value: 'because' };
  return {
    type: 'view_submission',
    team: { id: home, domain: 'x' },
    user: { id: await w.desk.id(user), team_id: home },
    view: {
      id: randomUUID(),
      hash: randomUUID(),
      type: 'modal',
      callback_id: callback,
      private_metadata: metadata,
      state: { values: { reason: { reason_text: words }, changes: { changes_text: words } } },
    },
  };
}

describe('who may start, and who may know', () => {
  const channelNamed = async (name: string) => {
    const found = (await w.desk.snapshot()).channels.find((channel) => channel.name === name);
    if (found === undefined) throw new Error(`no channel ${name}`);
    return found.id;
  };

  test('a guest starts nothing, and is told', async () => {
    const general = await channelNamed('general');
    await w.command('dave', 'ask guests work', general);
    const answer = await w.find('dave', /Guests cannot start work/);
    expect(answer.ephemeralFor).not.toBeNull();
    const requests = (await w.core.store.sessions.recent(await team(), 50)).map(({ request }) => request);
    expect(requests).not.toContain('guests work');
  });

  test('what was asked for in a private channel is not told of elsewhere, but to whoever asked', async () => {
    const escalations = await channelNamed('escalations');
    await w.command('alice', 'ask hush hush', escalations);
    await w.find('alice', /hush hush.*Plan:/s);
    const found = (await w.core.store.sessions.recent(await team(), 50)).find(
      ({ request }) => request === 'hush hush',
    );
    const before = (await w.seen('carol')).at(-1)?.ts ?? '0';
    await w.command('carol', `show ${found?.id ?? ''}`);
    expect((await w.find('carol', /not known here|Plan:/, before)).text).toContain('not known here');
    const mine = (await w.seen('alice')).at(-1)?.ts ?? '0';
    await w.command('alice', `show ${found?.id ?? ''}`);
    expect((await w.find('alice', /not known here|Plan:/, mine)).text).toContain('hush hush');
  });
});
