import { expect, test } from 'vitest';
import { rollbackWorld } from './world.ts';

test('what was sent to a run before the moment it goes back to, and not taken, waits for the one that goes on', async () => {
  const w = await rollbackWorld();
  try {
    const target = await w.current();
    await w.life.engine.signal(target, 'wait:early', 'sent in time', 'early');
    await w.worked();
    w.clock.advance(60_000);
    await w.life.engine.signal(target, 'wait:late', 'sent since', 'late');
    await w.life.engine.signal(target, 'event:work/later', { event: 'deployed' }, 'heard');
    expect(await w.ask('state', 2)).toMatchObject({ done: 'asked' });
    const card = await w.card();
    expect(card.subject.excerpt).toContain('Events that count for nothing any more: 1');
    expect(card.subject.excerpt).toContain('event:work/later');
    await w.say(card);
    await w.over(card);
    await w.until(async () => (await w.status(await w.current())) === 'waiting', 'the work');
    const next = await w.current();
    expect(next).not.toBe(target);
    expect(w.life.journal.signals(next).map(({ name, payload }) => ({ name, payload }))).toEqual([
      { name: 'wait:early', payload: 'sent in time' },
    ]);
  } finally {
    await w.close();
  }
});
