import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/domain/events.ts';
import { families } from './families.ts';
import { begunIn, type CatalogWorld, expectOrder, expectStages, openCatalog } from './world.ts';

/** For requests with the word "hard": leads choose, one strategy is not followed at first, and some cannot do it. */
const cast = `
name: Hard requests
request: { any_of: [hard, unready, broken] }
roles:
  orchestrator:
    - when: { task_contains: "bug-fixing (something broken" }
      result: { summary: "A bug.", agent: bug-fixing, task: "Mend it.", reason: "It is broken.", done: false }
    - when: { kind: route }
      result: { summary: "Done.", agent: "", task: "", reason: "Nothing is left.", done: true }
  agent-architect:
    - when: { task_contains: "which domain goes next" }
      result: { summary: "Next.", agent: "{{option_1}}", task: "Go on.", reason: "It is next.", done: false }
    - when: { task_contains: "ai-researcher has worked" }
      result: { summary: "Build.", agent: specialist-engineer, task: "Build it.", reason: "It is known now.", done: false }
    - when: { task_contains: "specialist-engineer has worked" }
      result: { summary: "Check.", agent: qa-engineer, task: "Check it.", reason: "It is built.", done: false }
    - when: { task_contains: "Nobody has worked on it yet." }
      result: { summary: "Find out.", agent: ai-researcher, task: "Find out.", reason: "It is open.", done: false }
    - when: { kind: route }
      result: { summary: "Done.", agent: "", task: "", reason: "It is checked.", done: true }
  integration-architect:
    - when: { node: contracts, feedback: true }
      result: { summary: "As the strategy says.", points: ["One"], risks: [], files: [] }
  sr-architect:
    - when: { node: tactics, task_contains: "As the strategy says." }
      result: { summary: "It follows.", met: true, score: 90, issues: [] }
    - when: { node: tactics }
      result: { summary: "It does not.", met: false, score: 20, issues: ["Another protocol."] }
  ai-researcher:
    - when: { node: team, turn: 0 }
      calls:
        - { tool: tell, arguments: { to: specialist-engineer, kind: finding, text: "The old parser is exact." } }
    - when: { node: team }
      result: { summary: "An answer.", answer: "So it is", confidence: 0.5, reason: "It is known." }
  qa-engineer:
    - when: { node: test-plan, request_contains: broken }
      say: "I cannot do this."
  ui-ux-designer:
    - when: { node: design, request_contains: unready }
      say: "I cannot do this."
  any:
    - when: { kind: verdict }
      result: { summary: "Fine.", met: true, score: 80, issues: [] }
    - when: { kind: spec }
      result: { summary: "A spec.", points: ["One"], risks: [], files: [] }
    - when: { kind: answer }
      result: { summary: "An answer.", answer: "So it is", confidence: 0.5, reason: "It is known." }
    - when: { kind: route }
      result: { summary: "The first.", agent: "{{option_1}}", task: "Go on.", reason: "It is the first.", done: true }
    - result: { summary: "Done.", files: [], warnings: [] }
`;

let world: CatalogWorld;
beforeAll(async () => {
  world = await openCatalog({ cast });
});
afterAll(() => world.close());

const finished = (events: readonly RunEvent[], line: string): number =>
  events.findIndex((event) => event.type === 'node.finished' && event.node === line);
const started = (events: readonly RunEvent[], line: string): number =>
  events.findIndex((event) => event.type === 'node.started' && event.node === line);

describe('workflows of teams', () => {
  test.each(Object.entries(families.teams))(
    '%s runs its stages in order, to its end',
    async (name, stages) => {
      expectStages((await world.plainly(name)).begun, stages);
    },
  );

  test('centralised: one agent names each next domain; each works by itself', async () => {
    const played = await world.plainly('centralised');
    expect(played.of('route.chosen').map(({ node, agent, by }) => [node, agent, by])).toEqual([
      ['alpha', 'beta', 'conductor'],
      ['alpha', 'gamma', 'conductor'],
      ['alpha', 'delta', 'conductor'],
    ]);
    expect(played.parts.map(begunIn)).toEqual([['core'], ['tests', 'verify'], ['guide']]);
  });

  test('hybrid: the lead takes the pattern that the request needs and leaves the others out', async () => {
    const played = await world.rehearse('hybrid', { request: 'A hard one' });
    expectStages(played.begun, ['lead:orchestrator', 'lead:bug-fixing', 'lead:orchestrator']);
    expect(played.parts.map(begunIn)).toEqual([['mend', 'bugs:qa']]);
    expect(played.of('loop.round')).toMatchObject([{ node: 'bugs', max: 3, passed: true }]);
    const whole = await world.plainly('hybrid');
    expect(whole.parts.map((events) => begunIn(events).slice(0, 2))).toEqual([
      ['design', 'build'],
      ['mend', 'bugs:qa'],
      ['unit-tests', 'whole-tests'],
    ]);
  });

  test('distributed: what the others wait for are events, and one that fails is left out', async () => {
    const played = await world.plainly('distributed');
    const [core = [], api = [], testing = []] = played.parts;
    expect(begunIn(core)).toEqual(['core-build', 'core-done']);
    expect(begunIn(api)).toEqual(['api-contract', 'core-ready', 'api-build', 'api-done']);
    expect(begunIn(testing)).toEqual(['test-plan', 'api-ready', 'verify']);
    const heard = played.of('node.finished').filter(({ node }) => node.endsWith('-ready'));
    expect(heard.map(({ status, summary }) => [status, summary])).toEqual([
      ['done', '"task_completion" came'],
      ['done', '"task_completion" came'],
    ]);
    const short = await world.rehearse('distributed', { request: 'A broken one' });
    const ends = short.of('node.finished').filter(({ node }) => node.startsWith('domains:'));
    expect(new Map(ends.map(({ node, status }) => [node, status]))).toEqual(
      new Map([
        ['domains:testing', 'failed'],
        ['domains:core', 'done'],
        ['domains:api', 'done'],
      ]),
    );
  });

  test('hierarchical: orchestrators within orchestrators, each when what it needs has ended', async () => {
    const { events, parts } = await world.plainly('hierarchical');
    expect(parts).toHaveLength(5);
    // By chance one side may always be the slower: what is waited for is said.
    expect(world.core.catalog.workflows.get('hierarchical')?.flow).toMatchObject({
      domains: [{ id: 'backend' }, { id: 'frontend' }, { id: 'quality', needs: ['backend', 'frontend'] }],
    });
    for (const side of ['master:backend', 'master:frontend'])
      expect(finished(events, side)).toBeLessThan(started(events, 'master:quality'));
    const server = parts.find((part) => begunIn(part).includes('server:data')) ?? [];
    expectStages(begunIn(server), ['server:data', 'server:services']);
    expect(finished(server, 'server:data')).toBeLessThan(started(server, 'server:services'));
  });

  test('hierarchical: a domain that fails is tried again, and ends the others', async () => {
    const played = await world.rehearse('hierarchical', { request: 'An unready one', ends: 'failed' });
    expect(played.of('error.handled').map(({ node, action }) => [node, action])).toEqual([
      ['screens', 'retry'],
    ]);
    expect(played.begun).not.toContain('master:quality');
  });

  test('levels: tactics go back until they follow the strategy; the strategy is held against the work', async () => {
    const played = await world.rehearse('levels', { request: 'A hard one' });
    const [tactical = [], implementation = []] = played.parts;
    expectStages(begunIn(tactical), [
      ['contracts', 'security'],
      'tactics:sr-architect',
      ['contracts', 'security'],
      'tactics:sr-architect',
    ]);
    // Asked whom to give it to, then whether it follows the strategy.
    expectStages(begunIn(implementation), [
      'build:sr-architect',
      'build:frontend-engineer',
      'build:sr-architect',
      'validate',
      'verify',
    ]);
  });

  test('mesh: the hub routes as it learns, and says when it is done', async () => {
    const played = await world.rehearse('mesh', { request: 'A hard one' });
    expect(played.of('route.chosen').map(({ agent, by }) => [agent, by])).toEqual([
      ['ai-researcher', 'hub'],
      ['specialist-engineer', 'hub'],
      ['qa-engineer', 'hub'],
    ]);
    expectOrder(
      played.begun,
      'team:agent-architect',
      'team:ai-researcher',
      'team:specialist-engineer',
      'team:qa-engineer',
      'verify',
    );
    // Its members share what they find with one another, beside what they hand back to the hub.
    expect(played.of('agent.told').map(({ note: { from, to, text } }) => [from, to, text])).toEqual([
      ['ai-researcher', 'specialist-engineer', 'The old parser is exact.'],
    ]);
  });
});
