import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Approval, policyDefaults } from '../../src/domain/approval.ts';
import { type CardThere, readReply, typedDecision } from '../../src/domain/typed-decision.ts';

const AT = 1_800_000_000;

function card(more: Partial<Approval> = {}, cardTs: string | null = `${AT}.000100`): CardThere {
  const approval: Approval = {
    id: 'apr_1',
    nonce: 'n',
    runId: 'r',
    key: 'k',
    team: 'T1',
    requester: 'UALICE',
    status: 'pending',
    subject: { title: 't', why: '', risk: '', payload: '', digest: 'd', excerpt: '', excerptCut: false },
    policy: policyDefaults,
    votes: [],
    breakGlass: null,
    requestedAt: AT * 1_000,
    expiresAt: AT * 1_000 + 9_000_000,
    decidedBy: null,
    decidedAt: null,
    comment: null,
    voidReason: null,
    executeBy: null,
    takenBy: null,
    takenAt: null,
    auditHash: null,
    ...more,
  };
  return { approval, cardTs };
}
const LATER = `${AT + 60}.000000`;
const kind = (text: string, cards: readonly CardThere[] = [card()], ts = LATER) =>
  typedDecision({ text, ts }, cards).kind;

describe('what a message says', () => {
  test.each(['APPROVE', 'approve', 'Approve', 'aPPROVE', '  approve ', '\napprove\n', 'REJECT', 'reject'])(
    '%j decides',
    (text) => {
      const verdict = text.trim().toLowerCase();
      expect(typedDecision({ text, ts: LATER }, [card()])).toMatchObject({ kind: 'decide', verdict });
    },
  );

  test.each([
    'approve?',
    'APPROVE!',
    'approve.',
    'approved',
    'rejected',
    'I approve',
    'yes, approve',
    'ok approve it',
    'please approve this',
    '> approve',
    '>approve',
    '"approve"',
    '“APPROVE”',
    '`APPROVE`',
    '*approve*',
    '_reject_',
    '~approve~',
    'Approve it please',
    'reject this, thanks',
    'approve…',
  ])('%j plainly tries: nothing is decided, and it is told', (text) => {
    expect(kind(text)).toBe('not_whole');
    expect(kind(text, []), 'where nothing waits it is talk').toBe('chatter');
  });

  test.each([
    '',
    'approval',
    'disapprove',
    'should we approve this one?',
    'Ben will approve when the tests pass',
    'I would reject it if it were mine',
    'approve reject',
    'approve and merge',
    'APPROVE\nbut only the first file',
    'approve-list',
    'unapprove',
    'app\u200brove',
    'а\u0440\u0440rove',
    '\u202eevorppa',
    'https://example.com/approve',
    '<@U2> APPROVE',
    `approve ${'x'.repeat(100)}`,
  ])('%j is talk', (text) => {
    expect(kind(text)).toBe('chatter');
  });
});

describe('where it is said', () => {
  const closed = (decidedAt: number) => card({ status: 'approved', decidedAt });
  test.each<[string, readonly CardThere[], string]>([
    ['nothing was ever asked', [], 'nothing_waits'],
    ['two wait', [card(), card({ id: 'apr_2' })], 'which'],
    ['one waits beside one that is closed', [closed(1), card({ id: 'apr_2' })], 'decide'],
    ['the card came after the word', [card({}, `${AT + 61}.000000`)], 'card_is_newer'],
    ['the card came in the same moment', [card({}, LATER)], 'card_is_newer'],
    ['the card does not stand there', [card({}, null)], 'card_is_newer'],
    ['the question has answers of its own', [withLabels()], 'has_own_answers'],
    ['it was decided before the word was written', [closed(AT * 1_000)], 'nothing_waits'],
    ['it was decided while the word was on its way', [closed((AT + 61) * 1_000)], 'decide'],
    ['it timed out before', [card({ status: 'expired', decidedAt: 1 })], 'nothing_waits'],
  ])('%s', (_name, cards, expected) => {
    expect(kind('APPROVE', cards)).toBe(expected);
  });

  function withLabels(): CardThere {
    const { approval, cardTs } = card();
    const labels = { approve: 'the first', reject: 'neither', request_changes: 'the second' };
    return { cardTs, approval: { ...approval, subject: { ...approval.subject, labels } } };
  }
});

test('whatever is written: only the bare word, with exactly one card above that waits, goes to the door', () => {
  const reached = { decided: 0, tried: 0, talk: 0, which: 0 };
  const bits = fc.constantFrom(
    'approve',
    'APPROVE',
    'Reject',
    ' ',
    '\n',
    '?',
    '>',
    '"',
    'not',
    'I',
    'd',
    '.',
    '\u200b',
    'the',
  );
  const cards = fc.array(
    fc.record({
      status: fc.constantFrom<Approval['status']>('pending', 'approved', 'rejected', 'expired', 'voided'),
      at: fc.integer({ min: -100, max: 100 }),
      there: fc.boolean(),
    }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(fc.array(bits, { minLength: 1, maxLength: 4 }), cards, (parts, there) => {
      const text = parts.join('');
      const all = there.map(({ status, at, there: here }, i) =>
        card(
          { id: `apr_${i}`, status, decidedAt: status === 'pending' ? null : (AT + 50) * 1_000 },
          here ? `${AT + 60 + at}.000000` : null,
        ),
      );
      const typed = typedDecision({ text, ts: LATER }, all);
      const bare = ['approve', 'reject'].includes(text.trim().toLowerCase());
      const pending = all.filter(({ approval }) => approval.status === 'pending');
      if (typed.kind === 'which') reached.which += 1;
      if (typed.kind === 'not_whole') reached.tried += 1;
      if (typed.kind === 'chatter') reached.talk += 1;
      if (bare !== (readReply(text)?.whole === true))
        throw new Error(`read wrongly: ${JSON.stringify(text)}`);
      if (typed.kind !== 'decide') return;
      reached.decided += 1;
      expect(bare).toBe(true);
      expect(pending).toHaveLength(1);
      expect(pending[0]?.approval).toBe(typed.approval);
      expect(Number(pending[0]?.cardTs)).toBeLessThan(Number(LATER));
      expect(typed.verdict).toBe(text.trim().toLowerCase());
    }),
    { numRuns: 20_000 },
  );
  expect(reached.decided).toBeGreaterThan(50);
  expect(reached.tried).toBeGreaterThan(50);
  expect(reached.which).toBeGreaterThan(20);
  expect(reached.talk).toBeGreaterThan(1_000);
});
