import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actionIds } from '../../src/slack/actions.ts';
import { approvalCard, approvalClosed, approvalReminder } from '../../src/slack/builders/approval.ts';
import { approvalDm } from '../../src/slack/builders/chasing.ts';
import { endBlocks } from '../../src/slack/builders/ending.ts';
import { epicBlocks } from '../../src/slack/builders/epic.ts';
import { noticeBlocks } from '../../src/slack/builders/notices.ts';
import { planBlocks } from '../../src/slack/builders/plan.ts';
import { validateMessage, validateView } from '../../src/slack/validate.ts';
import { refusalWords } from '../../src/slack/words.ts';
import type { Foreign } from './foreign.ts';
import {
  agentsOf,
  allMessages,
  allViews,
  approvalOf,
  approvalViewOf,
  endOf,
  epicOf,
  planOf,
} from './samples.ts';

const ordinary: Foreign = { text: 'Add CSV export', n: 3, alice: 'U0ALICE', bob: 'U0BOB' };
const nobody: readonly string[] = [];

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '',
    ' ',
    '<!channel>',
    '<@U0EVE> & <https://evil.example|click>',
    '*bold* `code` ```',
    '\u202eevil',
    '&'.repeat(4_000),
  ),
  fc.nat({ max: 20_000 }).map((n) => '<&>é👍\n'.repeat(n).slice(0, n)),
);

describe('every builder', () => {
  test.each([0, 1, 3, 60])('is valid with ordinary text and %d of everything', (n) => {
    for (const [name, message] of Object.entries(allMessages({ ...ordinary, n }))) {
      expect({ name, problems: validateMessage(message) }).toEqual({ name, problems: [] });
    }
    if (n === 0) return;
    for (const [name, view] of Object.entries(allViews({ ...ordinary, n }))) {
      expect({ name, problems: validateView(view) }).toEqual({ name, problems: [] });
    }
  });

  test('is valid and inert whatever the text, and however much of it', () => {
    let long = 0;
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 70 }), (text, n) => {
        if (text.length * n > 5_000) long += 1;
        for (const [name, message] of Object.entries(allMessages({ ...ordinary, text, n }))) {
          expect({ name, problems: validateMessage(message) }).toEqual({ name, problems: [] });
          const alive =
            message.text
              .match(/<[^>]*>/g)
              ?.filter((each) => !/^<(@U0ALICE|@U0BOB|!date\^\d+\^[^|]+\|[^|]+)>$/.test(each)) ?? nobody;
          expect({ name, alive }).toEqual({ name, alive: [] });
        }
        for (const [name, view] of Object.entries(allViews({ ...ordinary, text, n }))) {
          expect({ name, problems: validateView(view) }).toEqual({ name, problems: [] });
        }
      }),
      // Long ones are among them whatever chance brings.
      {
        numRuns: 36,
        examples: [1, 2, 5, 20, 60, 70].map((n): [string, number] => ['<&>é👍\n'.repeat(1_000), n]),
      },
    );
    expect(long).toBeGreaterThan(5);
  });

  test('says that it is a rehearsal when it is, before its buttons', () => {
    for (const [name, { text }] of Object.entries(allMessages(ordinary))) {
      if (/^(refusal|help|on it|forwarded|plan without)/.test(name)) continue;
      expect({ name, said: text.includes('Rehearsal') }).toEqual({ name, said: true });
    }
  });

  test('puts nothing but opaque ids into buttons', () => {
    const values = Object.values(allMessages(ordinary)).flatMap(({ blocks }) =>
      [...JSON.stringify(blocks).matchAll(/"value":"([^"]*)"/g)].map(([, value]) => value),
    );
    // A choice among plans carries the workflow's name beside the run's id.
    const ids = values.map((value) => value?.replace(/^(run_1)\/w\d+$/, '$1'));
    expect(new Set(ids)).toEqual(new Set(['run_1', 'nonce-1']));
  });
});

const known = new Set<string>(Object.values(actionIds));
const buttonsOf = (blocks: unknown): string[] =>
  [...JSON.stringify(blocks).matchAll(/"action_id":"([^"]*)"/g)].map(([, id]) => id ?? '');

describe('what people read', () => {
  test('a plan', () => {
    const { text, blocks } = planBlocks({
      runId: 'r',
      requester: 'U0ALICE',
      plan: {
        ...planOf(ordinary),
        title: 'Add CSV export',
        repository: 'acme/web',
        filesLikely: ['src/a.ts'],
      },
      rehearsal: false,
      open: true,
    });
    expect(text).toContain('Add CSV export · acme/web · asked by <@U0ALICE>');
    expect(text).toContain('about 12 min (8-20), $1.10 ($0.70-2.00), asks twice');
    expect(text).toContain('Likely to touch src/a.ts');
    expect(buttonsOf(blocks)).toEqual([
      actionIds.planStart,
      actionIds.planEdit,
      actionIds.planSendBack,
      actionIds.planOther,
      actionIds.planSave,
      actionIds.planCancel,
    ]);
  });

  test('an epic under way', () => {
    const agents = [
      {
        agent: 'architect',
        sign: 'done',
        doing: 'spec in 6 points',
        needs: [],
        elapsedMs: 72_000,
        costUsd: 0.08,
      },
      {
        agent: 'backend',
        sign: 'in_progress',
        doing: 'writing src/export/csv.ts',
        needs: [],
        elapsedMs: 160_000,
        costUsd: 0.21,
      },
      {
        agent: 'qa',
        sign: 'needs_person',
        doing: 'a new dependency',
        needs: ['U0BOB'],
        elapsedMs: null,
        costUsd: undefined,
      },
      { agent: 'writer', sign: 'waiting', doing: null, needs: [], elapsedMs: null, costUsd: undefined },
    ] as const;
    const { text, blocks } = epicBlocks({ ...epicOf(ordinary, { status: 'running' }), agents });
    expect(text).toContain('Add CSV export · 41% · 5 min in, about 7 min left · $0.46 of $5.00');
    expect(text).toContain('✅ architect · spec in 6 points · 1m 12s · $0.08');
    expect(text).toContain('⏳ backend · writing src/export/csv.ts · 2m 40s · $0.21');
    expect(text).toContain('🚨 qa · needs <@U0BOB> · a new dependency');
    expect(text).toContain('▫️ writer');
    expect(text).toContain('Unsandboxed');
    expect(JSON.stringify(blocks)).toContain(
      '{"type":"text","text":"src/export/csv.ts","style":{"code":true}}',
    );
    expect(buttonsOf(blocks)).toEqual([
      actionIds.runPause,
      actionIds.runDetails,
      actionIds.runSteer,
      actionIds.runStop,
    ]);
  });

  test('an epic that is paused offers to try again, when that makes sense', () => {
    const paused = {
      status: 'paused',
      reason: 'The model does not answer.',
      hint: 'Check OPENAI_BASE_URL.',
      canRetry: true,
      byPerson: false,
    } as const;
    const { text, blocks } = epicBlocks(epicOf(ordinary, paused));
    expect(text).toContain('⏸ Paused: The model does not answer. Check OPENAI_BASE_URL.');
    expect(buttonsOf(blocks)).toEqual([
      actionIds.runRetry,
      actionIds.runDetails,
      actionIds.runRollback,
      actionIds.runSteer,
      actionIds.runStop,
    ]);
    const held = epicBlocks(epicOf(ordinary, { ...paused, byPerson: true }));
    expect(buttonsOf(held.blocks)[0]).toBe(actionIds.runResume);
    expect(
      buttonsOf(epicBlocks(epicOf(ordinary, { ...paused, canRetry: false, byPerson: false })).blocks),
    ).not.toContain(actionIds.runRetry);
  });

  test('of many agents those that tell most are kept', () => {
    const f = { ...ordinary, n: 60 };
    const agents = agentsOf(f).map((line, i) => ({ ...line, agent: `agent${i}` }));
    const { text } = epicBlocks({ ...epicOf(f, { status: 'running' }), agents });
    expect(text).toContain('and 40 more agents');
    expect(text.match(/🚨/g)?.length).toBe(agents.filter(({ sign }) => sign === 'needs_person').length);
  });

  test('a good end', () => {
    const { text, blocks } = endBlocks({
      ...endOf(ordinary, { status: 'completed' }),
      branch: 'baton/add-csv-export-7f3',
    });
    expect(text).toContain('✅ Add CSV export · done in 5 min');
    expect(text).toContain(
      'Branch baton/add-csv-export-7f3 · 9 files, +312 −14 · 27 tests pass · 2 approvals (<@U0BOB> and <@U0ALICE>) · 1 review round',
    );
    expect(text).toContain('Cost $0.46, time 5 min · estimated $1.10 ($0.70-2.00) and about 12 min (8-20)');
    expect(buttonsOf(blocks)).toEqual([
      actionIds.runHandOver,
      actionIds.runDetails,
      actionIds.runAgain,
      actionIds.runRollback,
      actionIds.planSave,
    ]);
  });

  test('once handed over, the end leads to its pull request', () => {
    const end = {
      ...endOf(ordinary, { status: 'completed' }),
      pullRequest: { number: 482, url: 'https://github.com/acme/web/pull/482' },
    };
    const { blocks } = endBlocks(end);
    expect(JSON.stringify(blocks)).toContain(
      '{"type":"link","url":"https://github.com/acme/web/pull/482","text":"Pull request #482"}',
    );
    expect(
      JSON.stringify(endBlocks({ ...end, pullRequest: { number: 1, url: 'javascript:x' } }).blocks),
    ).not.toContain('javascript');
  });

  test('a bad end says what failed, what was tried, what is kept, and two ways on', () => {
    const end = {
      status: 'failed',
      what: 'The tests still fail.',
      tried: ['three rounds of repair'],
      kept: ['the branch', 'a snapshot'],
      hint: null,
    } as const;
    const { text, blocks } = endBlocks(endOf(ordinary, end));
    expect(text).toContain('❌ Add CSV export · failed after 5 min');
    expect(text).toContain(
      'What failed: The tests still fail.\nTried: three rounds of repair\nKept: the branch and a snapshot',
    );
    expect(buttonsOf(blocks)).toEqual([
      actionIds.runRetry,
      actionIds.runAgain,
      actionIds.runHandOver,
      actionIds.runRollback,
      actionIds.runDetails,
    ]);
  });

  test('an approval: what, who, until when, and what if nobody', () => {
    const { text, blocks } = approvalCard(approvalViewOf(ordinary));
    expect(text).toContain('🚨 Add CSV export');
    expect(text).toContain('sha256 4f1c…9a covers what is shown here');
    expect(text).toMatch(/Who: <@U0BOB>, not <@U0ALICE>, then by DM · until <!date\^/);
    expect(text).toContain('If nobody decides by then, it is not done and the run waits, paused.');
    expect(JSON.stringify(blocks)).toContain('rich_text_preformatted');
    expect(buttonsOf(blocks)).toEqual([
      actionIds.approvalApprove,
      actionIds.approvalReject,
      actionIds.approvalChanges,
      actionIds.approvalAsk,
    ]);
  });

  test('an approval shown in part says so and offers the rest', () => {
    const view = approvalViewOf({ ...ordinary, n: 400 });
    const { text, blocks } = approvalCard(view);
    expect(text).toContain('covers all of it; only part is shown here');
    expect(text).toMatch(/… \d+ more lines/);
    expect(buttonsOf(blocks)).toContain(actionIds.runDetails);
  });

  test('a DM begins with why it came, a reminder names who is asked', () => {
    expect(approvalDm(approvalViewOf(ordinary), 1_200_000, { to: 'UBOB' }).text).toMatch(
      /^Nobody has answered for 20 min; you're the next in line\. If nobody decides by <!date/,
    );
    expect(approvalReminder(approvalViewOf(ordinary)).text).toMatch(
      /^🚨 <@U0BOB>: still waiting for a decision/,
    );
  });

  test.each([
    ['approved', '✅ <@U0BOB> approved this at <!date'],
    ['rejected', '❌ <@U0BOB> rejected this at <!date'],
    ['changes_requested', '⏳ <@U0BOB> asked for changes at <!date'],
    ['expired', '⏸ Nobody decided by <!date'],
    ['lapsed', '⏸ <@U0BOB> approved this at <!date'],
    ['taken', '✅ <@U0BOB> approved this at <!date'],
    ['voided', '⏭ Withdrawn at <!date'],
  ] as const)('once %s, the card says so and has no buttons', (status, words) => {
    const { text, blocks } = approvalClosed(approvalViewOf(ordinary, status));
    expect(text.startsWith(words)).toBe(true);
    expect(buttonsOf(blocks)).toEqual([]);
  });

  test('a failing test shows the end of its output, a passing one does not', () => {
    const tests = {
      kind: 'tests',
      command: 'npm test',
      passed: 11,
      failed: 3,
      tail: `${'x\n'.repeat(2_000)}the reason`,
    } as const;
    const failing = noticeBlocks({ ...tests, exitCode: 1 }, false);
    expect(failing.text).toContain('❌ npm test fails (exit 1) · 3 of 14 tests fail');
    expect(failing.text).toContain('the reason');
    expect(noticeBlocks({ ...tests, exitCode: 0, failed: 0 }, false).text).toBe(
      '✅ npm test passes · 11 tests pass',
    );
  });

  test('refusals say why and what to do', () => {
    expect(refusalWords('already_decided', approvalOf(ordinary, 'approved'))).toMatch(
      /^Already approved by <@U0BOB> at <!date.*Your click changed nothing\.$/,
    );
    expect(refusalWords('not_eligible', approvalOf(ordinary))).toContain('Only <@U0BOB> can decide this.');
    expect(refusalWords('requester', approvalOf(ordinary))).toContain('You can ask <@U0BOB>.');
  });

  test('every action_id that is written is one of the table', () => {
    const ids = [...Object.values(allMessages(ordinary)), ...Object.values(allViews(ordinary))].flatMap(
      buttonsOf,
    );
    expect(ids.filter((id) => !known.has(id))).toEqual([]);
    expect(new Set(ids)).toEqual(known);
  });
});
