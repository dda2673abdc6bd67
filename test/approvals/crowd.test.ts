import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Door, openDoor } from './door.ts';

const CROWD = 50;
const ROUNDS = 200;
const people = Array.from({ length: CROWD }, (_, i) => `UCROWD${i}`);

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

test(`${ROUNDS} rounds of ${CROWD} people clicking at once: one decision, ${CROWD} answers each`, async () => {
  const winners = new Set<string>();
  let told = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const approval = await door.ask();
    // In another order each time, or the first of the list would always be the one.
    const order = people.map((_, i) => people[(i * 7 + round) % CROWD] ?? '');
    await Promise.all(order.map((user) => door.click(user, approval.nonce)));
    await door.settled();

    const stored = await door.store.approvals.byId(approval.id);
    expect(stored?.status).toBe('approved');
    expect(stored?.votes).toHaveLength(1);
    winners.add(stored?.decidedBy ?? '');
    const audit = door.audit(approval.id).map(({ kind }) => kind);
    expect(audit.filter((kind) => kind === 'approval.approved')).toHaveLength(1);
    expect(audit.filter((kind) => kind === 'approval.refused')).toHaveLength(CROWD - 1);
    const answers = door.answers(told);
    told += answers.length;
    expect(new Set(answers.map(({ user }) => user)).size).toBe(CROWD);
    expect(answers).toHaveLength(CROWD);
    const [done, ...late] = [...answers].sort(
      (a, b) => Number(a.text.includes('Already')) - Number(b.text.includes('Already')),
    );
    expect(done?.user).toBe(stored?.decidedBy);
    expect(done?.text).toContain('Noted: approved');
    for (const { text } of late) expect(text).toMatch(/Already approved by .* changed nothing/);
  }
  expect(winners.size).toBeGreaterThan(20);
  expect(door.verify().problem).toBeNull();
}, 120_000);
