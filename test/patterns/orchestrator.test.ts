import { afterEach, describe, expect, test } from 'vitest';
import { BatonError } from '../../src/domain/failure.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { orchestrator } from '../../src/patterns/orchestrator.ts';
import { failure, play } from './driver.ts';
import { type Whole, type WholeOptions, wholeRuns } from './whole.ts';

const open: Whole[] = [];
afterEach(async () => {
  for (const runs of open.splice(0)) await runs.close();
});
const whole = (options: WholeOptions): Whole => {
  const runs = wholeRuns(options);
  open.push(runs);
  return runs;
};

const agent = (id: string): Node => ({ kind: 'agent', id, agent: 'backend', task: 't' });
const domain = (id: string, more: object = {}) => ({
  id,
  purpose: `the ${id}`,
  flow: agent(`do-${id}`),
  ...more,
});
const node = (mode: string, domains: readonly object[], more: object = {}): Node => ({
  kind: 'orchestrator',
  id: 'lead',
  mode,
  domains: [...domains],
  ...more,
});
const parts = ['core', 'api', 'testing'];
/** The documents' domains: the core first, then the interface, and tests beside it. */
const tree = node('hierarchical', [
  domain('core'),
  domain('api', { needs: ['core'] }),
  domain('testing', { needs: ['core'] }),
]);
const broken = new BatonError({ class: 'terminal', code: 'broken', message: 'it broke' });
const codeOf = async (runs: Whole, id: string): Promise<string | null> => {
  const outcome = (await runs.engine.status(id))?.outcome;
  return outcome?.ok === false ? outcome.failure.code : null;
};
/** Lets a second pass so many times. */
async function seconds(runs: Whole, count: number): Promise<void> {
  for (let second = 0; second < count; second += 1) await runs.advance(1_000);
}

describe('as runs of their own, on the real engine', () => {
  test('hierarchical: a tree of runs, each with its own journal, in the order of their needs', async () => {
    const runs = whole({ ms: () => 1_000 });
    const nested = node('hierarchical', [
      domain('outer', { flow: { ...tree, id: 'inner-lead' } }),
      domain('docs', { needs: ['outer'] }),
    ]);
    await runs.start('run_a', nested);
    await seconds(runs, 5);
    expect(await runs.status('run_a')).toBe('completed');
    expect(runs.done.filter((each) => each.startsWith('+'))).toEqual([
      '+do-core',
      '+do-api',
      '+do-testing',
      '+do-docs',
    ]);
    // The parent's journal has the waits for its children, and none of their steps.
    const own = runs.events('run_a');
    expect(own.filter(({ type }) => type === 'step.started')).toEqual([]);
    expect(own.flatMap((event) => (event.type === 'node.finished' ? [event.node] : []))).toEqual([
      'lead:outer',
      'lead:docs',
    ]);
  });

  test('distributed: all at once; one that fails takes nobody with it, and all that fail are its failure', async () => {
    const runs = whole({ ms: (id) => (id === 'do-api' ? broken : 1_000) });
    await runs.start(
      'run_a',
      node(
        'distributed',
        parts.map((id) => domain(id)),
      ),
    );
    await runs.start(
      'run_b',
      node('distributed', [domain('api'), domain('api-two', { flow: { ...agent('do-api') } })]),
    );
    await seconds(runs, 2);
    const outcome = (await runs.engine.status('run_a'))?.outcome;
    expect(outcome).toMatchObject({
      ok: true,
      value: { result: { core: 'do-core', testing: 'do-testing' } },
    });
    expect(JSON.stringify(outcome)).toContain('lead: api failed and was left out: api: it broke');
    expect([await runs.status('run_b'), await codeOf(runs, 'run_b')]).toEqual(['failed', 'broken']);
  });

  test('hierarchical: a failure reaches the parent, and its other children are cancelled', async () => {
    const runs = whole({ ms: (id) => (id === 'do-api' ? broken : 60_000) });
    await runs.start('run_a', node('hierarchical', [domain('api'), domain('core')]));
    await runs.settle();
    expect([await runs.status('run_a'), await codeOf(runs, 'run_a')]).toEqual(['failed', 'broken']);
    expect(runs.done).toEqual(['+do-core']);
    await seconds(runs, 61);
    expect(runs.done).toEqual(['+do-core']);
  });

  test.each<[unknown, string, number]>([
    ['stop', 'failed', 1],
    ['skip', 'completed', 1],
    [['retry', 'skip'], 'completed', 4],
    [[{ retry: { tries: 1, base: '1s', max: '1s' } }, 'stop'], 'failed', 2],
  ])('a domain’s chain %j: %s after %d runs of it', async (chain, status, count) => {
    let tries = 0;
    const runs = whole({
      ms: () => {
        tries += 1;
        // Other words each time: the same failure three times would ask a person.
        return new BatonError({
          class: 'terminal',
          code: `broken_${'abcd'[tries] ?? ''}`,
          message: 'it broke',
        });
      },
    });
    await runs.start('run_a', node('hierarchical', [domain('api', { on_error: chain })]));
    await seconds(runs, 20);
    expect([await runs.status('run_a'), tries]).toEqual([status, count]);
  });

  test('a parent that is cancelled at any moment cancels its children and theirs', async () => {
    const nested = node('distributed', [
      domain('one', { flow: { ...tree, id: 'inner-lead' } }),
      domain('two'),
    ]);
    for (let second = 0; second < 3; second += 1) {
      const runs = whole({ ms: () => 1_000 });
      await runs.start('run_a', nested);
      await runs.settle();
      await seconds(runs, second);
      const before = runs.done.length;
      const ended = (await runs.status('run_a')) === 'completed';
      await runs.engine.cancel('run_a', 'enough');
      await seconds(runs, 5);
      expect([await runs.status('run_a'), runs.done.length]).toEqual([
        ended ? 'completed' : 'cancelled',
        before,
      ]);
    }
  });

  test('killed at any second, it ends the same', async () => {
    const outcomes: string[] = [];
    for (let at = 0; at < 4; at += 1) {
      const runs = whole({ ms: () => 1_000 });
      await runs.start('run_a', tree);
      for (let second = 0; second < 8; second += 1) {
        if (second === at && at > 0) await runs.crash();
        await seconds(runs, 1);
      }
      outcomes.push(JSON.stringify((await runs.engine.status('run_a'))?.outcome));
    }
    expect(outcomes[0]).toContain('do-testing');
    expect(new Set(outcomes).size).toBe(1);
  });

  test('a child reserves what it uses, and gives it back', async () => {
    const runs = whole({ resources: { db: 1 } });
    const within = node('hierarchical', [domain('core', { flow: { ...agent('x'), uses: { db: 1 } } })]);
    await runs.start('run_a', within);
    await runs.settle();
    expect([await runs.status('run_a'), await runs.leases()]).toEqual(['completed', []]);
  });
});

describe('centralised: one agent leads', () => {
  const lead = node('centralised', [domain('core'), domain('api', { needs: ['core'] }), domain('testing')], {
    orchestrator: 'architect',
  });
  const route = (agentName: string, done = false, task = '') => ({
    result: { summary: '', agent: agentName, task, reason: `because of ${agentName}`, done },
  });
  const led = (...routes: object[]) => play(lead, { agents: { lead: routes } });

  test('it chooses among those that may go next, with words for them', () => {
    const played = led(route('testing', false, 'Mind the edges'), route('core'), route('api'));
    expect(played.tasks.map(({ node: id }) => id)).toEqual([
      'lead',
      'do-testing',
      'lead',
      'do-core',
      'lead',
      'do-api',
    ]);
    expect(played.tasks.filter(({ node: id }) => id === 'lead').map(({ options }) => options)).toEqual([
      ['core', 'testing'],
      ['core'],
      ['api'],
    ]);
    expect(played.tasks[1]?.context.at(-1)?.summary).toBe('Mind the edges');
    expect(played.outcome.ok).toBe(true);
  });
  test('one that cannot go yet is not sent: the first that can is', () => {
    const played = led(route('api'), route('nobody'), route('nobody'));
    expect(played.tasks.map(({ node: id }) => id).filter((id) => id !== 'lead')).toEqual([
      'do-core',
      'do-api',
      'do-testing',
    ]);
  });
  test('it may call it done, and says what was left', () => {
    expect(led(route('core'), route('', true)).handoff?.warnings).toEqual([
      'lead: architect called it done without api, testing',
    ]);
  });
  test('a domain that fails fails it', () => {
    const played = play(lead, { agents: { lead: [route('core')], 'do-core': [failure('broken')] } });
    expect(played.outcome).toMatchObject({
      ok: false,
      failure: { code: 'broken', message: 'core: it was broken' },
    });
  });
});

test.each([
  ['centralised without an agent', node('centralised', [domain('a')])],
  ['an agent where none leads', node('distributed', [domain('a')], { orchestrator: 'architect' })],
  ['needs of what is distributed', node('distributed', [domain('a'), domain('b', { needs: ['a'] })])],
  ['an unknown need', node('hierarchical', [domain('a', { needs: ['x'] })])],
  ['a circle', node('hierarchical', [domain('a', { needs: ['b'] }), domain('b', { needs: ['a'] })])],
  ['the same id twice', node('distributed', [domain('a'), domain('a')])],
])('%s is refused', (_name, tree) => {
  expect(orchestrator.schema.safeParse(tree).success).toBe(false);
});

test('estimates: a tree takes its longest way, one that is led takes all, and a simpler form is a sequence', () => {
  const of = (ms: number) => ({
    ms: { low: ms, mid: ms, high: ms },
    usd: { low: 1, mid: 1, high: 1 },
    asks: 0,
  });
  const context = { agentTask: () => of(10), commandMs: 1 };
  const interpreter = new Interpreter(patterns);
  expect(interpreter.estimate(tree, context).ms.mid).toBe(20);
  const lead = node(
    'centralised',
    parts.map((id) => domain(id)),
    { orchestrator: 'architect' },
  );
  expect(interpreter.estimate(lead, context).ms).toEqual({ low: 10, mid: 60, high: 60 });
  expect(orchestrator.simpler(tree)).toMatchObject({
    kind: 'sequence',
    stages: [{ id: 'do-core' }, { id: 'do-api' }, { id: 'do-testing' }],
  });
});
