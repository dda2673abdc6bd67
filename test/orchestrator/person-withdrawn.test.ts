import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import type { Directory } from '../../src/ports/directory.ts';
import { when, workflowOf } from '../support/core.ts';
import { everybody, member } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const HOUR = 3_600_000;
const photos: Node = { kind: 'person', id: 'photos', task: 'Take photographs', people: ['UBEN'] };
const hour = (id: string, more: object = {}): Node => ({ kind: 'wait', id, for: '1h', ...more });
/** The run is still under way when the card is closed: it waits for this. */
const inWith = (flow: Node): Node => ({
  kind: 'sequence',
  id: 'whole',
  stages: [flow, { kind: 'wait', id: 'rest', signal: 'go' }],
});

/** Ways in which a run comes to do without somebody, all after an hour, and what their card says of it. */
const WAYS: readonly [name: string, flow: Node, why: string][] = [
  ['lost', { kind: 'race', id: 'r', runners: [photos, hour('quick')] }, 'another way was faster'],
  [
    'late',
    {
      kind: 'race',
      id: 'r',
      runners: [
        { kind: 'sequence', id: 'shoot', timeout: '1h', stages: [photos] },
        { kind: 'wait', id: 'slow', for: '2h' },
      ],
    },
    'the time for "shoot" ran out (1h)',
  ],
  [
    'own-time',
    {
      kind: 'race',
      id: 'r',
      runners: [
        { ...photos, timeout: '1h' },
        { kind: 'wait', id: 'slow', for: '2h' },
      ],
    },
    'the time for "photos" ran out (1h)',
  ],
  [
    'region',
    { kind: 'parallel', id: 'p', branches: [photos, hour('caller', { cancels: ['photos'] })] },
    'it was not needed any more',
  ],
  [
    'joined',
    { kind: 'parallel', id: 'p', branches: [photos, hour('other')], join: { count: 1 } },
    'the others were enough',
  ],
  [
    'beside',
    {
      kind: 'race',
      id: 'r',
      runners: [
        {
          kind: 'parallel',
          id: 'p',
          branches: [photos, { kind: 'wait', id: 'never', signal: 'x', within: '1h' }],
        },
        { kind: 'wait', id: 'slow', for: '2h' },
      ],
    },
    'something beside it failed',
  ],
];

let home = '';
let running: Core | null = null;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-withdrawn-'));
});
afterEach(async () => {
  await running?.stop();
  running = null;
  rmSync(home, { recursive: true, force: true });
});

async function open(clock: VirtualClock, directory: Directory = everybody): Promise<Core> {
  const core = await createCore({
    home,
    clock,
    redact: (text) => text,
    model: { api: 'chat', apiKey: null, baseUrl: 'http://127.0.0.1:1', model: 'none' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy({}, {}),
    directory,
    people: {},
    prices: {},
    extraWorkflows: [
      ...WAYS.map(([name, flow]) => workflowOf(name, inWith(flow))),
      workflowOf('plain', photos),
      workflowOf('group', {
        kind: 'race',
        id: 'r',
        runners: [{ kind: 'person', id: 'photos', task: 'Take photographs', groups: ['SPHOTO'] }, hour('q')],
      }),
      workflowOf('led', {
        kind: 'race',
        id: 'r',
        runners: [
          {
            kind: 'orchestrator',
            id: 'lead',
            mode: 'hierarchical',
            domains: [{ id: 'shots', purpose: 'photographs', flow: photos }],
          },
          hour('q'),
        ],
      }),
    ],
    onStoreTrouble: () => undefined,
  });
  core.engine.recover();
  running = core;
  return core;
}

async function begin(core: Core, name: string): Promise<string> {
  const { currentRunId } = await core.orchestrator.start({
    intent: name,
    receivedAt: 1_800_000_000_000,
    team: 'T',
    channel: 'C',
    requester: 'UADA',
    workflow: name,
    request: name,
    repository: null,
    autoStart: true,
  });
  return currentRunId;
}

const statusOf = async (core: Core, runId: string) => (await core.store.runs.status(runId))?.status;
const tasksOf = async (core: Core, runId: string) =>
  (
    await Promise.all(
      [runId, ...(await core.store.runs.parts(runId))].map((id) => core.store.personTasks.ofRun(id)),
    )
  ).flat();
const endsOf = async (core: Core, runId: string): Promise<RunEvent[]> =>
  (await core.store.projections.events(runId, 0, 500)).flatMap(({ event }) =>
    event.type === 'person.ended' ? [event] : [],
  );

/** Started, asked, and nothing under way but the waits. */
async function asked(core: Core, name: string): Promise<string> {
  const runId = await begin(core, name);
  await when(core, async () => (await tasksOf(core, runId)).length === 1);
  await when(core, async () => (await statusOf(core, runId)) === 'waiting');
  return runId;
}

/** A click that comes late is answered, and once more when it is delivered again; nothing comes of it. */
async function lateClick(core: Core, runId: string, why: string): Promise<void> {
  const [task] = await tasksOf(core, runId);
  if (task === undefined) throw new Error('unreachable');
  expect(task).toMatchObject({ status: 'voided', why });
  const late = { nonce: task.nonce, intent: 'late', by: member('UBEN', 'T') };
  for (let times = 0; times < 2; times += 1)
    expect(await core.persons.finish(late, null, 'taken')).toMatchObject({
      ok: false,
      refusal: 'voided',
      task: { why },
    });
  expect(await core.persons.look(late)).toMatchObject({ ok: false, refusal: 'voided' });
  expect(await tasksOf(core, runId)).toEqual([task]);
}

describe('a task that its run does without is closed in that very moment', () => {
  test.each(WAYS)('%s', async (name, _, why) => {
    const clock = new VirtualClock();
    const first = await open(clock);
    const runId = await asked(first, name);
    clock.advance(HOUR);
    await when(first, async () => (await endsOf(first, runId)).length > 0);
    // The run goes on all the same.
    await when(first, async () => (await statusOf(first, runId)) === 'waiting');
    const [task] = await tasksOf(first, runId);
    expect(task?.endedAt).toBe(clock.now());
    await lateClick(first, runId, why);
    await first.stop();

    // A restart comes to the same, and nothing is told anew.
    const second = await open(clock);
    await lateClick(second, runId, why);
    clock.advance(HOUR);
    await second.engine.signal(runId, 'wait:go', null, 'go');
    await when(second, async () => (await statusOf(second, runId)) === 'completed');
    expect(await endsOf(second, runId)).toMatchObject([{ node: 'photos', why }]);
  });

  test('stopped by hand: in the transaction of the stop, whatever comes after', async () => {
    const core = await open(new VirtualClock());
    const runId = await asked(core, 'plain');
    await core.engine.cancel(runId, 'Stopped by hand');
    await lateClick(core, runId, 'Stopped by hand');
    expect(await core.orchestrator.stop(runId, 'UADA')).toBe('already');
    expect(await endsOf(core, runId)).toHaveLength(1);
  });

  test('a part of a run that is cancelled with it: its card, too', async () => {
    const clock = new VirtualClock();
    const core = await open(clock);
    const runId = await asked(core, 'led');
    clock.advance(HOUR);
    await when(core, async () => (await statusOf(core, runId)) === 'completed');
    const [task] = await tasksOf(core, runId);
    expect(task).toMatchObject({ status: 'voided', endedAt: clock.now() });
  });

  test('what time ran out for by its own `within` is expired, not withdrawn', async () => {
    const clock = new VirtualClock();
    const core = await open(clock);
    const runId = await asked(core, 'plain');
    const [task] = await tasksOf(core, runId);
    await core.store.personTasks.expire(task?.id ?? '', clock.now());
    await core.engine.cancel(runId, 'Stopped by hand');
    expect(await tasksOf(core, runId)).toMatchObject([{ status: 'expired', why: null }]);
  });

  test('given up while it was looked up who may: nobody is asked any more', async () => {
    const clock = new VirtualClock();
    const reading = Promise.withResolvers<void>();
    const members = Promise.withResolvers<string[]>();
    const directory: Directory = {
      ...everybody,
      members: () => {
        reading.resolve();
        return members.promise;
      },
    };
    const core = await open(clock, directory);
    const runId = await begin(core, 'group');
    await reading.promise;
    clock.advance(HOUR);
    await when(core, async () => (await statusOf(core, runId)) === 'completed');
    members.resolve(['UBEN']);
    // It ends only when what was under way has noticed.
    await core.stop();
    expect(await tasksOf(await open(clock), runId)).toEqual([]);
  });
});
