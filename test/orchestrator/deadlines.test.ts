import { expect, test } from 'vitest';
import { Deadlines } from '../../src/orchestrator/deadlines.ts';
import { approval, NOW, tempStore, yes } from '../db/support.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('what ran out and nobody waits for is closed by the clock, and nothing else', async () => {
  const t = tempStore();
  const clock = new VirtualClock(NOW);
  const closed: number[] = [];
  await t.store.approvals.open(approval());
  await t.store.approvals.open(approval({ id: 'apr_2', nonce: 'n2' }));
  await t.store.approvals.decide(yes);
  const deadlines = new Deadlines({
    approvals: t.store.approvals,
    clock,
    onClosed: () => closed.push(clock.now() - NOW),
    onTrouble: (error) => {
      throw error;
    },
  });
  const status = async (id: string) => (await t.store.approvals.byId(id))?.status;
  const [first, second] = [await t.store.approvals.byId('apr_1'), await t.store.approvals.byId('apr_2')];
  const ends = [first?.executeBy ?? 0, second?.expiresAt ?? 0].sort((a, b) => a - b);
  deadlines.start();
  await deadlines.stop();
  expect([await status('apr_1'), await status('apr_2'), closed]).toEqual(['approved', 'pending', []]);
  for (const end of ends) {
    clock.advance(end - clock.now());
    await deadlines.sweep();
  }
  expect([await status('apr_1'), await status('apr_2')]).toEqual(['lapsed', 'expired']);
  expect(closed.length).toBeGreaterThan(0);
  expect((await t.store.decisions.ofRun('run_1')).slice(-2).map(({ choice }) => choice)).toEqual([
    'timeout',
    'timeout',
  ]);
  t.close();
});
