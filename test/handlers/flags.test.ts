import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { startWorld, until, type World } from './world.ts';

const question = (id: string) => ({ kind: 'approval', id, title: `${id}?`, why: 'w' });
const forked: Workflow = {
  name: 'forked',
  title: 'Forked',
  description: 'd',
  how: 'h',
  why: 'w',
  flow: {
    kind: 'conditional',
    id: 'fork',
    cases: [{ if: 'flags.fancy', then: question('fancy') }],
    else: question('plain'),
  },
};

let w: World;
beforeAll(async () => {
  w = await startWorld({
    workflows: [forked],
    more: async (id) => ({
      policy: readPolicy({}, { approver: [await id('alice')] }),
      flags: { defaults: { fancy: false, old: true }, channels: {} },
    }),
  });
});
afterAll(() => w.close());

const run = async (name: string) => {
  const found = (await w.core.store.sessions.recent(w.team, 50)).find(({ request }) => request === name);
  if (found === undefined) throw new Error(`no session ${name}`);
  return found.currentRunId;
};
async function asks(name: string): Promise<string> {
  await w.command('alice', `forked ${name}`);
  const epic = await w.find('alice', new RegExp(`${name}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  const runId = await run(name);
  await until(async () => (await w.core.store.approvals.ofRun(runId)).length > 0);
  return (await w.core.store.approvals.ofRun(runId))[0]?.subject.title ?? '';
}

describe('/orchestrate flag', () => {
  test('shows what holds, changes it for those who may, and each run decides by what it read', async () => {
    await w.command('bob', 'flag');
    expect((await w.find('bob', '`fancy` is off')).text).toContain('`old` is on (baton.yaml)');
    expect(await asks('before')).toBe('plain?');
    await w.command('bob', 'flag fancy on');
    await w.find('bob', 'Only those who may approve');
    expect(await asks('refused')).toBe('plain?');
    await w.command('alice', 'flag fancy on');
    await w.find('alice', '`fancy` is on in this channel');
    expect(await asks('after')).toBe('fancy?');
    const events = await w.core.store.projections.events(await run('after'), 0, 1_000);
    expect(events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'rule.evaluated', rule: 'flags.fancy', outcome: 'matched' }),
    );
    await w.command('alice', 'flag fancy off');
    await w.find('alice', '`fancy` is off in this channel');
    expect(await asks('again')).toBe('plain?');
    // In another channel nothing was changed.
    expect(await w.core.flags.list(w.team, 'C0OTHER')).toContainEqual({
      name: 'fancy',
      on: false,
      set: null,
    });
  });

  test.each(['flag fancy', 'flag fancy maybe', 'flag fancy on now'])('%s: how it goes', async (words) => {
    const before = (await w.seen('alice')).at(-1)?.ts ?? '0';
    await w.command('alice', words);
    await w.find('alice', 'Like this:', before);
  });

  test('a name that rules cannot say is refused', async () => {
    await w.command('alice', 'flag new-page on');
    await w.find('alice', 'is no name for a flag');
  });
});
