import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/domain/events.ts';
import { families } from './families.ts';
import { type CatalogWorld, expectOrder, expectStages, HurriedClock, openCatalog } from './world.ts';

const failing = 'import test from "node:test"; test("greets", () => { throw new Error("no greeting"); });';
const passing = 'import test from "node:test"; test("greets", () => {});';
const writes = (text: string) =>
  `calls: [{ tool: write, arguments: { path: test/greets.test.js, content: ${JSON.stringify(text)} } }]`;

/** For requests with the word "unlucky": tests fail until somebody mends them, and some cannot do their part. */
const cast = `
name: Unlucky requests
request: { any_of: [unlucky, unhealed] }
roles:
  developer:
    - when: { node: code, turn: 0 }
      ${writes(failing)}
    - when: { node: part, task_contains: "the second part" }
      say: "I cannot do this."
    - when: { node: part, task_contains: "the third part" }
      say: "I cannot do this."
    - when: { node: part, turn: 0 }
      ${writes(failing)}
  specialist-engineer:
    - when: { node: part, task_contains: "the third part" }
      say: "I cannot do this either."
    - when: { node: specialist, turn: 0 }
      ${writes(passing)}
  self-healing:
    - when: { node: heal, request_contains: unhealed }
      say: "I cannot do this."
    - when: { node: heal, turn: 0 }
      ${writes(failing)}
    - when: { turn: 0 }
      ${writes(passing)}
  planner:
    - when: { node: parts }
      result: { summary: "Three parts.", items: ["the first part", "the second part", "the third part"] }
  context-intelligence:
    - when: { node: files }
      result: { summary: "Two files.", items: ["src/reports.js", "src/page.js"] }
    - when: { node: diagnose }
      result: { summary: "A failing test.", items: ["a failing test"] }
  security-reviewer:
    - when: { node: security, task_contains: "src/page.js" }
      result: { summary: "A hole.", quality: 30, approved: false, issues: ["high: src/page.js shows what people type as it is."] }
  reviewer:
    - when: { node: merge }
      result: { summary: "One hole.", quality: 60, approved: false, issues: ["src/page.js: escape what people type."] }
  any:
    - when: { kind: review }
      result: { summary: "Fine.", quality: 80, approved: true, issues: [] }
    - when: { kind: vote }
      result: { summary: "The first.", choice: "{{option_1}}", reason: "It is the first." }
    - when: { kind: spec }
      result: { summary: "A spec.", points: ["One"], risks: [], files: [] }
    - when: { kind: verdict }
      result: { summary: "Fine.", met: true, score: 80, issues: [] }
    - when: { kind: route }
      result: { summary: "The first.", agent: "{{option_1}}", task: "Go on.", reason: "It is the first.", done: true }
    - result: { summary: "Done.", files: [], warnings: [] }
`;

let world: CatalogWorld;
beforeAll(async () => {
  world = await openCatalog({ cast });
});
afterAll(() => world.close());

/** The most of these nodes that worked at once. */
function atOnce(events: readonly RunEvent[], ...nodes: readonly string[]): number {
  let now = 0;
  let most = 0;
  for (const event of events) {
    if (event.type === 'node.started' && nodes.includes(event.node)) now += 1;
    if (event.type === 'node.finished' && nodes.includes(event.node)) now -= 1;
    most = Math.max(most, now);
  }
  return most;
}

describe('workflows that react', () => {
  test.each(Object.entries(families.reactions))(
    '%s runs its stages in order, to its end',
    async (name, stages) => {
      expectStages((await world.plainly(name)).begun, stages);
    },
  );

  test('event-system: who waits for a failure that never comes is let go', async () => {
    const played = await world.plainly('event-system');
    const skipped = played.of('node.finished').filter(({ status }) => status === 'skipped');
    expect(skipped.map(({ node }) => node)).toEqual(expect.arrayContaining(['repairing', 'retesting']));
  });

  test('event-system: a failing test brings self-healing in, and its push a new test', async () => {
    const played = await world.rehearse('event-system', { request: 'An unlucky one' });
    expectOrder(
      played.begun,
      'code',
      'pushed',
      'write-tests',
      'run-tests',
      'failing',
      'fix-errors',
      'repaired',
      'run-again',
      'ready-now',
      'deliver',
    );
    expect(played.begun).not.toContain('ready');
    expect(played.of('command.finished').map(({ exitCode }) => exitCode)).toEqual([1, 0]);
    expect([played.who.get('write-tests'), played.who.get('fix-errors'), played.who.get('deliver')]).toEqual([
      'qa',
      'self-healing',
      'devops',
    ]);
  });

  test('bugfix takes the report that the request names, and no other', async () => {
    await world.publish('error-monitoring', { message: 'out of memory' });
    const named = await world.rehearse('bugfix', { request: 'Mend "out of memory"' });
    const other = await world.rehearse('bugfix', { request: 'Mend the login' });
    const detection = [named, other].map(
      (played) => played.of('node.finished').find(({ node }) => node === 'detection')?.status,
    );
    expect(detection).toEqual(['done', 'skipped']);
    expect(named.of('vote.counted')).toMatchObject([{ node: 'analysis', method: 'majority', share: 1 }]);
  });

  test('bugfix: the specialist comes when the first repair did not do it', async () => {
    const played = await world.rehearse('bugfix', { request: 'An unlucky one' });
    expectOrder(played.begun, 'heal', 'verify', 'specialist', 'check', 'retest', 'readiness');
    expect(played.of('adaptation.made')).toMatchObject([{ node: 'fix', rule: 'done >= 2 and not passed' }]);
    expect(played.of('command.finished').map(({ exitCode }) => exitCode)).toEqual([1, 0]);
  });

  test('bugfix: the specialist stands in where self-healing fails', async () => {
    const played = await world.rehearse('bugfix', { request: 'An unhealed one' });
    expect(played.of('error.handled')).toMatchObject([{ node: 'heal', action: 'failover' }]);
  });

  test('user-feedback: a question is answered, a turn is planned, all else is mended by who knows it', async () => {
    const played = await world.rehearse('user-feedback', {
      answers: ['Why is it blue?', 'Make it a list instead', 'The button is too small', null],
    });
    expectStages(played.begun, [
      'first',
      'verify',
      'asked',
      'explain',
      'turned',
      'reorder',
      'rebuild',
      'turned-tests',
      'heard',
      'mend:frontend',
      'mended-tests',
      'approved',
    ]);
    expect(played.asked).toHaveLength(4);
    const told = played
      .of('node.finished')
      .flatMap(({ summary }) => /published "(\w+)"/.exec(summary)?.[1] ?? []);
    expect(told).toEqual([
      'clarification_request',
      'direction_change',
      'feedback_received',
      'approval_given',
    ]);
  });

  test('error-recovery: tried again, given to a stand-in, put to a person; what is done is kept', async () => {
    const played = await world.rehearse('error-recovery', { request: 'An unlucky one' });
    expect(played.of('error.handled').map(({ node, action }) => [node, action])).toEqual([
      ['part', 'retry'],
      ['part', 'failover'],
      ['part', 'retry'],
      ['part', 'failover'],
      ['part', 'escalate'],
    ]);
    expect(played.asked).toEqual(['"part" failed. Try it once more?']);
    // The first part broke the tests: found, routed, mended.
    expectOrder(played.begun, 'verify', 'diagnose', 'mend:self-healing', 'reverify', 'review');
    expect(played.of('command.finished').map(({ exitCode }) => exitCode)).toEqual([1, 0]);
  });

  test('constrained-team: nobody does two things at once, the database is one, the quota holds', async () => {
    const { events, ...played } = await world.plainly('constrained-team');
    // What the order does not show here by itself: how much there is.
    const resources = {
      'fullstack-dev': { kind: 'person', amount: 2 },
      'frontend-dev': { kind: 'person', amount: 1 },
      'backend-dev': { kind: 'person', amount: 1 },
      'shared-database': 1,
      'outside-api': '60/h',
    };
    const workflow = world.core.catalog.workflows.get('constrained-team');
    expect(workflow?.flow).toMatchObject({ stages: [{ kind: 'resource-aware', resources }, {}] });
    expect(atOnce(events, 'make-schema', 'make-report')).toBe(1);
    expect(atOnce(events, 'make-connection', 'make-import')).toBe(1);
    expect(atOnce(events, 'make-schema', 'make-service')).toBe(1);
    expect(atOnce(events, 'make-connection', 'make-import', 'make-report')).toBeLessThanOrEqual(2);
    const first = events.flatMap((event) => (event.type === 'task.scheduled' ? [event.task] : []));
    expect(first.slice(0, 2)).toEqual(['outline', 'schema']);
    expect(first.at(-1)).toBe('import');
    expect(played.asked).toEqual([]);
  });

  test('high-throughput: three designs race, the first wins; four streams side by side', async () => {
    const played = await world.plainly('high-throughput');
    const designs = ['plain-design', 'senior-design', 'spec-design'];
    const lost = played
      .of('node.finished')
      .filter(({ node, status }) => designs.includes(node) && status === 'skipped');
    expect(lost.length).toBeGreaterThanOrEqual(1);
    expect(new Set(played.of('stream.opened').map(({ stream }) => stream)).size).toBe(4);
    expect(played.of('task.scheduled').find(({ task }) => task === 'design')?.reason).toContain(
      '3 ways race',
    );
  });

  test('review: three reviewers per file, findings merged, mended because there are any', async () => {
    const played = await world.rehearse('review', { request: 'An unlucky one' });
    for (const line of ['security', 'performance', 'quality'])
      expect(played.begun.filter((each) => each === line)).toHaveLength(2);
    expectOrder(played.begun, 'files', 'merge', 'fix', 'verify');
    expect(['security', 'performance', 'quality'].map((line) => played.who.get(line))).toEqual([
      'security-reviewer',
      'performance-reviewer',
      'reviewer',
    ]);
  });
});

describe('adaptive-deployment', () => {
  test('repairs itself on errors, goes side by side when late, and slows down on a busy machine', async () => {
    const clock = new HurriedClock();
    let broke = false;
    let late = false;
    const busy = await openCatalog({
      clock,
      cpuUsage: () => (late ? 95 : 10),
      breaksOver: (question) => {
        // Fifty of its sixty minutes go by over the settings, and the machine is busy from then on.
        if (!late && question.includes('Write the settings of each environment')) {
          late = true;
          clock.skip(50 * 60_000);
        }
        if (broke || !question.includes('Make the build repeatable')) return false;
        broke = true;
        return true;
      },
    });
    try {
      const played = await busy.rehearse('adaptive-deployment');
      const made = new Map(played.of('adaptation.made').map(({ rule, what }) => [rule, what]));
      expect([...made]).toEqual([
        ['error-rate > 5%', 'deployment-heal comes in between'],
        ['deadline-approaching', expect.stringMatching(/^the \d that are left go side by side$/)],
        ['cpu-usage > 80%', '2 at once in place of 5'],
      ]);
      expectOrder(played.begun, 'build', 'deployment-heal', 'verify', 'settings');
      expect(played.begun).toEqual(expect.arrayContaining(['checks', 'way-back']));
    } finally {
      await busy.close();
    }
  });
});
