import { expect, test } from 'vitest';
import { isRollbackRun } from '../../src/domain/rollback.ts';
import { git } from '../workspace/support.ts';
import { rollbackWorld, TARGET } from './world.ts';

test('killed before and after each of its calls, a rollback happens once and as a whole', async () => {
  let kills = 0;
  for (let calls = 0; ; calls += 1) {
    const w = await rollbackWorld();
    await w.worked();
    await w.ask('state', 2);
    const card = await w.card();
    const died = w.dieAfter(calls);
    void w.say(card).catch(() => undefined);
    const dead = await died;
    if (dead) {
      kills += 1;
      w.crash();
    }
    expect(await w.over(card)).toContain('Rolled back to after one');
    const next = await w.current();
    await w.until(async () => (await w.status(next)) === 'waiting', 'the work');
    expect([await w.status(TARGET), await w.status(next)]).toEqual(['cancelled', 'waiting']);
    expect(await w.file(next, 'two.txt')).toBe(`by ${next}\n`);
    expect(git(w.repository, 'show', `${w.lost()[0]}:two.txt`)).toBe(`by ${TARGET}`);
    const audit = await w.life.store.audit.ofRun(card.runId);
    expect(audit.filter(({ kind }) => kind === 'approval.taken')).toHaveLength(1);
    const rows = w.life.opened.raw.prepare('select id from runs').pluck().all().map(String);
    expect(rows.filter((id) => !isRollbackRun(id)).toSorted()).toEqual([TARGET, next].toSorted());
    await w.close();
    if (!dead) break;
  }
  // Two for each call that changes something: the yes, the two decisions, the cancel, closing, opening, the fork.
  expect(kills).toBeGreaterThanOrEqual(14);
});
