import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, until, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({
    workflows: [
      {
        name: 'hold',
        title: 'Hold',
        description: 'Waits for a word',
        how: 'a signal',
        why: 'to test',
        flow: { kind: 'wait', id: 'hold', signal: 'go' },
      },
    ],
  });
});
afterAll(() => world.close());

test('a signal sent by whoever asked for the work lets it go on, with what was sent', async () => {
  await world.command('alice', 'hold Until somebody says so');
  let runId = '';
  await until(async () => {
    const [session] = await world.core.store.sessions.recent(world.team, 1);
    runId = session?.currentRunId ?? '';
    return runId !== '';
  });
  const status = async () => (await world.core.store.runs.status(runId))?.status;
  await world.find('alice', 'Until somebody says so');
  const alice = await world.desk.id('alice');
  await world.core.orchestrator.answerPlan(runId, 'start', alice);
  const id = runId.slice(-6);

  await world.command('bob', `signal ${id} go`);
  await world.find('bob', 'who asked for this, can do that');
  await world.command('alice', `signal ${id} gone`);
  await world.find('alice', 'That run waits for no signal `gone`, but for go. Nothing was sent.');
  await world.command('alice', `signal ${id}`);
  await world.find('alice', 'Write `/orchestrate signal <id> <name>`');
  expect(await status()).not.toBe('completed');

  await world.command('alice', `signal ${id} go {"branch": "main"}`);
  await world.find('alice', 'Sent: `go`.');
  await until(async () => (await status()) === 'completed');
  const sent = (await world.core.store.decisions.ofRun(runId)).find(({ kind }) => kind === 'signal');
  expect(sent).toMatchObject({ actor: alice, choice: 'go', evidence: { payload: { branch: 'main' } } });
  await world.command('alice', `signal ${id} go`);
  await world.find('alice', 'This run has already ended.');
}, 60_000);
