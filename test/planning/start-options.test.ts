import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadRoles } from '../../src/agents/registry.ts';
import { SHIPPED } from '../../src/compose/catalog.ts';
import {
  dimensionsOf,
  dimensionsSchema,
  noStartOptions,
  patternNames,
  readStartOptions,
  requestDefaultsSchema,
  wantedWords,
} from '../../src/domain/start-options.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { choosePattern, flowOf } from '../../src/planning/choose-pattern.ts';

const NOON = Date.UTC(2026, 5, 1, 12);
const HOUR = 3_600_000;
const read = (values: Record<string, string>) => readStartOptions(new Map(Object.entries(values)), NOON);

describe('options of a start', () => {
  test.each<[Record<string, string>, object]>([
    [{ budget: '$5' }, { budgetUsd: 5 }],
    [{ budget: '2.50' }, { budgetUsd: 2.5 }],
    [{ budget: '7usd' }, { budgetUsd: 7 }],
    [{ by: '2h' }, { withinMs: 2 * HOUR }],
    [{ by: '17:00' }, { withinMs: 5 * HOUR }],
    [{ by: '11:00' }, { withinMs: 23 * HOUR }],
    [{ by: '2026-06-01' }, { withinMs: 12 * HOUR - 1_000 }],
    [
      { quality: 'HIGH', urgency: 'urgent', risk: 'low' },
      { quality: 'high', timeline: 'urgent', risk: 'low' },
    ],
    [{ pattern: 'auto' }, { pattern: 'auto' }],
    [{}, {}],
  ])('%j', (values, options) => {
    expect(read(values)).toEqual({ ok: true, options: { ...noStartOptions, ...options } });
  });
  test.each([
    [{ budget: '0' }, 'budget:0 is no amount'],
    [{ budget: '-3' }, 'no amount'],
    [{ budget: 'lots' }, 'no amount'],
    [{ by: 'soon' }, 'by:soon is no time to come'],
    [{ by: '25:00' }, 'no time to come'],
    [{ by: '2026-05-31' }, 'no time to come'],
    [{ by: '2026-13-40' }, 'no time to come'],
    [{ quality: 'best' }, 'quality:best is none of standard, high, critical'],
    [{ pattern: 'swarm', risk: 'none' }, 'pattern:swarm is none of auto, one-agent'],
  ])('%j is answered with what to write', (values, words) => {
    const said = read(values);
    expect(said.ok ? '' : said.problem).toContain(words);
  });
});

test('what a channel says goes before the defaults', () => {
  const requests = requestDefaultsSchema.parse({
    defaults: { quality: 'high' },
    channels: { C1: { timeline: 'urgent' } },
  });
  expect(wantedWords(dimensionsOf(requests, 'C1'))).toEqual(['high quality', 'urgent']);
  expect(wantedWords(dimensionsOf(requests, 'C2'))).toEqual(['high quality']);
  expect(wantedWords(dimensionsOf(requestDefaultsSchema.parse({}), 'constructor'))).toEqual([]);
});

describe('the way of coordinating, without history', () => {
  const of = (request: string, more: object = {}) => choosePattern(request, dimensionsSchema.parse(more));
  const moderate =
    'Add a page that lists the orders of a customer with their states, and a filter by month above it';
  test.each<[string, object, string]>([
    ['Fix the typo on the start page', {}, 'one-agent'],
    [moderate, {}, 'sequence'],
    [`${moderate}. `.repeat(5), {}, 'delegation'],
    ['Fix it', { complexity: 'enterprise' }, 'delegation'],
    ['Find out why the export is slow', {}, 'mesh'],
    ['Do these:\n- the header\n- the footer', {}, 'parallel'],
    ['Fix the login', { timeline: 'urgent' }, 'parallel'],
    ['Fix the login', { timeline: 'urgent', quality: 'critical' }, 'feedback'],
    ['Fix the login', { quality: 'high', risk: 'low' }, 'feedback'],
    ['Fix the login', { quality: 'high' }, 'one-agent'],
  ])('%j %j: %s', (request, more, pattern) => {
    const chosen = of(request, more);
    expect(chosen.pattern).toBe(pattern);
    expect(chosen.reason).not.toBe('');
    expect(chosen.alternatives).toHaveLength(patternNames.length - 1);
    expect(chosen.alternatives.some((words) => words.startsWith(`${pattern}:`))).toBe(false);
  });
  test('whatever is asked, there is a choice', () => {
    fc.assert(fc.property(fc.string(), (request) => patternNames.includes(of(request).pattern)));
  });
  test.each(patternNames)('%s is a tree that may run, of roles that ship, and ends with a person', (name) => {
    const flow = flowOf(name);
    const interpreter = new Interpreter(patterns);
    for (const node of interpreter.walk(flow))
      expect(interpreter.find(node.kind)?.schema.safeParse(node).error).toBeUndefined();
    const roles = [...loadRoles([path.join(SHIPPED, 'agents')]).keys()];
    for (const { agent } of interpreter.agents(flow)) expect(roles).toContain(agent);
    expect([...interpreter.walk(flow)].at(-1)?.kind).toBe('approval');
  });
});
