import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Core, createCore } from '../../src/compose/core.ts';
import { redactingInbox } from '../../src/orchestrator/redacting-inbox.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { createRedactor } from '../../src/policy/redact.ts';
import { systemClock } from '../../src/system-clock.ts';

const TYPED = 'sk-proj-abcdefghijklmnopqrstuv123456';
const home = mkdtempSync(path.join(tmpdir(), 'hostile-'));
let core: Core;
beforeAll(async () => {
  core = await createCore({
    home,
    clock: systemClock,
    redact: createRedactor([]),
    model: { api: 'responses', apiKey: null, baseUrl: 'http://127.0.0.1:1', model: 'none' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy({ remind_after: '1ms', escalate_after: '2ms', expire_after: '24h' }, {}),
    prices: {},
    onStoreTrouble: () => undefined,
  });
});
afterAll(async () => {
  await core.stop();
  rmSync(home, { recursive: true, force: true });
});

test('a secret typed into a request reaches neither the run, its branch nor what is told of it', async () => {
  const session = await core.orchestrator.start({
    intent: 'one',
    receivedAt: Date.now(),
    team: 'T1',
    channel: 'C1',
    requester: 'U1',
    workflow: 'feature',
    request: `Call the service with ${TYPED}`,
    repository: null,
  });
  expect(session.request).toBe('Call the service with [redacted]');
  const run = await core.store.runs.status(session.currentRunId);
  const decisions = await core.store.decisions.ofRun(session.currentRunId);
  const events = await core.store.projections.events(session.currentRunId, 0, 100);
  const kept = JSON.stringify([await core.store.sessions.get(session.id), run, decisions, events]);
  expect(kept).toContain('Call the service with');
  expect(kept).not.toContain(TYPED.slice(3, 20));
});

test('a secret said in a thread, a command or a form is not kept in the inbox either; ids stay', async () => {
  const inbox = redactingInbox(core.store.inbox, createRedactor([]));
  const nonce = '3f786850e387550fdab836ed7e6dc881';
  for (const [kind, typed] of [
    ['said', { text: `the key is ${TYPED}` }],
    ['command', { rest: `Call it with ${TYPED}`, word: 'feature' }],
    ['start-form', { request: TYPED, repository: null }],
  ] as const) {
    const kept = await inbox.accept(`typed:${kind}`, kind, { ...typed, nonce, user: 'U1' }, 1);
    expect(kept?.payload).toMatchObject({ nonce, user: 'U1' });
  }
  const open = JSON.stringify(await core.store.inbox.open(10));
  expect(open).toContain('[redacted]');
  expect(open).not.toContain(TYPED.slice(3, 20));
});
