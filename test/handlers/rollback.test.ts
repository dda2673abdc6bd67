import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Workflow } from '../../src/domain/workflow.ts';
import { startWorld, until, type World } from './world.ts';

/** Two commands, each state validated, then a question: all that going back needs, and no agent. */
const pair: Workflow = {
  name: 'touches',
  title: 'Two files',
  description: 'd',
  how: 'one after the other',
  why: 'w',
  flow: {
    kind: 'sequence',
    id: 'touches',
    handoffs: {},
    stages: [
      { kind: 'command', id: 'one', run: ['touch', 'one.txt'] },
      { kind: 'command', id: 'two', run: ['touch', 'two.txt'] },
      { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' },
    ],
  },
};

let w: World;
beforeAll(async () => {
  w = await startWorld({ workflows: [pair] });
});
afterAll(() => w.close());

const session = async () => {
  const [found] = await w.core.store.sessions.recent((await w.desk.snapshot()).team.id, 1);
  if (found === undefined) throw new Error('no session');
  return found;
};
const status = async () => (await w.core.store.runs.status((await session()).currentRunId))?.status;
const choice = (value: string) => ({
  type: 'static_select',
  selected_option: { text: { type: 'plain_text', text: value }, value },
});
const names = (branch: string) =>
  execFileSync('git', ['ls-tree', '--name-only', branch], {
    cwd: w.core.defaultRepository,
    encoding: 'utf8',
  }).split('\n');

test('by button while paused, and by words once ended: shown what is lost, allowed by somebody else, done once', async () => {
  await w.command('alice', 'touches something');
  const epic = await w.find('alice', /something.*Estimate/s);
  await w.click('alice', epic, 'plan_start');
  await w.find('bob', /Keep it\?/, epic.ts);
  // While it is under way nothing is taken back.
  await w.command('alice', 'rollback 1');
  await w.find('alice', 'It is under way. Pause it first', epic.ts);
  await w.command('alice', 'pause');
  await until(async () => (await status()) === 'paused');
  const first = (await session()).currentRunId;

  await w.command('alice', 'rollback');
  const offer = await w.find('alice', 'Where to roll back', epic.ts);
  expect(offer.text).toContain('1. after two');
  expect(offer.text).toContain('2. after one');
  expect(offer.text).toContain('1 file since');
  const card = async () => (await w.seen('alice')).find(({ ts }) => ts === epic.ts) ?? epic;
  await until(async () => JSON.stringify((await card()).blocks).includes('run_rollback'));
  await w.click('bob', await card(), 'run_rollback');
  await w.find('bob', 'who asked for this', epic.ts);
  await w.click('alice', await card(), 'run_rollback');
  const form = await w.modal('alice');
  await w.submit('alice', form.id, {
    level: { rollback_level: choice('state') },
    point: { rollback_point: choice('2') },
  });
  await w.find('alice', 'Asked for. The card in the thread', epic.ts);
  const ask = await w.find('bob', /Roll the run back to after one\?/, epic.ts);
  expect(ask.threadTs).toBe(epic.ts);
  expect(ask.text).toContain('two.txt');
  expect(ask.text).not.toContain('one.txt +');
  expect(ask.text).toContain('“Keep it?” (still open)');
  await w.click('alice', ask, 'approval_approve');
  await w.find('alice', 'You asked for this work, so somebody else has to decide', epic.ts);
  await w.click('bob', ask, 'approval_approve');
  await w.find('bob', 'Rolled back to after one: 1 file went back', epic.ts);
  await until(async () => (await session()).currentRunId !== first);
  expect((await w.core.store.runs.status(first))?.status).toBe('cancelled');

  // The work goes on from there, asks once more, and ends.
  const again = async () =>
    (await w.seen('bob')).filter(
      ({ text, blocks }) => text.includes('Keep it?') && JSON.stringify(blocks).includes('approval_approve'),
    );
  await until(async () => (await again()).length === 1);
  const [keep] = await again();
  if (keep === undefined) throw new Error('unreachable');
  await w.click('bob', keep, 'approval_approve');
  await until(async () => (await status()) === 'completed');
  const { currentRunId } = await session();
  const { branch } = await w.core.registry.input(currentRunId);
  expect(names(branch)).toEqual(expect.arrayContaining(['one.txt', 'two.txt']));

  await until(async () => JSON.stringify((await card()).blocks).includes('run_rollback'));
  await w.write('alice', '@Baton roll back to after one, only the files', epic);
  const files = await w.find('bob', /Put the files back to how they were after one\?/, epic.ts);
  await w.click('bob', files, 'approval_approve');
  await w.find('bob', /The files are as they were after one/, epic.ts);
  expect(names(branch)).toContain('one.txt');
  expect(names(branch)).not.toContain('two.txt');
  const kinds = (await w.core.store.decisions.ofRun(currentRunId)).map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['rollback', 'steering']));
});
