import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createCore } from '../../src/compose/core.ts';
import { readConfig } from '../../src/config/config.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody } from '../support/directory.ts';

const text = (title: string, kind = 'approval') =>
  `name: ask\ntitle: T\ndescription: D\nhow: H\nwhy: W\nflow:\n  kind: sequence\n  id: all\n  stages:\n    - {kind: approval, id: a, title: First, why: w}\n    - {kind: ${kind}, id: b, title: ${title}, why: w}\n`;
const YOU = { id: 'U1', team: 'T', isBot: false, isGuest: false, isStranger: false };

test('a run under way keeps its definition; the next run has the new one, or the last good one', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'baton-pinned-'));
  const file = path.join(home, 'workflows', 'ask.yaml');
  mkdirSync(path.dirname(file));
  writeFileSync(file, text('Old'));
  const told: string[] = [];
  const settings = path.join(home, 'baton.yaml');
  writeFileSync(settings, '{}\n');
  const { policy, prices } = readConfig({ BATON_CONFIG: settings, BATON_HOME: home });
  const core = await createCore({
    home,
    clock: systemClock,
    redact: (words) => words,
    model: { api: 'responses', apiKey: null, baseUrl: 'http://127.0.0.1:9', model: 'none' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy,
    directory: everybody,
    prices,
    onStoreTrouble: () => undefined,
    onWorkflowProblem: (problem) => told.push(problem),
  });

  /** Starts a run, approves whatever it asks, and gives the questions. `meanwhile` happens at the first. */
  async function titles(intent: string, meanwhile: () => void): Promise<string[]> {
    const wake = { resolve: (): void => undefined };
    const off = core.engine.onCommit(() => wake.resolve());
    const session = await core.orchestrator.start({
      intent,
      receivedAt: systemClock.now(),
      team: 'T',
      channel: 'C',
      requester: 'U1',
      workflow: 'ask',
      request: 'Ask',
      repository: null,
      autoStart: true,
    });
    const asked: string[] = [];
    for (let seq = 0; ; ) {
      const committed = new Promise<void>((resolve) => {
        wake.resolve = resolve;
      });
      const events = await core.store.projections.events(session.currentRunId, seq, 100);
      for (const stored of events) {
        seq = stored.seq;
        if (stored.event.type !== 'approval.requested') continue;
        const approval = await core.store.approvals.byId(stored.event.approvalId);
        if (approval === null) continue;
        // Where there is no sandbox, that is asked too.
        if (['First', 'Old', 'New'].includes(approval.subject.title)) asked.push(approval.subject.title);
        if (approval.subject.title === 'First') meanwhile();
        await core.orchestrator.approvals.decide(
          { nonce: approval.nonce, by: YOU, place: 'test' },
          'approve',
          'yes',
        );
      }
      const run = await core.store.runs.status(session.currentRunId);
      if (events.length === 0 && run !== null && isTerminal(run.status)) break;
      if (events.length === 0) await committed;
    }
    off();
    return asked;
  }

  try {
    core.engine.recover();
    expect(await titles('one', () => writeFileSync(file, text('New')))).toEqual(['First', 'Old']);
    expect(await titles('two', () => writeFileSync(file, text('Broken', 'aproval')))).toEqual([
      'First',
      'New',
    ]);
    expect(await titles('three', () => undefined)).toEqual(['First', 'New']);
    expect(told).toHaveLength(1);
    expect(core.catalog.problems()[0]).toContain('"aproval" is no kind of node. Did you mean "approval"?');
  } finally {
    await core.stop();
    rmSync(home, { recursive: true, force: true });
  }
});
