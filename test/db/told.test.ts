import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closedMessages } from '../../src/slack/approval-messages.ts';
import { SlackProjector } from '../../src/slack/projector.ts';
import { approval, begun, bob, NOW, type Table, type TempStore, tempStore, yes } from './support.ts';

/** A1: the decision, its row in the audit and what people are told of it are one transaction. */
let t: TempStore;
beforeEach(async () => {
  t = tempStore(closedMessages(false));
  await begun(t);
  await t.store.approvals.open(approval());
});
afterEach(() => t.remove());

const cards = () => t.rows('outbox').filter(({ key, kind }) => key === 'approval:apr_1' && kind === 'update');

const WAYS: readonly (readonly [name: string, close: () => Promise<unknown>, words: string])[] = [
  ['approved', () => t.store.approvals.decide(yes), 'approved this'],
  ['rejected', () => t.store.approvals.decide({ ...yes, verdict: 'reject' }), 'rejected this'],
  ['sent back', () => t.store.approvals.decide({ ...yes, verdict: 'request_changes' }), 'asked for changes'],
  [
    'allowed by breaking the glass',
    () => t.store.approvals.breakGlass({ ...yes, by: { ...bob, isAdmin: true }, reason: 'fire' }),
    'broke the glass',
  ],
  ['expired', () => t.store.approvals.expire('apr_1', NOW + 1_000), 'Nobody decided by'],
  ['swept up', () => t.store.approvals.expireDue(NOW + 1_000), 'Nobody decided by'],
  ['withdrawn with its run', () => t.store.approvals.voidAll('run_1', NOW), 'it no longer applies'],
  [
    'void, because it changed',
    () => t.store.approvals.decide({ ...yes, digest: 'other' }),
    'what was shown has changed since',
  ],
  ['too late', () => t.store.approvals.decide({ ...yes, now: NOW + 5_000 }), 'Nobody decided by'],
];

describe.each(WAYS)('%s', (_name, close, words) => {
  test('the card is closed in the outbox as soon as the decision stands, and not once more by the projector', async () => {
    await close();
    expect(cards()).toMatchObject([{ text: expect.stringContaining(words), status: 'pending' }]);
    expect(JSON.stringify(cards())).not.toContain('approval_approve');
    const before = cards().map(({ text, blocks }) => [text, blocks]);
    const projector = new SlackProjector({
      store: t.store,
      rehearsal: false,
      now: () => NOW,
      queued: () => undefined,
    });
    await projector.catchUp();
    expect(cards().map(({ text, blocks }) => [text, blocks])).toEqual(before);
    expect(t.rows('outbox').filter(({ key }) => key === 'approval:apr_1')).toHaveLength(2);
  });
});

const WRITTEN: readonly (readonly [Table, 'insert' | 'update'])[] = [
  ['outbox', 'insert'],
  ['audit', 'insert'],
  ['approvals', 'update'],
  ['events', 'insert'],
  ['decisions', 'insert'],
  ['signals', 'insert'],
];

test.each(WRITTEN)(
  'when %s cannot take its %s, nothing of the decision was written, and it can be made again',
  async (table, on) => {
    const before = [t.dump(), t.rows('audit').length];
    const mend = t.plant(table, on);
    await expect(t.store.approvals.decide(yes)).rejects.toThrow('planted');
    expect([t.dump(), t.rows('audit').length]).toEqual(before);
    expect((await t.store.approvals.byId('apr_1'))?.status).toBe('pending');
    mend();
    expect(await t.store.approvals.decide(yes)).toMatchObject({ ok: true });
    expect(cards()).toHaveLength(1);
  },
);

test('those who were asked by DM see it closed by the same transaction', async () => {
  await t.store.approvals.nudged(
    'apr_1',
    { kind: 'direct', to: 'U0CAROL', as: 'deputy', inPlaceOf: null },
    NOW,
  );
  await t.store.approvals.decide(yes);
  expect(t.rows('outbox').map(({ key }) => key)).toContain('approval:apr_1:dm:U0CAROL');
});
