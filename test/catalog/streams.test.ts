import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { families } from './families.ts';
import { type CatalogWorld, expectOrder, expectStages, openCatalog } from './world.ts';

/** For requests with the word "both": two streams write the same file, and whoever joins them keeps both. */
const cast = `
name: Streams that meet
request: { any_of: [both] }
roles:
  frontend-engineer:
    - when: { node: user-interface, turn: 0 }
      calls: [{ tool: write, arguments: { path: docs/parts.md, content: "the interface\\n" } }]
  python-engineer:
    - when: { node: server-api, turn: 0 }
      calls: [{ tool: write, arguments: { path: docs/parts.md, content: "the server\\n" } }]
  specialist-engineer:
    - when: { node: build, turn: 0 }
      calls: [{ tool: write, arguments: { path: docs/parts.md, content: "the interface\\nthe server\\n" } }]
  qa:
    - when: { kind: verdict, task_contains: "Mended." }
      result: { summary: "It holds.", met: true, score: 90, issues: [] }
    - when: { kind: verdict }
      result: { summary: "It does not hold.", met: false, score: 20, issues: ["A hole."] }
  developer:
    - when: { node: mend, feedback: true }
      result: { summary: "Mended.", files: [], warnings: [] }
  policy-guardian:
    - when: { node: design-check, task_contains: "The designs fit now." }
      result: { summary: "They fit.", met: true, score: 90, issues: [] }
    - when: { node: design-check }
      result: { summary: "They do not fit.", met: false, score: 30, issues: ["Two names for one thing."] }
  smart-spec-generator:
    - when: { node: design-rework }
      result: { summary: "The designs fit now.", points: ["One name"], risks: [], files: [] }
  any:
    - when: { kind: verdict }
      result: { summary: "Fine.", met: true, score: 80, issues: [] }
    - when: { kind: spec }
      result: { summary: "A spec.", points: ["One"], risks: [], files: [] }
    - when: { kind: answer }
      result: { summary: "An answer.", answer: "So it is", confidence: 0.5, reason: "It is known." }
    - when: { kind: items }
      result: { summary: "One.", items: ["One"] }
    - when: { kind: route }
      result: { summary: "The first.", agent: "{{option_1}}", task: "Go on.", reason: "It is the first.", done: true }
    - result: { summary: "Done.", files: [], warnings: [] }
`;

let world: CatalogWorld;
beforeAll(async () => {
  world = await openCatalog({ cast });
});
afterAll(() => world.close());

const labelOf = (stream: string): string => stream.split('.').at(-1) ?? stream;

describe('workflows in phases and streams', () => {
  test.each(
    Object.entries(families.streams).filter(([name]) => name !== 'fullstack-streams' && name !== 'fullstack'),
  )('%s runs its stages in order, to its end', async (name, stages) => {
    expectStages((await world.plainly(name)).begun, stages);
  });

  test('parallel-development has four at once at most, and tests what they made together', () => {
    const workflow = world.core.catalog.workflows.get('parallel-development');
    expect(workflow?.flow).toMatchObject({
      stages: [
        { kind: 'parallel', limit: 4 },
        { kind: 'command', id: 'integration-testing' },
      ],
    });
  });

  test('parallel-components begins together, joins four streams, and keeps both sides of a conflict', async () => {
    const played = await world.rehearse('parallel-components', { request: 'Let both write' });
    expect(
      played.of('sync.reached').map(({ point, kind, participants }) => [point, kind, participants.length]),
    ).toEqual([
      ['together', 'start', 4],
      ['joined', 'integration', 4],
    ]);
    expect(played.of('stream.opened')).toHaveLength(4);
    expect(played.of('conflict.resolved')).toMatchObject([
      { path: 'docs/parts.md', took: 'edited', by: 'agent', who: 'specialist-engineer' },
    ]);
    expect(
      ['user-interface', 'server-api', 'schema', 'hardening'].map((line) => played.who.get(line)),
    ).toEqual(['frontend-engineer', 'python-engineer', 'database-engineer', 'security-engineer']);
  });

  test('feature-phases: delegation, streams, a feedback loop, delivery; each hands on to the next', async () => {
    const played = await world.rehearse('feature-phases', { request: 'Let both write' });
    expect(played.of('route.chosen')).toMatchObject([
      { node: 'specify', agent: 'designer', by: 'conductor' },
    ]);
    expect(played.of('stream.opened')).toHaveLength(2);
    expect(played.of('loop.round').map(({ node, quality, passed }) => [node, quality, passed])).toEqual([
      ['tested', 33, false],
      ['tested', 100, true],
    ]);
    expect(played.of('handoff').map(({ to }) => to)).toEqual(['implementation', 'testing', 'delivery']);
  });

  test('fullstack: two streams, each in its own order, joined before the integration', async () => {
    const played = await world.plainly('fullstack');
    expectStages(played.begun, families.streams.fullstack);
    expectOrder(played.begun, 'components', 'design-check', 'fullstack:integration');
    expectOrder(played.begun, 'schema', 'api', 'protection', 'fullstack:integration');
    expect(new Set(played.of('stream.opened').map(({ stream }) => stream)).size).toBe(2);
    expect(played.of('sync.reached')).toMatchObject([{ point: 'joined', kind: 'integration' }]);
  });

  test('fullstack-streams: four streams with worktrees of their own meet at seven points; three ask', async () => {
    const played = await world.plainly('fullstack-streams');
    expectStages(played.begun, families.streams['fullstack-streams']);
    const labels = new Set(played.of('stream.opened').map(({ stream }) => stream));
    expect(labels.size).toBe(4);
    expect(new Map(played.of('sync.reached').map(({ point, kind }) => [point, kind]))).toEqual(
      new Map([
        ['contract-agreed', 'milestone'],
        ['mockup-approval', 'milestone'],
        ['test-strategy-approval', 'milestone'],
        ['docs-strategy-approval', 'milestone'],
        ['integration-testing', 'integration'],
        ['test-execution', 'progress'],
        ['content-review', 'milestone'],
      ]),
    );
    expect([...played.asked].sort()).toEqual([
      'Build the screens like this?',
      'Test it like this?',
      'Write these documents?',
    ]);
    for (const order of [
      ['api-contract', 'api-order', 'api-build', 'api-progress', 'test-progress', 'verify'],
      ['mockup', 'page-build', 'page-lessons', 'page-progress', 'test-progress'],
      ['test-strategy', 'test-build', 'test-progress'],
      ['docs-strategy', 'docs-build', 'docs-lessons'],
      ['api-contract', 'page-build'],
      ['api-contract', 'test-build'],
      ['api-contract', 'docs-build'],
    ])
      expectOrder(played.begun, ...order);
    const roles = (...lines: string[]) => lines.map((line) => played.who.get(line));
    expect(roles('api-contract', 'api-order', 'api-progress')).toEqual([
      'smart-spec-generator',
      'dependency-resolver',
      'execution-monitor',
    ]);
    expect(roles('mockup', 'page-lessons', 'page-progress')).toEqual([
      'smart-spec-generator',
      'adaptive-learner',
      'execution-monitor',
    ]);
    expect(roles('test-strategy', 'test-progress', 'docs-strategy', 'docs-lessons')).toEqual([
      'policy-guardian',
      'execution-monitor',
      'project-manager',
      'adaptive-learner',
    ]);
  });

  test('enterprise-phases: four phases of weeks, reworked where a check fails, two questions to people', async () => {
    const played = await world.rehearse('enterprise-phases', { request: 'Let both write' });
    // Set up upon a design that did not pass: done again after the rework.
    expectOrder(played.begun, 'design-check', 'design-rework', 'enterprise:implementation');
    expect(played.begun.filter((line) => line === 'design-check')).toHaveLength(2);
    expect(
      played
        .of('sync.reached')
        .map(({ point }) => point)
        .sort(),
    ).toEqual(['architecture-review', 'integration-planning', 'security-approval']);
    expect(new Set(played.of('stream.opened').map(({ stream }) => labelOf(stream))).size).toBe(3);
    expect(played.asked).toEqual([
      'Is the security design good enough to build?',
      'Is this ready to be delivered?',
    ]);
    for (const order of [
      ['architecture', 'architecture-rules'],
      ['data-flow', 'data-context'],
      ['security', 'security-lessons'],
      [
        'client-work:workflow-orchestrator',
        'client-work:frontend-engineer',
        'client-progress',
        'joint-tests',
      ],
      ['server-work:java-engineer', 'server-progress', 'joint-tests'],
      ['test-rules', 'test-framework', 'test-progress', 'joint-tests', 'joined-tests'],
      ['compliance', 'readiness', 'verify'],
    ])
      expectOrder(played.begun, ...order);
    const { flow } = world.core.catalog.workflows.get('enterprise-phases') ?? { flow: null };
    for (const estimate of ['1-2 weeks', '2-3 weeks', '3-6 weeks'])
      expect(JSON.stringify(flow)).toContain(`"estimate":"${estimate}"`);
  });
});
