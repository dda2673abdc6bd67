import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Core } from '../../src/compose/core.ts';
import type { Workflow } from '../../src/domain/workflow.ts';
import type { Directory } from '../../src/ports/directory.ts';
import { coreAt, when } from '../support/core.ts';
import { everybody, member } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const workflow = (name: string, more: object): Workflow => ({
  name,
  title: 'By hand',
  description: 'd',
  how: 'a person',
  why: 'w',
  flow: { kind: 'person', id: 'photos', task: 'Take photographs', ...more },
});
const skilledOnes = { skills: ['photography'], limit: 5 };
const people = { UBEN: skilledOnes, UCLEO: skilledOnes };
const home = mkdtempSync(path.join(tmpdir(), 'baton-person-'));
let running: Core | null = null;

afterEach(async () => {
  await running?.stop();
  running = null;
  rmSync(home, { recursive: true, force: true });
});

async function open(clock: VirtualClock, directory: Directory = everybody): Promise<Core> {
  const core = await coreAt(
    { home, url: 'http://127.0.0.1:1' },
    {
      clock,
      redact: (text) => text.replaceAll('hunter2', '[cut]'),
      directory,
      people,
      extraWorkflows: [
        workflow('shoot', { skill: 'photography' }),
        workflow('ours', { groups: ['SPHOTO'] }),
        workflow('rare', { skill: 'falconry' }),
        workflow('soon', { people: ['UBEN'], within: '1h' }),
      ],
    },
  );
  core.engine.recover();
  running = core;
  return core;
}
async function start(core: Core, name: string, intent: string): Promise<string> {
  const { currentRunId } = await core.orchestrator.start({
    intent,
    receivedAt: 1_800_000_000_000,
    team: 'T',
    channel: 'C',
    requester: 'UADA',
    workflow: name,
    request: intent,
    repository: null,
    autoStart: true,
  });
  return currentRunId;
}
async function asked(core: Core, runId: string) {
  await when(core, async () => (await core.store.personTasks.ofRun(runId)).length > 0);
  const [task] = await core.store.personTasks.ofRun(runId);
  if (task === undefined) throw new Error('unreachable');
  return task;
}
const status = async (core: Core, runId: string) => (await core.store.runs.status(runId))?.status;

test('three tasks go to who has least to do; a restart forgets neither them nor what is handed in', async () => {
  const clock = new VirtualClock();
  const first = await open(clock);
  const runs: string[] = [];
  const given: string[] = [];
  for (const intent of ['one', 'two', 'three']) {
    const runId = await start(first, 'shoot', intent);
    runs.push(runId);
    given.push((await asked(first, runId)).assignee);
  }
  expect(given).toEqual(['UBEN', 'UCLEO', 'UBEN']);
  await first.stop();

  const second = await open(clock);
  const open3 = await second.store.personTasks.openIn('T');
  expect(open3.map(({ assignee }) => assignee)).toEqual(given);
  const [one, two] = open3;
  if (one === undefined || two === undefined) throw new Error('unreachable');
  const by = member('UCLEO', 'T');
  const done = () => second.persons.finish({ nonce: one.nonce, intent: 'i1', by }, null, 'taken, hunter2');
  expect(await done()).toMatchObject({ ok: true });
  // The same delivery once more, after a crash: nothing else happens, and the same is said.
  expect(await done()).toMatchObject({ ok: true });
  expect(await second.persons.finish({ nonce: one.nonce, intent: 'i2', by }, null, 'again')).toMatchObject({
    refusal: 'done',
  });
  await when(second, async () => (await status(second, runs[0] ?? '')) === 'completed');
  const [stored] = await second.store.personTasks.ofRun(runs[0] ?? '');
  expect(stored).toMatchObject({ output: { summary: 'taken, [cut]' }, words: 'taken, [cut]' });
  const why = (await second.store.decisions.ofRun(runs[0] ?? '')).filter(
    ({ kind }) => kind === 'person_task',
  );
  expect(why.map(({ choice, actor, actorKind }) => [choice, actor, actorKind])).toEqual([
    ['UBEN', 'baton', 'baton'],
    ['done', 'UCLEO', 'person'],
  ]);
  // Two at the same moment: one counts, and the other is told.
  const race = await Promise.all(
    ['UBEN', 'UCLEO'].map((id) =>
      second.persons.finish({ nonce: two.nonce, intent: id, by: member(id, 'T') }, null, id),
    ),
  );
  expect(race.filter((each) => each?.ok === true)).toHaveLength(1);
  expect(race.filter((each) => each?.ok === false)).toHaveLength(1);
});

test('groups are read when it matters, and nobody passes where they cannot be read', async () => {
  const groups: { members: string[] | null } = { members: ['UDAN'] };
  const directory: Directory = {
    ...everybody,
    members: async () => {
      if (groups.members === null) throw new Error('unreachable');
      return groups.members;
    },
  };
  const core = await open(new VirtualClock(), directory);
  const runId = await start(core, 'ours', 'group');
  const task = await asked(core, runId);
  expect(task).toMatchObject({ assignee: 'UDAN', because: 'the only one who may do it' });
  const word = (id: string) => ({ nonce: task.nonce, intent: id, by: member(id, 'T') });
  groups.members = null;
  expect(await core.persons.finish(word('UDAN'), null, 'x')).toMatchObject({ refusal: 'unchecked' });
  groups.members = ['UEVE'];
  expect(await core.persons.finish(word('UDAN'), null, 'x')).toMatchObject({ refusal: 'not_eligible' });
  expect(await core.persons.finish(word('UEVE'), null, 'x')).toMatchObject({ ok: true });
});

test('a skill that nobody has: whoever asked for the work', async () => {
  const core = await open(new VirtualClock());
  const task = await asked(core, await start(core, 'rare', 'rare'));
  expect(task).toMatchObject({
    assignee: 'UADA',
    because: 'asked for the work, and nobody is known who can do falconry',
  });
});

test('time runs out: the run waits, paused; Retry has it asked anew, and the old card is void', async () => {
  const clock = new VirtualClock();
  const core = await open(clock);
  const runId = await start(core, 'soon', 'soon');
  const first = await asked(core, runId);
  await when(core, async () => (await status(core, runId)) === 'waiting');
  clock.advance(3_600_000);
  await when(core, async () => (await status(core, runId)) === 'paused');
  expect(await core.store.runs.status(runId)).toMatchObject({
    outcome: { failure: { code: 'person_timeout' } },
  });
  const late = { nonce: first.nonce, intent: 'late', by: member('UBEN', 'T') };
  expect(await core.persons.finish(late, null, 'late')).toMatchObject({ refusal: 'expired' });
  // By either of the ways people have of letting it go on.
  expect(await core.steer.resume(runId, 'UADA', 'again')).toBe('done');
  await when(core, async () => (await core.store.personTasks.ofRun(runId)).length === 2);
  const second = (await core.store.personTasks.ofRun(runId)).at(-1);
  expect(second).toMatchObject({ status: 'open', dueAt: clock.now() + 3_600_000 });
  const word = { nonce: second?.nonce ?? '', intent: 'now', by: member('UBEN', 'T') };
  expect(await core.persons.finish(word, null, 'now')).toMatchObject({ ok: true });
  await when(core, async () => (await status(core, runId)) === 'completed');
});
