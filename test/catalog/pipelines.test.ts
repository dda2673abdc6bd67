import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { families } from './families.ts';
import { type CatalogWorld, expectStages, openCatalog } from './world.ts';

/** For requests with the word "hard": the first try is not good enough, and what was mended is. */
const cast = `
name: Hard requests
request: { any_of: [hard] }
roles:
  implementer:
    - when: { node: improve }
      result: { summary: "All findings are mended.", files: [], warnings: [] }
    - when: { node: again }
      result: { summary: "All findings are mended.", files: [], warnings: [] }
  backend:
    - when: { node: build, feedback: true }
      result: { summary: "All findings are mended.", files: [], warnings: [] }
    - when: { node: implement-api }
      say: "I cannot do this."
  reviewer:
    - when: { node: review, task_contains: "All findings are mended." }
      result: { summary: "Good enough.", quality: 70, approved: true, issues: [] }
    - when: { node: review }
      result: { summary: "Nearly.", quality: 69, approved: true, issues: ["One thing is missing."] }
  qa:
    - when: { kind: verdict, task_contains: "All findings are mended." }
      result: { summary: "It holds.", met: true, score: 90, issues: [] }
    - when: { kind: verdict }
      result: { summary: "It does not hold.", met: false, score: 20, issues: ["A hole."] }
  execution-monitor:
    - when: { task_contains: "All findings are mended." }
      result: { summary: "It went well.", met: true, score: 80, issues: [] }
    - result: { summary: "It went badly.", met: false, score: 79, issues: ["Half of it is missing."] }
  smart-spec-generator:
    - when: { node: specify }
      result: { summary: "Nothing yet.", points: [], risks: [], files: [] }
  planner:
    - when: { node: analyse }
      result: { summary: "One part.", items: ["All of it"] }
    - when: { node: replan }
      result: { summary: "Three parts.", items: ["The button", "The endpoint", "The guide"] }
  architect:
    - when: { kind: vote }
      result: { summary: "The first.", choice: "{{option_1}}", reason: "It is the first." }
  frontend:
    - when: { kind: vote }
      result: { summary: "The second.", choice: "{{option_2}}", reason: "It is the second." }
  devops:
    - when: { kind: vote }
      result: { summary: "The second.", choice: "{{option_2}}", reason: "It is the second." }
  any:
    - when: { kind: items, node: options }
      result: { summary: "Two.", items: ["stay", "move"] }
    - when: { kind: vote }
      result: { summary: "The first.", choice: "{{option_1}}", reason: "It is the first." }
    - when: { kind: verdict }
      result: { summary: "Fine.", met: true, score: 80, issues: [] }
    - when: { kind: review }
      result: { summary: "Fine.", quality: 80, approved: true, issues: [] }
    - when: { kind: spec }
      result: { summary: "A spec.", points: ["One"], risks: [], files: [] }
    - when: { kind: answer }
      result: { summary: "Advice.", answer: "{{role}} says so", confidence: 0.5, reason: "It is known." }
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

describe('workflows that go one after the other', () => {
  test('together with the other families they are all that ship', () => {
    const tested = Object.values(families).flatMap((family) => Object.keys(family));
    expect([...world.core.catalog.workflows.keys()].sort()).toEqual(tested.sort());
    const told = readFileSync(new URL('../../docs/workflows.md', import.meta.url), 'utf8').matchAll(
      /^\| `([a-z-]+)` \|/gm,
    );
    expect(Array.from(told, ([, name = '']) => name).sort()).toEqual(tested);
  });

  test.each(Object.entries(families.pipelines))(
    '%s runs its stages in order, to its end',
    async (name, stages) => {
      expectStages((await world.plainly(name)).begun, stages);
    },
  );

  test.each(['simple', 'sdlc', 'expert-guided'])('%s goes round until a review gives 70', async (name) => {
    const played = await world.rehearse(name, { request: 'A hard one' });
    expect(played.of('loop.round')).toMatchObject([
      { node: 'quality', round: 1, max: 3, quality: 69, passed: false },
      { node: 'quality', round: 2, quality: 70, passed: true },
    ]);
    expect(played.begun.filter((line) => line === 'review' || line === 'improve')).toEqual([
      'review',
      'improve',
      'review',
    ]);
  });

  test('the roles of the seven and of the nine steps are theirs', async () => {
    const roles = async (name: string) => [...(await world.plainly(name)).who.values()];
    expect(await roles('simple')).toEqual([
      'enhancer',
      'planner',
      'architect',
      'designer',
      'implementer',
      'reviewer',
      'tester',
    ]);
    expect(await roles('sdlc')).toEqual([
      'analyst',
      'planner',
      'architect',
      'designer',
      'implementer',
      'reviewer',
      'tester',
      'ops',
      'documenter',
    ]);
  });

  test('tried-out: what a person finds is mended, until it works in their hands', async () => {
    const played = await world.rehearse('tried-out', {
      handedIn: [{ works: false, found: ['The button does nothing.'] }, { works: true }],
    });
    expectStages(played.begun, ['build', 'verify', 'try-out', 'mend', 'verify-again', 'try-out']);
    expect(played.of('loop.round').map(({ passed }) => passed)).toEqual([false, true]);
    expect(played.of('person.ended')).toHaveLength(2);
  });

  test('code-review-loop hands every criterion that is not met back, three rounds at most', async () => {
    const played = await world.rehearse('code-review-loop', { request: 'A hard one' });
    expect(played.of('loop.round')).toMatchObject([
      { round: 1, max: 3, quality: 33, passed: false },
      { round: 2, quality: 100, passed: true },
    ]);
  });

  test('architecture-vote is weighted, and won at 75%', async () => {
    const [vote] = (await world.plainly('architecture-vote')).of('vote.counted');
    expect(vote).toMatchObject({
      method: 'weighted',
      threshold: 0.75,
      share: 1,
      winner: 'the simplest change that works',
    });
    expect(vote?.ballots.map(({ agent, weight }) => [agent, weight])).toEqual([
      ['architect', 0.4],
      ['backend', 0.2],
      ['frontend', 0.2],
      ['devops', 0.2],
    ]);
  });

  test('architecture-vote with 60% is not won: the architect decides', async () => {
    const played = await world.rehearse('architecture-vote', { request: 'A hard one' });
    const [vote] = played.of('vote.counted');
    expect([vote?.winner, Math.round((vote?.share ?? 0) * 100)]).toEqual([null, 60]);
    expect(played.of('route.chosen')).toMatchObject([
      { node: 'vote', agent: 'architect', by: 'conductor', reason: 'stay: It is the first.' },
    ]);
  });

  test.each([
    ['A crash with an exception', 'self-healing'],
    ['TypeScript gives a type error', 'typescript'],
    ['The endpoint answers 500', 'backend'],
    ['The button is grey', 'frontend'],
  ])('bug-delegation: "%s" goes to %s', async (request, agent) => {
    const played = await world.rehearse('bug-delegation', { request });
    expect(played.of('route.chosen')).toMatchObject([{ node: 'delegate', agent, by: 'expertise' }]);
    expectStages(played.begun, [`delegate:${agent}`, 'verify']);
  });

  test('branch mends what is below 70, and only then', async () => {
    const played = await world.rehearse('branch', { request: 'A hard one' });
    expectStages(played.begun, ['build', 'verify', 'review', 'mend', 'reverify']);
    expect(played.of('rule.evaluated')).toMatchObject([{ node: 'gate', outcome: 'false' }]);
  });

  test('expert-guided asks the architect with double weight and tells of dissent', async () => {
    const { flow } = world.core.catalog.workflows.get('expert-guided') ?? { flow: null };
    expect(JSON.stringify(flow)).toContain('{"agent":"architect","weight":2}');
    const played = await world.rehearse('expert-guided', { request: 'A hard one' });
    expect(played.of('result')).toMatchObject([{ status: 'completed' }]);
  });

  test('self-improving writes its lessons down and goes again below 80', async () => {
    const played = await world.rehearse('self-improving', { request: 'A hard one' });
    expectStages(played.begun, [
      'build',
      'verify',
      'track',
      'analyse',
      'knowledge',
      'again',
      'verify',
      'track',
    ]);
    expect(played.of('loop.round').map(({ quality, passed }) => [quality, passed])).toEqual([
      [79, false],
      [80, true],
    ]);
    expect([played.who.get('track'), played.who.get('analyse'), played.who.get('knowledge')]).toEqual([
      'execution-monitor',
      'adaptive-learner',
      'documenter',
    ]);
  });

  test('spec goes from role to role, and back when something is incomplete', async () => {
    const played = await world.rehearse('spec', { request: 'A hard one' });
    expect(played.begun.filter((line) => line.startsWith('specify'))).toEqual(['specify', 'specify-again']);
    expect(['analyse', 'specify', 'resolve'].map((line) => played.who.get(line))).toEqual([
      'analyze-product',
      'smart-spec-generator',
      'dependency-resolver',
    ]);
    expect(played.of('handoff').map(({ from, to }) => [from, to])).toEqual([
      ['analysis', 'requirements'],
      ['requirements', 'dependencies'],
      ['dependencies', 'coordination'],
      ['coordination', 'record'],
    ]);
  });

  test('analyse-route-execute begins after a yes, and gives each part to whoever knows it', async () => {
    const played = await world.rehearse('analyse-route-execute', {
      request: 'A hard one',
      answers: ['Three parts, please', null],
    });
    expect(played.asked).toEqual(['Begin with these parts?', 'Begin with these parts?']);
    expectStages(played.begun, [
      'check',
      'analyse',
      'replan',
      'route:frontend',
      'route:backend',
      'route:technical-writer',
      'verify',
    ]);
  });

  test('feature-pipeline tries a stage again, asks when nothing changes, and ends within its hour', async () => {
    expect(world.core.catalog.workflows.get('feature-pipeline')?.flow).toMatchObject({
      timeout: '1h',
      on_error: ['retry', 'stop'],
    });
    const played = await world.rehearse('feature-pipeline', { request: 'A hard one', ends: 'failed' });
    expect(played.of('error.handled').map(({ node, action }) => [node, action])).toEqual([
      ['implement-api', 'retry'],
      ['implement-api', 'retry'],
      ['implement-api', 'escalate'],
    ]);
    expect(played.begun).not.toContain('implement-ui');
  });
});
