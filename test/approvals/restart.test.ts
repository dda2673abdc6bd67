import { expect, test } from 'vitest';
import { openDoor } from './door.ts';

const OPEN = 1_000;

test(`after a restart with ${OPEN} open approvals all the old buttons work, each once`, async () => {
  const door = await openDoor();
  try {
    const asked = [];
    for (let i = 0; i < OPEN; i += 1) asked.push(await door.ask({}, 3_600_000));
    await door.restart();
    for (const { nonce } of asked) await door.click('UBOB', nonce);
    await door.settled();
    for (const { id } of asked) expect((await door.store.approvals.byId(id))?.status).toBe('approved');
    expect(door.answers()).toHaveLength(OPEN);

    // And after another one the same buttons are spent.
    await door.restart();
    for (const { nonce } of asked.slice(0, 50)) await door.click('UCAROL', nonce);
    await door.settled();
    expect(door.answers(OPEN).map(({ text }) => /Already approved by/.test(text))).toEqual(
      Array.from({ length: 50 }, () => true),
    );
    expect(door.verify().problem).toBeNull();
  } finally {
    await door.close();
  }
}, 60_000);
