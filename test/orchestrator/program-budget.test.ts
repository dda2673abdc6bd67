import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runnersSchema } from '../../src/domain/runner-settings.ts';
import { found } from '../agents/runner-world.ts';
import { agentNode, type BudgetWorld, budgetWorld, CALL_USD, workflow } from './budget-world.ts';

if (found.kind === 'none') console.warn(`SKIPPED: programs as agents need a sandbox here. ${found.reason}`);

/** The budget of a run holds programs that play its agents, in the middle of their work. */
const PROGRAMS = fileURLToPath(new URL('../agents/programs', import.meta.url));
const done = JSON.stringify({ summary: 'Done.', files: [], warnings: [] });
/** Calls the model over and over until it says that it is enough. */
const program = (kind: 'acp' | 'command', script: unknown, agent: string) => ({
  kind,
  command: 'node',
  args: [`${PROGRAMS}/${kind}-agent.ts`, JSON.stringify(script)],
  reads: [PROGRAMS],
  model: true,
  agents: [agent],
});
const write = { act: 'write', path: 'half.txt', content: 'half done\n' };
const calls = { act: 'call', times: 100 };

let world: BudgetWorld;
/** Calls that were answered since the run began. */
let answered = 0;
beforeAll(async () => {
  world = await budgetWorld({
    answer: () => {
      answered += 1;
      const text = answered >= 5 ? 'enough' : 'go on';
      return { body: { model: 'm', text, usage: { prompt_tokens: 1_000, completion_tokens: 0 } } };
    },
    runners: runnersSchema.parse({
      script: program('command', [write, calls, { act: 'print', text: done }], 'frontend'),
      coder: program('acp', [[write, calls, { act: 'say', text: done }]], 'developer'),
    }),
    workflows: [
      workflow('command', agentNode('build', { agent: 'frontend' })),
      workflow('acp', agentNode('build', { agent: 'developer' })),
    ],
  });
});
afterAll(() => world.close());

describe.runIf(found.kind !== 'none').each(['command', 'acp'])('a run with a program (%s) in it', (kind) => {
  test('pauses in the middle of its work, asks once, and goes on once it is given more', async () => {
    answered = 0;
    const runId = await world.start(kind, 0.35);
    const asked = await world.question(runId);
    // It is asked about at once; the run stands when the process is gone.
    await world.until(async () => (await world.core.store.runs.status(runId))?.status === 'paused');
    expect((await world.core.store.runs.status(runId))?.outcome).toMatchObject({
      failure: { class: 'budget', code: 'budget_reached' },
    });
    // The fourth call passes 35 cents; the fifth is never made.
    expect(answered).toBe(4);
    expect((await world.core.usage.soFar(runId)).costUsd).toBeCloseTo(4 * CALL_USD);

    expect(await world.decide(asked, 'approve')).toMatchObject({ ok: true });
    expect(await world.ended(runId)).toBe('completed');
    expect(answered).toBe(5);
    expect((await world.core.usage.soFar(runId)).costUsd).toBeCloseTo(5 * CALL_USD);
    const result = (await world.events(runId)).find((event) => event.type === 'result');
    expect(result?.type === 'result' && result.diff?.files.map(({ path }) => path)).toContain('half.txt');
  });
});
