import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planSchema } from '../../src/domain/events.ts';
import { asJson } from '../../src/domain/json.ts';
import { planningActivities } from '../../src/orchestrator/activities/planning.ts';
import { patterns } from '../../src/patterns/all.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { agentEstimate } from '../../src/planning/agent-estimate.ts';
import { filesLikely } from '../../src/planning/files-likely.ts';
import type { RepositoryReport } from '../../src/ports/workspace.ts';
import { loadWorkflow } from '../../src/workflows/load.ts';
import { role } from '../patterns/driver.ts';
import { rules } from '../workflows/support.ts';

describe('files a request likely touches', () => {
  const files = [
    'src/reports.js',
    'src/page.js',
    'src/export/csv.js',
    'test/reports.test.js',
    'README.md',
    'src/exportAll.ts',
  ];
  const many = [...files, ...Array.from({ length: 9 }, (_, i) => `lib/part${i}x.py`)];
  test.each([
    [
      'Add CSV export to the reports page',
      ['src/export/csv.js', 'src/reports.js', 'src/exportAll.ts', 'test/reports.test.js'],
    ],
    ['fix the report', ['src/reports.js', 'test/reports.test.js']],
    ['the and for with', []],
    ['', []],
    ['Ünïcödé 日本', []],
  ])('%j', (request, expected) => expect(filesLikely(request, many)).toEqual(expected));

  test('in a small repository where no path says it, its sources and not its tests', () => {
    expect(filesLikely('Make it faster', files)).toEqual([
      'src/reports.js',
      'src/page.js',
      'src/export/csv.js',
      'src/exportAll.ts',
    ]);
  });

  test('at most as many as wanted, only files there are, whatever is asked', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), fc.nat(8), (request, given, most) => {
        const found = filesLikely(request, given, most);
        expect(found.length).toBeLessThanOrEqual(most);
        expect(found.every((file) => given.includes(file))).toBe(true);
      }),
    );
  });
});

describe('what one task of an agent may take', () => {
  const prices = { 'gpt-x': { input: 1, output: 10 } };
  test('with a price, without one, and in a rehearsal', () => {
    expect(agentEstimate({ rehearsal: false, model: 'gpt-x', prices }).usd?.mid).toBeCloseTo(0.06 + 0.05);
    expect(agentEstimate({ rehearsal: false, model: 'other', prices }).usd).toBeNull();
    expect(agentEstimate({ rehearsal: false, model: 'toString', prices }).usd).toBeNull();
    expect(agentEstimate({ rehearsal: true, model: 'other', prices }).usd).toEqual({
      low: 0,
      mid: 0,
      high: 0,
    });
  });
});

describe('the plan people see', () => {
  const text = readFileSync(new URL('../../catalog/workflows/feature.yaml', import.meta.url), 'utf8');
  const report: RepositoryReport = {
    location: '/r',
    name: 'acme/web',
    usable: true,
    warnings: ['dirty'],
    head: 'abc',
    branch: 'main',
    fileCount: 2,
    files: ['src/reports.js', 'README.md'],
    testCommand: null,
    sample: false,
  };

  async function planOf(
    request: string,
    more: Partial<RepositoryReport> = {},
    usd: { low: number; mid: number; high: number } | null = { low: 1, mid: 2, high: 3 },
  ) {
    const loaded = loadWorkflow(text, rules);
    if (!loaded.ok) throw new Error('the shipped workflow is broken');
    const definition = {
      workflow: loaded.workflow,
      roles: ['architect', 'backend', 'qa', 'reviewer'].map((name) => role(name)),
    };
    const [make] = planningActivities({
      workflows: () => [],
      interpreter: new Interpreter(patterns),
      agentTask: () => ({ ms: { low: 1, mid: 2, high: 3 }, usd, asks: 0 }),
    });
    const context = {
      runId: 'r',
      key: 'k',
      attempt: 1,
      idempotencyKey: 'r/k',
      signal: new AbortController().signal,
      emit: () => undefined,
      use: () => undefined,
    };
    return planSchema.parse(
      await make?.perform(asJson({ definition, request, report: { ...report, ...more } }), context),
    );
  }

  test('agents with all their tasks, the files, the warnings, the questions, money and time in order', async () => {
    const plan = await planOf('Add CSV export to reports\nwith a button');
    expect(plan).toMatchObject({
      title: 'Add CSV export to reports',
      workflow: 'feature',
      repository: 'acme/web',
      agents: [
        { agent: 'architect', tasks: ['design'] },
        { agent: 'backend', tasks: ['implement', 'repair', 'rework'] },
        { agent: 'qa', tasks: ['tests'] },
        { agent: 'reviewer', tasks: ['judge'] },
      ],
      filesLikely: ['src/reports.js'],
      asks: 3,
      warnings: ['dirty', expect.stringContaining('nothing will be tested')],
    });
    // Design, code and tests, one review at least; at most three reviews, two repairs and two reworks.
    expect(plan.costUsd).toEqual({ low: 4, mid: 12, high: 30 });
    expect(plan.durationMs.low).toBeLessThan(plan.durationMs.mid);
    expect(plan.durationMs.mid).toBeLessThan(plan.durationMs.high);
  });

  test('no price: cost unknown; a test command: no warning; a long title is cut', async () => {
    const plan = await planOf('x'.repeat(500), { testCommand: ['npm', 'test'] }, null);
    expect(plan.costUsd).toBeNull();
    expect(plan.warnings).toEqual(['dirty']);
    expect(plan.title).toHaveLength(140);
  });
});
