import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Message } from '../../desk/contract.ts';
import type { Approval } from '../../src/domain/approval.ts';
import { isTerminal } from '../../src/domain/run.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { workflowOf } from '../support/core.ts';
import { startWorld, until, type World } from './world.ts';

/** A file that two streams changed, in Slack: both sides, a form to write it in, and what happens when a side changes. */
const shell = (id: string, script: string): Node => ({ kind: 'command', id, run: ['sh', '-c', script] });
const streams = (name: string, one: string, two: string) =>
  workflowOf(name, {
    kind: 'parallel',
    id: 'clash',
    streams: true,
    branches: [shell('one', one), shell('two', two)],
  });
const text = (word: string) => `printf 'top\\n  ${word}\\n' > a.txt`;
/** Two files more: bytes that are no text, and more lines than a form takes. */
const others = (word: string) => `printf '\\000${word}' > b.bin && { seq 1 4000; echo ${word}; } > c.txt`;

let w: World;
beforeAll(async () => {
  w = await startWorld({
    workflows: [
      streams('clash', text('one'), text('two')),
      streams('several', `${text('one')} && ${others('one')}`, `${text('two')} && ${others('two')}`),
    ],
    redact: (said) => said.replaceAll('hunter2', '[secret]'),
    more: async () => ({
      policy: readPolicy(
        { four_eyes: true, remind_after: '1h', escalate_after: '2h', expire_after: '24h' },
        {},
      ),
    }),
  });
}, 60_000);
afterAll(() => w.close());

/** Asked again with every commit; a run takes as long as it takes. */
async function once<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = w.core.engine.onCommit(() => next.resolve());
    const found = await look();
    if (found === undefined) await next.promise;
    off();
    if (found !== undefined) return found;
  }
}
const runOf = async (name: string): Promise<string> => {
  const found = (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === name);
  if (found === undefined) throw new Error(`no session ${name}`);
  return found.currentRunId;
};
/** The nth question of a run, once it is asked. */
const question = async (name: string, nth: number): Promise<Approval> => {
  const runId = await runOf(name);
  return once(async () => (await w.core.store.approvals.ofRun(runId))[nth - 1]);
};
/** The card of the nth question, as people see it while it waits. */
const card = async (name: string, nth: number): Promise<Message> => {
  const { nonce } = await question(name, nth);
  let found: Message | undefined;
  await until(async () => {
    found = (await w.seen('bob')).find(({ blocks }) => JSON.stringify(blocks).includes(nonce));
    return found !== undefined;
  });
  if (found === undefined) throw new Error('unreachable');
  return found;
};
async function start(workflow: string, name: string): Promise<Message> {
  await w.command('alice', `${workflow} ${name}`);
  const epic = await w.find('alice', new RegExp(`${name}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  return card(name, 1);
}
const ended = async (name: string) => {
  const runId = await runOf(name);
  return once(async () => {
    const status = (await w.core.store.runs.status(runId))?.status;
    return status !== undefined && isTerminal(status) ? status : undefined;
  });
};
const events = async (name: string) =>
  (await w.core.store.projections.events(await runOf(name), 0, 2_000)).map(({ event }) => event);
const onBranch = async (name: string, file: string): Promise<string> => {
  const branch = (await events(name)).flatMap((each) =>
    each.type === 'workspace.ready' ? [each.branch] : [],
  );
  return execFileSync('git', ['show', `${branch[0]}:${file}`], {
    cwd: w.core.defaultRepository,
    encoding: 'utf8',
  });
};
const written = (value: string, at = 0) => ({
  [`contents${at}`]: { contents_text: { type: 'plain_text_input', value } },
});
const fieldsSchema = z.array(
  z.looseObject({ element: z.looseObject({ initial_value: z.string() }).optional() }),
);
const filled = (blocks: unknown): string[] =>
  fieldsSchema.parse(blocks).flatMap(({ element }) => (element === undefined ? [] : [element.initial_value]));
/** Somebody changes the file where it is merged into. */
const changeByHand = async (name: string, content: string) => {
  const { info } = await w.core.registry.of(await runOf(name), null);
  writeFileSync(path.join(info.path, 'a.txt'), content);
};
const refusals = async (name: string): Promise<string[]> =>
  (await w.core.store.audit.ofRun(await runOf(name))).flatMap(({ kind, detail }) =>
    kind === 'approval.refused' ? [z.looseObject({ refusal: z.string() }).parse(detail).refusal] : [],
  );

describe('a conflict in Slack', () => {
  test('is written in a form that begins with both sides, file by file; what is no text or too long says so', async () => {
    const first = await start('several', 'write');
    await w.click('bob', first, 'approval_edit');
    const form = await w.modal('bob');
    expect(filled(form.blocks)).toEqual(['top\n<<<<<<< first\n  one\n=======\n  two\n>>>>>>> second\n']);
    const [marked = ''] = filled(form.blocks);
    for (const [wrong, why] of [
      [marked, /still in it/],
      ['', /an empty one cannot be written/],
      ['password: hunter2', /looks like a secret/],
    ] as const)
      expect(await w.submit('bob', form.id, written(wrong))).toMatchObject({
        errors: { contents0: expect.stringMatching(why) },
      });
    expect(await w.submit('bob', form.id, written('top\n  one & two\n\n'))).toEqual({ ok: true });

    const bytes = await card('write', 2);
    expect(JSON.stringify(bytes.blocks)).toMatch(/Edit is not offered: .*it is not text \(binary\)/);
    expect(JSON.stringify(bytes.blocks)).not.toContain('approval_edit');
    await w.click('bob', bytes, 'approval_changes');
    const long = await card('write', 3);
    expect(JSON.stringify(long.blocks)).toMatch(/it is too long for a form \(about \d+ characters/);
    await w.click('carol', long, 'approval_approve');

    expect(await ended('write')).toBe('completed');
    expect(await onBranch('write', 'a.txt')).toBe('top\n  one & two\n\n');
    expect(await onBranch('write', 'b.bin')).toBe('\0two');
    expect((await onBranch('write', 'c.txt')).endsWith('4000\none\n')).toBe(true);
    expect((await events('write')).filter(({ type }) => type === 'conflict.resolved')).toMatchObject([
      { path: 'a.txt', took: 'edited', by: 'person', who: await w.desk.id('bob') },
      { path: 'b.bin', took: 'second' },
      { path: 'c.txt', took: 'first' },
    ]);
    await w.find('alice', /chose “Edit”.*Written: /s);
    // What was refused in the form was kept nowhere.
    const kept = ['baton.db', 'baton.db-wal'].map((name) => readFileSync(path.join(w.home, name), 'latin1'));
    expect(kept.join('')).toContain('one & two');
    expect(kept.join('')).not.toContain('hunter2');
  });

  test('whose side changes after it was shown: the click itself is refused, the card is void, and a new one shows it', async () => {
    const first = await start('clash', 'moved');
    await changeByHand('moved', 'top\n  by hand\n');
    await w.click('bob', first, 'approval_edit');
    await w.find('bob', /has changed since, so this button no longer counts/, first.ts);
    const second = await card('moved', 2);
    expect((await question('moved', 1)).status).toBe('voided');
    expect((await question('moved', 1)).voidReason).toBe('content_changed');
    await until(async () => {
      const old = (await w.seen('alice')).find(({ ts }) => ts === first.ts);
      return (
        old?.text.includes('Withdrawn') === true && !JSON.stringify(old.blocks).includes('approval_edit')
      );
    });
    expect((await w.desk.snapshot(await w.desk.id('bob'))).modals).toEqual([]);
    expect(second.text).toContain('by hand');

    // A form that is open when a side changes: what it hands in does not count either.
    await w.click('bob', second, 'approval_edit');
    const stale = await w.modal('bob');
    expect(filled(stale.blocks)[0]).toContain('by hand');
    await changeByHand('moved', 'top\n  by hand again\n');
    expect(await w.submit('bob', stale.id, written('mine\n'))).toEqual({ ok: true });
    const third = await card('moved', 3);
    // And a side is not taken any more, once it is another.
    await changeByHand('moved', 'top\n  the last\n');
    await w.click('carol', third, 'approval_approve');
    const fourth = await card('moved', 4);
    await w.click('carol', fourth, 'approval_approve');
    expect(await ended('moved')).toBe('completed');
    expect(await onBranch('moved', 'a.txt')).toBe('top\n  the last\n');
    const all = await w.core.store.approvals.ofRun(await runOf('moved'));
    expect(all.map(({ status }) => status)).toEqual(['voided', 'voided', 'voided', 'taken']);
    expect(await refusals('moved')).toEqual(['content_changed', 'content_changed', 'content_changed']);
  });

  test('is no business of whoever may not decide: no form, and nothing that they hand in', async () => {
    const only = await start('clash', 'mine');
    await w.click('alice', only, 'approval_edit');
    await w.find('alice', /You asked for this work, so somebody else has to decide/, only.ts);
    expect((await w.desk.snapshot(await w.desk.id('alice'))).modals).toEqual([]);
    const { nonce } = await question('mine', 1);
    const by = {
      id: await w.desk.id('alice'),
      team: w.team,
      isBot: false,
      isGuest: false,
      isStranger: false,
    };
    const { approvals } = w.core.orchestrator;
    expect(await approvals.edit({ nonce, by, place: 'C' }, 'mine\n')).toMatchObject({
      ok: false,
      refusal: 'requester',
    });
    const bob = { ...by, id: await w.desk.id('bob') };
    for (const text of ['', '<<<<<<< a\nb\n=======\nc\n>>>>>>> d\n', 'hunter2\n'])
      expect(await approvals.edit({ nonce, by: bob, place: 'C' }, text)).toMatchObject({
        ok: false,
        refusal: 'not_editable',
      });
    expect((await question('mine', 1)).status).toBe('pending');
    await w.click('bob', only, 'approval_reject');
    expect(await ended('mine')).toBe('failed');
  });

  test('takes one of opposite answers that come at once, and tells the others', async () => {
    for (const turn of [0, 1, 2]) {
      const name = `at once ${turn}`;
      const only = await start('clash', name);
      await w.click('bob', only, 'approval_edit');
      const form = await w.modal('bob');
      const release = w.post.hold();
      const deeds = [
        () => w.click('bob', only, 'approval_approve'),
        () => w.click('carol', only, 'approval_changes'),
        () => w.submit('bob', form.id, written('top\n  both\n')),
      ];
      const all = [...deeds.slice(turn), ...deeds.slice(0, turn)].map((deed) => deed());
      release();
      await Promise.all(all);
      expect(await ended(name)).toBe('completed');
      await w.settled();
      const { status, votes, decidedBy } = await question(name, 1);
      expect(votes).toHaveLength(1);
      const took = votes[0]?.edited !== undefined ? '  both' : status === 'taken' ? '  one' : '  two';
      expect(await onBranch(name, 'a.txt')).toBe(`top\n${took}\n`);
      expect(await refusals(name)).toEqual(['already_decided', 'already_decided']);
      const decided = (await w.core.store.decisions.ofRun(await runOf(name))).filter(
        ({ kind }) => kind === 'approval',
      );
      expect(decided.map(({ actor }) => actor)).toEqual([decidedBy]);
      expect((await events(name)).filter(({ type }) => type === 'conflict.resolved')).toHaveLength(1);
    }
  });

  test('delivered once more, all of it: nothing changes', async () => {
    await w.settled();
    await w.said();
    const state = async () => {
      const sessions = await w.core.store.sessions.recent(w.team, 50);
      const runs = await Promise.all(
        sessions.map(async ({ currentRunId: id }) => [
          id,
          (await w.core.store.runs.status(id))?.status,
          await w.core.store.approvals.ofRun(id),
          await w.core.store.audit.ofRun(id),
          (await w.core.store.projections.events(id, 0, 2_000)).length,
        ]),
      );
      return JSON.stringify({ runs, messages: await w.seen('alice') });
    };
    const before = await state();
    expect(new Set(await w.post.again(() => w.clock.now()))).toEqual(new Set([200]));
    await w.settled();
    expect(await state()).toBe(before);
    expect((await w.desk.stats()).doubledPosts).toBe(0);
  });
});
