import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { Approval } from '../../src/domain/approval.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { closedMessages } from '../../src/slack/approval-messages.ts';
import { plainOptions, when, workflowOf } from '../support/core.ts';
import { member } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const HOUR = 3_600_000;
const keep: Node = { kind: 'approval', id: 'keep', title: 'Keep it?', why: 'Built.' };
const hour = (id: string, more: object = {}): Node => ({ kind: 'wait', id, for: '1h', ...more });
/** The run is still under way when the card is closed: it waits for this. */
const inWith = (flow: Node): Node => ({
  kind: 'sequence',
  id: 'whole',
  stages: [flow, { kind: 'wait', id: 'rest', signal: 'go' }],
});

/** Ways in which a run comes to do without an answer, all after an hour, and what the card says of it. */
const WAYS: readonly [name: string, flow: Node, why: string][] = [
  ['lost', { kind: 'race', id: 'r', runners: [keep, hour('quick')] }, 'another way was faster'],
  [
    'late',
    {
      kind: 'race',
      id: 'r',
      runners: [
        { kind: 'sequence', id: 'ask', timeout: '1h', stages: [keep] },
        { kind: 'wait', id: 'slow', for: '2h' },
      ],
    },
    'the time for "ask" ran out (1h)',
  ],
  [
    'region',
    { kind: 'parallel', id: 'p', branches: [keep, hour('caller', { cancels: ['keep'] })] },
    'it was not needed any more',
  ],
  [
    'joined',
    { kind: 'parallel', id: 'p', branches: [keep, hour('other')], join: { count: 1 } },
    'the others were enough',
  ],
];

let home = '';
let running: Core | null = null;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-question-'));
});
afterEach(async () => {
  await running?.stop();
  running = null;
  rmSync(home, { recursive: true, force: true });
});

async function open(clock: VirtualClock): Promise<Core> {
  const core = await createCore({
    ...plainOptions({ home, url: 'http://127.0.0.1:1' }),
    clock,
    extraWorkflows: [
      ...WAYS.map(([name, flow]) => workflowOf(name, inWith(flow))),
      workflowOf('plain', keep),
      workflowOf('led', {
        kind: 'race',
        id: 'r',
        runners: [
          {
            kind: 'orchestrator',
            id: 'lead',
            mode: 'hierarchical',
            domains: [{ id: 'core', purpose: 'the core', flow: keep }],
          },
          hour('q'),
        ],
      }),
    ],
  });
  core.connectChat(closedMessages(false));
  core.engine.recover();
  running = core;
  return core;
}

const statusOf = async (core: Core, runId: string) => (await core.store.runs.status(runId))?.status;
const questionsOf = async (core: Core, runId: string): Promise<Approval[]> =>
  (
    await Promise.all(
      [runId, ...(await core.store.runs.parts(runId))].map((id) => core.store.approvals.ofRun(id)),
    )
  ).flat();
const only = async (core: Core, runId: string): Promise<Approval> => {
  const [one, ...more] = await questionsOf(core, runId);
  if (one === undefined || more.length > 0) throw new Error('there is to be one question');
  return one;
};

/** Started, asked, and nothing under way but the waits. */
async function asked(core: Core, name: string): Promise<string> {
  const { currentRunId: runId } = await core.orchestrator.start({
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
  await when(core, async () => (await questionsOf(core, runId)).length === 1);
  await when(core, async () => (await statusOf(core, runId)) === 'waiting');
  return runId;
}

/** The card as it is to be shown now: without buttons, and saying why. */
async function card(core: Core, runId: string): Promise<string> {
  const { id } = await only(core, runId);
  const rows = (await core.outbox.waiting(100)).filter(({ key }) => key === `approval:${id}`);
  const newest = rows.at(-1);
  expect(JSON.stringify(newest?.blocks)).not.toContain('approval_approve');
  return newest?.text ?? '';
}

/** A click that comes late is answered, and nothing comes of it. */
async function lateClick(core: Core, runId: string): Promise<void> {
  const before = await only(core, runId);
  const said = { nonce: before.nonce, by: member('UBEN', 'T'), place: 'C' };
  const answer = await core.orchestrator.approvals.decide(said, 'approve', null);
  expect(answer).toMatchObject({ ok: false, refusal: 'already_decided' });
  expect(await only(core, runId)).toEqual(before);
}

describe('a question that its run does without is closed in that very moment', () => {
  test.each(WAYS)('%s', async (name, _, why) => {
    const clock = new VirtualClock();
    const first = await open(clock);
    const runId = await asked(first, name);
    expect(await only(first, runId)).toMatchObject({ status: 'pending' });
    clock.advance(HOUR);
    await when(first, async () => (await only(first, runId)).status !== 'pending');
    const closed = await only(first, runId);
    expect(closed).toMatchObject({
      status: 'voided',
      voidReason: 'withdrawn',
      comment: why,
      decidedBy: null,
    });
    expect(closed.decidedAt).toBe(clock.now());
    expect(await card(first, runId)).toContain(`: ${why}. Nothing was done.`);
    // The run goes on all the same.
    await when(first, async () => (await statusOf(first, runId)) === 'waiting');
    await lateClick(first, runId);
    await first.stop();

    // A restart comes to the same, and nothing is told anew.
    const second = await open(clock);
    await lateClick(second, runId);
    clock.advance(HOUR);
    await second.engine.signal(runId, 'wait:go', null, 'go');
    await when(second, async () => (await statusOf(second, runId)) === 'completed');
    expect(await only(second, runId)).toEqual(closed);
    const events = (await second.store.projections.events(runId, 0, 500)).map(({ event }) => event.type);
    expect(events.filter((type) => type === 'approval.closed')).toHaveLength(1);
    const rows = (await second.store.audit.ofRun(runId)).filter(({ kind }) => kind === 'approval.voided');
    expect(rows).toMatchObject([{ actor: 'baton', detail: { why } }]);
  });

  test('stopped: in the transaction of the stop, whatever comes after', async () => {
    const core = await open(new VirtualClock());
    const runId = await asked(core, 'plain');
    await core.engine.cancel(runId, 'Stopped by hand');
    expect(await only(core, runId)).toMatchObject({ status: 'voided', comment: 'Stopped by hand' });
    expect(await card(core, runId)).toContain('Stopped by hand');
    await lateClick(core, runId);
  });

  test('a part that loses: its card, too', async () => {
    const clock = new VirtualClock();
    const core = await open(clock);
    const runId = await asked(core, 'led');
    clock.advance(HOUR);
    await when(core, async () => (await only(core, runId)).status !== 'pending');
    expect(await only(core, runId)).toMatchObject({ status: 'voided', decidedAt: clock.now() });
    await lateClick(core, runId);
  });

  test('what was answered is not withdrawn by what comes after', async () => {
    const clock = new VirtualClock();
    const core = await open(clock);
    const runId = await asked(core, 'lost');
    const { nonce } = await only(core, runId);
    const said = { nonce, by: member('UBEN', 'T'), place: 'C' };
    expect(await core.orchestrator.approvals.decide(said, 'reject', 'no')).toMatchObject({ ok: true });
    const decided = await only(core, runId);
    clock.advance(HOUR);
    await when(core, async () => ['waiting', 'failed'].includes((await statusOf(core, runId)) ?? ''));
    expect(await only(core, runId)).toEqual(decided);
  });
});
