import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { mesh } from '../../src/patterns/mesh.ts';
import { failure, type Played, play } from './driver.ts';

const names = ['backend', 'frontend', 'qa', 'devops'] as const;
const node = (count = 3, more: object = {}): Node => ({
  kind: 'mesh',
  id: 'web',
  hub: 'architect',
  task: 'Explore it',
  pool: names.slice(0, count).map((agent) => ({ agent, capabilities: [`${agent}-work`] })),
  ...more,
});
const to = (agent: string, task = '') => ({
  result: { summary: '', agent, task, reason: 'it fits', done: false },
});
const done = { result: { summary: '', agent: '', task: '', reason: '', done: true } };
const worked = (result: string, more: object = {}) => ({ result, summary: `made ${result}`, ...more });
const codeOf = ({ outcome }: Played): string | null => (outcome.ok ? null : outcome.failure.code);
const routes = ({ events }: Played): string[] =>
  events.flatMap((event) => (event.type === 'route.chosen' ? [`${event.agent} by ${event.by}`] : []));
const hubTasks = ({ tasks }: Played) => tasks.filter(({ output }) => output === 'route');

test('after each piece of work the hub decides who is next, and when it is done', () => {
  const played = play(node(), {
    agents: { web: [to('backend', 'Look'), worked('A'), to('qa'), worked('B'), done] },
  });
  expect(routes(played)).toEqual(['backend by hub', 'qa by hub']);
  expect(played.tasks.map(({ role, task }) => [role.name, task.split('\n')[0]])).toEqual([
    ['architect', 'You coordinate this task: Explore it'],
    ['backend', 'Look'],
    ['architect', 'You coordinate this task: Explore it'],
    ['qa', 'Explore it'],
    ['architect', 'You coordinate this task: Explore it'],
  ]);
  expect(played.tasks[0]?.options).toEqual(['backend', 'frontend', 'qa']);
  expect(played.tasks[3]?.previous).toBe('A');
  expect(played.handoff).toMatchObject({ result: 'B', validation: { passed: true }, warnings: [] });
  expect(played.handoff?.context.map(({ agent, summary }) => [agent, summary])).toEqual([
    ['backend', 'made A'],
    ['qa', 'made B'],
  ]);
});

test('the hub is told what the last piece of work warns of', () => {
  const played = play(node(), {
    agents: { web: [to('backend'), worked('A', { warnings: ['ask qa'] }), done] },
  });
  expect(hubTasks(played)[1]?.task).toContain('backend has worked: made A. It warns: ask qa.');
});

test('two who hand it back and forth are excluded once, and the hub is told', () => {
  const [a, b] = [to('backend'), to('frontend')];
  const piece = worked('x');
  const played = play(node(4), {
    agents: { web: [a, piece, b, piece, a, piece, b, piece, a, piece, b, piece, done] },
  });
  const fifth = hubTasks(played)[4];
  expect(fifth?.options).toEqual(['qa', 'devops']);
  expect(fifth?.task).toContain('backend and frontend hand it back and forth');
  // It named one of the two all the same: somebody else has it, and then both may be named again.
  expect(routes(played)).toEqual(
    ['backend', 'frontend', 'backend', 'frontend', 'qa', 'frontend'].map((name) => `${name} by hub`),
  );
  expect(hubTasks(played)[5]?.options).toEqual(names);
});

test('a name that is not in the pool is not followed: whoever fits best', () => {
  const played = play(node(), { agents: { web: [to('nobody', 'needs qa-work'), worked('x'), done] } });
  expect(routes(played)).toEqual(['qa by hub']);
  expect(played.events.find(({ type }) => type === 'route.chosen')).toMatchObject({
    reason: '"nobody" was named and cannot be given it; fits best',
  });
});

test('whoever fails is told of to the hub, which finds another way', () => {
  const played = play(node(), {
    agents: { web: [to('backend'), failure('broken'), to('qa'), worked('B'), done] },
  });
  expect(hubTasks(played)[1]?.task).toContain('backend could not do it: it was broken');
  expect(played.handoff).toMatchObject({
    result: 'B',
    warnings: ['backend could not do it: it was broken'],
  });
});

test('when nobody could do it, so fails the mesh; what is not terminal fails it at once', () => {
  expect(codeOf(play(node(), { agents: { web: [to('backend'), failure('broken'), done] } }))).toBe('broken');
  const wrong = play(node(), { agents: { web: [to('backend'), failure('wrong', 'structural'), done] } });
  expect([codeOf(wrong), wrong.tasks.length]).toEqual(['wrong', 2]);
});

test('a hub that finds nothing to do is believed, and that is said', () => {
  const played = play(node(), { agents: { web: [done] } });
  expect(played.handoff?.warnings).toEqual(['web: architect found nothing to do']);
});

test('whatever the hub says, it ends: at most twice the pool, never five pieces between two', () => {
  let capped = 0;
  let broken = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom(...names, 'nobody'), { minLength: 9, maxLength: 9 }),
      fc.integer({ min: 0, max: 12 }),
      (count, said, end) => {
        const web = said.flatMap((name, at) => (at === end ? [done] : [to(name), worked(String(at))]));
        const played = play(node(count), { agents: { web } });
        const line = routes(played);
        const most = 2 * count;
        expect(line.length).toBe(Math.min(most, end));
        expect(hubTasks(played).length).toBe(line.length + 1);
        for (let at = 0; at + 4 < line.length; at += 1) {
          const pair = new Set(line.slice(at, at + 5));
          const swapped = [0, 1, 2, 3].every((each) => line[at + each] !== line[at + each + 1]);
          expect(pair.size === 2 && swapped).toBe(false);
        }
        if (end > most) {
          capped += 1;
          expect(played.handoff?.validation.passed).toBe(false);
          expect(played.handoff?.warnings.join()).toContain('did not call it done');
        }
        if (hubTasks(played).some(({ task }) => task.includes('back and forth'))) broken += 1;
      },
    ),
    { numRuns: 300 },
  );
  expect(capped).toBeGreaterThan(50);
  expect(broken).toBeGreaterThan(0);
});

test.each([
  ['nobody', { pool: [] }],
  ['nobody twice', { pool: [1, 2].map(() => ({ agent: 'qa', capabilities: ['x'] })) }],
  ['the hub', { pool: [{ agent: 'architect', capabilities: ['x'] }] }],
  ['somebody who can do nothing', { pool: [{ agent: 'qa', capabilities: [] }] }],
])('a pool of %s: refused', (_name, more) => {
  expect(mesh.schema.safeParse(node(1, more)).success).toBe(false);
});

test('an unknown key: refused', () => {
  expect(mesh.schema.safeParse(node(2, { max: 3 })).success).toBe(false);
});

test('it degrades to a delegation, which is valid', () => {
  const simpler = mesh.simpler(node());
  const found = patterns.find(({ kind }) => kind === simpler?.kind);
  expect(found?.kind).toBe('delegation');
  expect(found?.schema.safeParse(simpler).success).toBe(true);
});

test('an estimate: the hub alone at least, one round per member expected, two at most', () => {
  const one = { ms: { low: 10, mid: 10, high: 10 }, usd: { low: 1, mid: 1, high: 1 }, asks: 0 };
  const estimate = new Interpreter(patterns).estimate(node(2), { agentTask: () => one, commandMs: 1 });
  expect(estimate.ms).toEqual({ low: 10, mid: 50, high: 90 });
});
