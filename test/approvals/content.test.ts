import { expect, test } from 'vitest';
import { newApproval, openWorld, personOf } from './world.ts';

test('ten thousand changes of content between the showing and the doing, one byte included: none is done', async () => {
  const w = openWorld();
  const by = personOf('UBOB', 'T1', w.outside);
  const base = 'const answer = 42;\n'.repeat(20);
  let done = 0;
  let byOne = 0;
  try {
    for (let i = 0; i < 10_000; i += 1) {
      const wanted = newApproval(i, base, w.clock.now(), {});
      await w.approvals.open(wanted);
      const at = (i * 7) % base.length;
      const kinds = [
        base.slice(0, at) + String.fromCharCode(base.charCodeAt(at) ^ 1 || 33) + base.slice(at + 1),
        base.slice(0, at) + base.slice(at + 1),
        `${base.slice(0, at)}\u200b${base.slice(at)}`,
        `${base} `,
        '',
      ];
      const altered = kinds[i % kinds.length] ?? '';
      if (Math.abs(altered.length - base.length) <= 1) byOne += 1;
      const early = i % 2 === 0;
      w.outside.content.set(wanted.id, early ? altered : base);
      const said = await w.service.decide({ nonce: wanted.nonce, by, place: 'C1' }, 'approve', null);
      w.outside.content.set(wanted.id, altered);
      if (said?.ok === true) expect(early).toBe(false);
      const taken = await w.service.take(wanted.id, `run/${i}`, w.digest(wanted.id));
      if (taken.ok) done += 1;
    }
  } finally {
    w.close();
  }
  expect(done).toBe(0);
  expect(byOne).toBeGreaterThan(7_000);
}, 120_000);
