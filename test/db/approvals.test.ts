import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyOf } from '../../src/domain/escalation.ts';
import { approval, begun, bob, NOW, type TempStore, tempStore, yes } from './support.ts';

let t: TempStore;
beforeEach(() => {
  t = tempStore();
});
afterEach(() => t.remove());

const types = () => t.events().map(({ type }) => type);

describe('approvals', () => {
  beforeEach(async () => {
    await begun(t);
    await t.store.approvals.open(approval());
  });

  test('opened again, by a step that crashed, is the one that was opened', async () => {
    const before = t.dump();
    const again = await t.store.approvals.open(approval({ nonce: 'another', requestedAt: NOW + 9 }));
    expect(again).toMatchObject({ nonce: 'nonce_1', requestedAt: NOW, status: 'pending' });
    expect(t.dump()).toBe(before);
    expect(await t.store.approvals.byNonce('another')).toBeNull();
    expect(await t.store.approvals.byNonce('nonce_1')).toEqual(again);
  });

  test('a decision: approval, record, signal to the run and events in one', async () => {
    const result = await t.store.approvals.decide({
      ...yes,
      verdict: 'request_changes',
      comment: 'rename it',
    });
    expect(result).toMatchObject({
      ok: true,
      approval: { status: 'changes_requested', decidedBy: 'U-bob', comment: 'rename it' },
    });
    expect(types().slice(-4)).toEqual([
      'approval.requested',
      'approval.closed',
      'decision.made',
      'signal.received',
    ]);
    expect(t.journal.signals('run_1')).toMatchObject([
      { name: 'approval:apr_1', payload: { verdict: 'request_changes', by: 'U-bob', comment: 'rename it' } },
    ]);
    expect((await t.store.decisions.ofRun('run_1')).at(-1)).toMatchObject({
      id: 'dec_apr_1',
      actor: 'U-bob',
      actorKind: 'person',
      choice: 'request_changes',
      reason: 'rename it',
    });
  });

  test.each([
    ['stranger', { by: { ...bob, isStranger: true } }],
    ['guest', { by: { ...bob, isGuest: true } }],
    ['not_a_person', { by: { ...bob, isBot: true } }],
    ['other_team', { by: { ...bob, team: 'T2' } }],
  ] as const)('refused as %s: nothing changes', async (refusal, more) => {
    const before = t.dump();
    expect(await t.store.approvals.decide({ ...yes, ...more })).toMatchObject({ ok: false, refusal });
    expect(t.dump()).toBe(before);
  });

  test('a click after the end records the timeout: a clock that is set back revives nothing', async () => {
    const late = await t.store.approvals.decide({ ...yes, now: NOW + 1_000 });
    expect(late).toMatchObject({ ok: false, refusal: 'expired' });
    expect(await t.store.approvals.byId('apr_1')).toMatchObject({ status: 'expired', decidedBy: null });
    expect((await t.store.decisions.ofRun('run_1')).at(-1)).toMatchObject({
      actorKind: 'clock',
      choice: 'timeout',
    });
    expect(await t.store.approvals.decide({ ...yes, now: NOW })).toMatchObject({
      ok: false,
      refusal: 'expired',
    });
    expect(await t.store.approvals.expire('apr_1', NOW + 1_000)).toBe(true);
    expect(t.journal.signals('run_1')).toEqual([]);
  });

  test('content that changed: withdrawn for good, and the run that waits is told to ask anew', async () => {
    const late = { ...yes, digest: 'd2', verdict: 'request_changes', comment: 'x' } as const;
    expect(await t.store.approvals.decide(late)).toMatchObject({ ok: false, refusal: 'content_changed' });
    expect(await t.store.approvals.byId('apr_1')).toMatchObject({ status: 'voided', decidedBy: null });
    expect(types().slice(-3)).toEqual(['approval.requested', 'approval.closed', 'signal.received']);
    expect(t.journal.signals('run_1')).toMatchObject([
      { name: 'approval:apr_1', payload: { verdict: 'content_changed', by: 'U-bob', comment: null } },
    ]);
    const after = t.dump();
    for (const digest of ['d1', 'd2'])
      expect(await t.store.approvals.decide({ ...yes, digest })).toMatchObject({
        ok: false,
        refusal: 'already_decided',
      });
    expect(await t.store.approvals.expire('apr_1', NOW + 9_000)).toBe(false);
    expect(t.dump()).toBe(after);
  });

  test('an unknown nonce is nothing', async () => {
    expect(await t.store.approvals.decide({ ...yes, nonce: 'guess' })).toBeNull();
  });

  test('fifty at once, with the clock among them: one decision, one signal, forty-nine told who was faster', async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        t.store.approvals.decide({
          ...yes,
          by: { ...bob, id: `U-${i}` },
          verdict: i % 2 === 0 ? 'approve' : 'reject',
        }),
      ),
    );
    expect(await t.store.approvals.expire('apr_1', NOW + 1_000)).toBe(false);
    const won = results.filter((result) => result?.ok);
    expect(won).toHaveLength(1);
    const by = won[0]?.approval.decidedBy;
    for (const result of results)
      if (result?.ok === false)
        expect(result).toMatchObject({ refusal: 'already_decided', approval: { decidedBy: by } });
    expect(t.rows('decisions').filter(({ kind }) => kind === 'approval')).toMatchObject([{ actor: by }]);
    expect(t.journal.signals('run_1')).toHaveLength(1);
    expect(types().filter((type) => type === 'approval.closed')).toHaveLength(1);
  });

  test('the clock: a timeout, recorded as such, without a signal; again it says the same and does nothing', async () => {
    expect(await t.store.approvals.expire('apr_1', NOW + 1_000)).toBe(true);
    expect((await t.store.decisions.ofRun('run_1')).at(-1)).toMatchObject({
      actorKind: 'clock',
      choice: 'timeout',
    });
    const before = t.dump();
    expect(await t.store.approvals.expire('apr_1', NOW + 2_000)).toBe(true);
    expect(await t.store.approvals.decide(yes)).toMatchObject({ ok: false, refusal: 'expired' });
    expect(await t.store.approvals.expire('apr_9', NOW)).toBe(false);
    expect(t.dump()).toBe(before);
    expect(t.journal.signals('run_1')).toEqual([]);
  });

  test('asked again: each once, however often the step comes, and never after the end', async () => {
    await t.store.approvals.open(approval({ id: 'apr_2', nonce: 'n2' }));
    const nudge = (id: string, to: string | null) =>
      t.store.approvals.nudged(
        id,
        to === null ? { kind: 'remind' } : { kind: 'direct', to, as: 'deputy', inPlaceOf: null },
        NOW + 10,
      );
    for (const to of [null, null, 'U-carol', 'U-carol', 'U-dave']) await nudge('apr_1', to);
    await nudge('apr_2', null);
    const told = t.events().slice(4);
    expect(told).toEqual([
      { type: 'approval.reminded', approvalId: 'apr_1' },
      { type: 'approval.escalated', approvalId: 'apr_1', to: 'U-carol', as: 'deputy' },
      { type: 'approval.escalated', approvalId: 'apr_1', to: 'U-dave', as: 'deputy' },
      { type: 'approval.reminded', approvalId: 'apr_2' },
    ]);
    expect(
      (await t.store.approvals.deedsOf('apr_1')).map(({ deed, at }) => `${keyOf(deed)} ${at - NOW}`),
    ).toEqual(['remind 10', 'direct:U-carol 10', 'direct:U-dave 10']);
    await t.store.approvals.decide(yes);
    const before = t.dump();
    await nudge('apr_1', 'U-erin');
    expect(t.dump()).toBe(before);
  });

  test('a run that ended withdraws what it still asked, and only that', async () => {
    await t.store.approvals.open(approval({ id: 'apr_2', nonce: 'n2' }));
    await t.store.approvals.open(approval({ id: 'apr_3', nonce: 'n3', runId: 'run_2' }));
    await t.store.approvals.decide(yes);
    await t.store.approvals.voidAll('run_1', NOW + 5);
    await t.store.approvals.voidAll('run_1', NOW + 6);
    const status = async (id: string) => (await t.store.approvals.byId(id))?.status;
    expect([await status('apr_1'), await status('apr_2'), await status('apr_3')]).toEqual([
      'voided',
      'voided',
      'pending',
    ]);
    // Who had said yes stays on record; what was not used is void like what was not answered.
    expect(await t.store.approvals.byId('apr_1')).toMatchObject({
      decidedBy: 'U-bob',
      voidReason: 'withdrawn',
    });
    expect(await t.store.approvals.decide({ ...yes, nonce: 'n2' })).toMatchObject({
      ok: false,
      refusal: 'already_decided',
    });
    expect((await t.store.approvals.ofRun('run_1')).map(({ id }) => id)).toEqual(['apr_1', 'apr_2']);
  });
});
