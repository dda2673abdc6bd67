import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { workflowOf } from '../support/core.ts';
import { everybody } from '../support/directory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const HOUR = 3_600_000;
const hours = (id: string, count: number): Node => ({ kind: 'wait', id, for: `${count}h` });
const joined = (when: string, rest: string, branches: readonly Node[]): Node => ({
  kind: 'parallel',
  id: 'p',
  branches,
  join: { when, rest },
});
const two = [hours('a', 1), hours('b', 2)];

let home = '';
let core: Core | null = null;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-join-'));
});
afterEach(async () => {
  await core?.stop();
  core = null;
  rmSync(home, { recursive: true, force: true });
});

async function started(
  clock: VirtualClock,
  flow: Node,
): Promise<{ readonly core: Core; readonly runId: string }> {
  const made = await createCore({
    home,
    clock,
    redact: (text) => text,
    model: { api: 'chat', apiKey: null, baseUrl: 'http://127.0.0.1:1', model: 'none' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy({}, {}),
    directory: everybody,
    prices: {},
    extraWorkflows: [workflowOf('joined', flow)],
    onStoreTrouble: () => undefined,
  });
  core = made;
  made.engine.recover();
  const { currentRunId } = await made.orchestrator.start({
    intent: 'i',
    receivedAt: 1_800_000_000_000,
    team: 'T',
    channel: 'C',
    requester: 'UADA',
    workflow: 'joined',
    request: 'join',
    repository: null,
    autoStart: true,
  });
  await becomes(made, currentRunId, 'waiting');
  return { core: made, runId: currentRunId };
}

const statusOf = (made: Core, runId: string) => made.store.runs.status(runId);
async function becomes(made: Core, runId: string, status: string): Promise<void> {
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = made.engine.onCommit(() => next.resolve());
    const there = (await statusOf(made, runId))?.status === status;
    if (!there) await next.promise;
    off();
    if (there) return;
  }
}
async function eventsOf(made: Core, runId: string) {
  return (await made.store.projections.events(runId, 0, 500)).map(({ event }) => event);
}

test.each(['cancel', 'ignore', 'block'])(
  'a rule that cannot be decided pauses the run, with rest: %s; Retry goes on as if it did not match',
  async (rest) => {
    const clock = new VirtualClock();
    const { core: made, runId } = await started(clock, joined('done > "one"', rest, two));
    clock.advance(HOUR);
    await becomes(made, runId, 'paused');
    expect((await statusOf(made, runId))?.outcome).toMatchObject({
      failure: { class: 'structural', code: 'rule_type', message: expect.stringContaining('done > "one"') },
    });
    expect(await made.steer.resume(runId, 'UADA', 'go')).toBe('done');
    await becomes(made, runId, 'waiting');
    // The second end is as undecidable as the first was, and nobody is asked about it again: all are waited for.
    clock.advance(HOUR);
    await becomes(made, runId, 'completed');
    const passed = (await eventsOf(made, runId)).filter(({ type }) => type === 'join.passed');
    expect(passed).toMatchObject([{ from: ['a', 'b'] }]);
  },
);

test('one that turns out undecidable at the very last end pauses all the same', async () => {
  const clock = new VirtualClock();
  const flow = joined('done > 1 && done > "x"', 'cancel', two);
  const { core: made, runId } = await started(clock, flow);
  clock.advance(HOUR);
  await becomes(made, runId, 'waiting');
  clock.advance(HOUR);
  await becomes(made, runId, 'paused');
  expect((await statusOf(made, runId))?.outcome).toMatchObject({ failure: { code: 'rule_type' } });
  expect(await made.steer.resume(runId, 'UADA', 'go')).toBe('done');
  await becomes(made, runId, 'completed');
});

test.each([
  ['matched', 'done == 1', ['a']],
  ['absent', 'results[0].nothing == 1', ['a', 'b']],
])('what came of the rule is recorded: %s', async (outcome, when, from) => {
  const clock = new VirtualClock();
  const { core: made, runId } = await started(clock, joined(when, 'cancel', two));
  clock.advance(2 * HOUR);
  await becomes(made, runId, 'completed');
  const events = await eventsOf(made, runId);
  expect(events).toContainEqual({ type: 'rule.evaluated', node: 'p', rule: when, outcome });
  expect(events).toContainEqual(expect.objectContaining({ type: 'join.passed', from }));
});
