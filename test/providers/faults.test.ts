import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Api, apis, turnEvents } from '../agents/model-server.ts';
import { turnsIn } from '../agents/world.ts';
import { faults } from './faults.ts';
import { type ProviderWorld, providerWorld } from './world.ts';

/** Every way in which a model server fails, over both APIs, through loop, engine, store and the words in Slack. */

const done = JSON.stringify({ summary: 'All done.', files: ['kept.txt'], warnings: [] });
const firstTurn = { calls: [{ name: 'write', args: { path: 'kept.txt', content: 'before the fault\n' } }] };

describe.each(apis)('a model server over %s that gives', (api: Api) => {
  let world: ProviderWorld;
  const elsewhere = { url: '', calls: 0 };
  const other = createServer((_request, response) => {
    elsewhere.calls += 1;
    response.end('{}');
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    elsewhere.url = `http://127.0.0.1:${z.object({ port: z.number() }).parse(other.address()).port}`;
    world = await providerWorld(api);
  });
  afterAll(async () => {
    await world.close();
    await new Promise((resolve) => other.close(resolve));
  });

  test.each(faults)('$name', async ({ answer, kind, code, waits, says, paid = 0 }) => {
    const { clock, calls } = world;
    // A date in a header has no parts of a second.
    clock.advance(1_000 - (clock.now() % 1_000));
    calls.length = 0;
    elsewhere.calls = 0;
    world.answer = (asked, now) =>
      turnsIn(asked) === 0
        ? { events: turnEvents(api, firstTurn) }
        : answer({ api, asked, now, elsewhere: elsewhere.url, hang: (ms) => world.hang(ms) });
    const runId = await world.start(`${code} ${clock.now()}`);
    const ended = await world.follow(runId);

    // Which failure it is, and where the run stands.
    const failure = ended.of('run.status').at(-1)?.failure;
    expect(failure).toMatchObject({ class: kind, code });
    expect(ended.status).toBe(kind === 'terminal' ? 'failed' : 'paused');

    // How often the server was asked, and how long it was left alone between. The first call had its answer.
    expect(calls.slice(2).map((at, index) => at - (calls[index + 1] ?? 0))).toEqual(waits);
    expect(elsewhere.calls).toBe(0);

    // What was used is kept, also where it was of no use.
    const spent = (await world.core.usage.ofRun(runId)).filter((line) => line.kind === 'model');
    expect(spent.reduce((sum, { count }) => sum + count, 0)).toBe(1 + paid);

    // What people read: what happened, and what to do.
    const told = await world.told();
    for (const words of says) expect(told).toMatch(words);
    expect(told).not.toMatch(/s3cr3t|key-1|<html|steal\(\)/);

    if (kind !== 'terminal') {
      // Once it works again, Retry goes on where it stopped; what was done is not done anew.
      calls.length = 0;
      world.answer = () => ({ events: turnEvents(api, { text: done }) });
      expect(await world.core.orchestrator.retry(runId, 'U', `again ${runId}`, clock.now())).toBe('done');
      const healed = await world.follow(runId);
      expect(healed.status).toBe('completed');
      expect(calls).toHaveLength(1);
    }
    // Either way the work of before is on the branch, and nothing of an answer that was not whole.
    const at = (await world.core.store.projections.events(runId, 0, 500)).findLast(
      ({ event }) => event.type === 'result',
    );
    const commit = at?.event.type === 'result' ? (at.event.commit ?? '') : '';
    const files = world.filesAt(commit);
    expect(files).toContain('kept.txt');
    expect(files).not.toContain('canary.txt');
  });
});
