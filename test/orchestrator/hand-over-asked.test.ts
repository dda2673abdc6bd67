import { afterEach, beforeEach, expect, test } from 'vitest';
import { policyDefaults } from '../../src/domain/approval.ts';
import { Findings } from '../../src/orchestrator/findings.ts';
import { handOverActivities } from '../../src/orchestrator/hand-over/activities.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import type { HandOverDesk } from '../../src/ports/hand-over.ts';
import { openWorld, TEAM, type World } from '../approvals/world.ts';

let w: World;
beforeEach(() => {
  w = openWorld();
});
afterEach(() => w.close());

test('asked before a crash, and found elsewhere after it: what was shown is what is handed over', async () => {
  let branch = 'a'.repeat(40);
  let address = 'https://github.com/acme/web.git';
  const desk: HandOverDesk = {
    look: async () => ({ commit: branch, address, why: null }),
    push: () => Promise.reject(new Error('not asked')),
    pullRequest: () => Promise.reject(new Error('not asked')),
  };
  const [ask] = handOverActivities({
    desk,
    store: w.store,
    queries: () => ({ byRun: async () => null }),
    approvals: w.service,
    findings: new Findings(readPolicy({ triggers: [{ when: 'hand_over' }] }, {})),
    defaults: policyDefaults,
    redact: (text) => text,
  });
  const request = { target: 'run_1', by: 'UALICE', team: TEAM, repository: '/r', branch: 'b', onto: null };
  const once = () =>
    ask?.perform(
      { request, at: w.clock.now() },
      {
        runId: 'run_1',
        key: 'ask',
        attempt: 1,
        idempotencyKey: 'run_1/ask',
        signal: new AbortController().signal,
        emit: () => undefined,
        use: () => undefined,
      },
    );
  const first = await once();
  expect(first).toMatchObject({ commit: branch, address });
  branch = 'b'.repeat(40);
  address = 'https://github.com/mallory/web.git';
  expect(await once()).toEqual(first);
});
