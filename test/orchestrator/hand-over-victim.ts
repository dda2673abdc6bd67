import { z } from 'zod';
import { createCore } from '../../src/compose/core.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody } from '../support/directory.ts';

/** A Baton that works, hands over, and may be killed at any moment; begun again, it goes on. Prints the hand-over's end. */
const given = z
  .object({
    home: z.string(),
    repository: z.string(),
    server: z.string(),
    api: z.string(),
    token: z.string(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

const core = await createCore({
  home: given.home,
  clock: systemClock,
  redact: (text) => text,
  model: { api: 'chat', apiKey: null, baseUrl: 'http://127.0.0.1:1/v1', model: 'm' },
  rehearsal: true,
  repository: given.repository,
  repositories: null,
  github: given,
  policy: readPolicy({}, {}),
  directory: everybody,
  prices: {},
  extraWorkflows: [
    {
      name: 'nothing',
      title: 'Nothing',
      description: 'waits a moment',
      how: 'a wait',
      why: 'to test',
      flow: { kind: 'wait', id: 'moment', for: '1ms' },
    },
  ],
  onStoreTrouble: () => undefined,
});
core.engine.recover();
const { currentRunId } = await core.orchestrator.start({
  intent: 'once',
  receivedAt: 1,
  team: 'T',
  channel: 'C',
  requester: 'U',
  workflow: 'nothing',
  request: 'Nothing much',
  repository: null,
  autoStart: true,
});
await ended(currentRunId);
const answer = await core.handOvers.begin({ runId: currentRunId, by: 'U', intent: 'over' });
const [id = ''] = (await core.store.runs.parts(currentRunId)).filter((each) => each.includes('.hand-'));
await ended(id);
const events = await core.store.projections.events(id, 0, 1_000);
console.log(
  JSON.stringify({
    answer,
    handed: events.map(({ event }) => event).filter(({ type }) => type === 'handed.over' || type === 'note'),
    decisions: (await core.store.decisions.ofRun(currentRunId)).filter(({ kind }) => kind === 'hand-over')
      .length,
  }),
);
await core.stop();

async function ended(runId: string): Promise<void> {
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const run = await core.store.runs.status(runId);
    if (run !== null && isTerminal(run.status)) return off();
    await next.promise;
    off();
  }
}
