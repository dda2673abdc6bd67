import { describe, expect, test } from 'vitest';
import { emptyRunView } from '../../src/domain/run-view.ts';
import { pullRequestText, type Told } from '../../src/orchestrator/hand-over/body.ts';

const AT = Date.UTC(2026, 1, 3, 10, 4, 59);
const MIN = 60_000;

type Asked = Told['approvals'][number];
const asked = (more: Partial<Asked>): Asked => ({
  status: 'taken',
  subject: { title: 'Keep these changes on the branch?' },
  votes: [],
  breakGlass: null,
  voidReason: null,
  expiresAt: AT,
  decidedAt: null,
  ...more,
});

function told(more: Partial<Told> = {}): Told {
  return {
    session: { request: 'Add CSV export\nfor @everybody, see #12', requester: 'UALICE' },
    view: {
      ...emptyRunView('run_1'),
      status: 'completed',
      costUsd: 0.456,
      result: { ...result, summary: 'Two files, <b>tested</b>.' },
    },
    approvals: [],
    decisions: [],
    ...more,
  };
}
const result = { status: 'completed', summary: '', commit: null, diff: null, by: null } as const;
const bodyOf = (given: Told) => pullRequestText(given, (text) => text).body;
/** The lines under Decisions. */
const decided = (given: Told) =>
  bodyOf(given)
    .split('\n')
    .filter((line) => line.startsWith('- '));

describe('a pull request’s words', () => {
  test('summary, decisions and cost, and nothing in them calls anybody or is markup', () => {
    expect(pullRequestText(told(), (text) => text.replaceAll('CSV', '…'))).toEqual({
      title: 'Add … export',
      body: [
        'Done. Asked for by UALICE:',
        '> Add … export\n> for @\u200beverybody, see #\u200b12',
        '**Summary**\nTwo files, &#60;b&#62;tested&#60;/b&#62;.',
        '**Decisions**\nNone was asked for.',
        '**Cost** $0.46. Run `run_1`.',
      ].join('\n\n'),
    });
  });

  test('who approved what and when, beside what was decided, in the order of time', () => {
    const approve = { at: AT, by: 'UBOB', verdict: 'approve', comment: 'good\nwork' } as const;
    const lines = decided(
      told({
        approvals: [
          asked({
            status: 'taken',
            votes: [approve, { ...approve, by: 'UDAVE', inPlaceOf: 'UCAROL', comment: null }],
          }),
          asked({
            status: 'rejected',
            votes: [{ by: 'UBOB', verdict: 'reject', at: AT + 2 * MIN, comment: null }],
          }),
          asked({ status: 'taken', breakGlass: { by: 'UADMIN', reason: 'it burns', at: AT + 3 * MIN } }),
          asked({ status: 'expired', decidedAt: AT + 4 * MIN }),
          asked({ status: 'voided', voidReason: 'content_changed', decidedAt: AT + 5 * MIN }),
        ],
        decisions: [
          { at: AT - MIN, kind: 'plan', actor: 'UALICE', choice: 'start', reason: '' },
          {
            at: AT + MIN,
            kind: 'failover',
            actor: 'baton',
            choice: 'the other model',
            reason: 'it did not answer',
          },
        ],
      }),
    );
    const what = '“Keep these changes on the branch?”';
    expect(lines).toEqual([
      '- 2026-02-03 10:03 UTC: UALICE decided, plan: start',
      `- 2026-02-03 10:04 UTC: UBOB approved ${what} (good work)`,
      `- 2026-02-03 10:04 UTC: UDAVE, in place of UCAROL, approved ${what}`,
      '- 2026-02-03 10:05 UTC: Baton decided, failover: the other model (it did not answer)',
      `- 2026-02-03 10:06 UTC: UBOB rejected ${what}`,
      `- 2026-02-03 10:07 UTC: UADMIN allowed ${what} alone, past who may and how many (it burns)`,
      `- 2026-02-03 10:08 UTC: nobody answered ${what} in time`,
      `- 2026-02-03 10:09 UTC: ${what} was withdrawn: what was shown had changed`,
    ]);
  });

  test('what is not known of the cost is said, and what a run came to that did not complete', () => {
    const usage = new Map([
      ['coder', { costUsd: 1.5, tokens: 1 }],
      ['tester', { costUsd: null, tokens: 1 }],
    ]);
    const { view } = told();
    expect(bodyOf(told({ view: { ...view, costUsd: null, usage } }))).toContain(
      '**Cost** at least $1.50: not all of it has a known price.',
    );
    expect(bodyOf(told({ view: { ...view, costUsd: null, usage: new Map() } }))).toContain(
      '**Cost** not known:',
    );
    expect(bodyOf(told({ view: { ...view, status: 'cancelled', result: null } }))).toMatch(
      /^Unfinished: the run was stopped/,
    );
    expect(bodyOf(told({ view: { ...view, status: 'failed', result: null } }))).toMatch(
      /^Unfinished: the run failed/,
    );
  });

  test('of very many decisions the first are told, and how many more there are', () => {
    const decisions = Array.from({ length: 45 }, (_, at) => ({
      at,
      kind: 'k',
      actor: 'U',
      choice: `${at}`,
      reason: '',
    }));
    const lines = decided(told({ decisions }));
    expect(lines).toHaveLength(41);
    expect(lines.at(-1)).toBe('- and 5 more');
  });
});
