import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Approval } from '../../src/domain/approval.ts';
import { rollbackPayload } from '../../src/orchestrator/rollback/content.ts';
import { rollbackInputSchema } from '../../src/orchestrator/rollback/contracts.ts';
import { standingOf } from '../../src/orchestrator/rollback/standing.ts';
import { type RollbackWorld, rollbackWorld, TARGET, type WorldOptions } from './world.ts';

/** What a rollback's approval is bound to where nothing of it can be seen in the files. */
const worlds: RollbackWorld[] = [];
afterEach(async () => {
  for (const w of worlds.splice(0)) await w.close();
});
async function world(options: WorldOptions = {}): Promise<RollbackWorld> {
  const w = await rollbackWorld(options);
  worlds.push(w);
  await w.worked();
  return w;
}

/** What differs now from what this approval shows, of all that it is bound to. */
async function moved({ life, clock }: RollbackWorld, approval: Approval): Promise<string[]> {
  const { store, registry, findings } = life;
  const request = rollbackInputSchema.parse((await store.runs.status(approval.runId))?.spec.input);
  const standing = await standingOf({ store, registry }, request.target, clock.now());
  if (typeof standing === 'string') return [standing];
  const fields = z.record(z.string(), z.unknown());
  const shown = fields.parse(JSON.parse(approval.subject.payload));
  const now = fields.parse(JSON.parse(await rollbackPayload(request, standing, findings.version)));
  return Object.keys({ ...shown, ...now }).filter(
    (name) => JSON.stringify(shown[name]) !== JSON.stringify(now[name]),
  );
}

interface Change {
  readonly options?: WorldOptions;
  readonly before?: (folder: string) => Promise<unknown>;
  readonly change: (w: RollbackWorld) => Promise<void>;
}
const changes: Record<string, Change> = {
  position: {
    options: { goesOn: true },
    // It goes on, writes what is there already, and is paused as it was before.
    change: async (w) => {
      await w.life.engine.signal(TARGET, 'go', 'on', 'go');
      await w.life.engine.resume(TARGET);
      const again = () =>
        w.life.log
          .after(TARGET, 0, 10_000)
          .some(({ event }) => event.type === 'step.completed' && event.key === 'again');
      await w.until(async () => again() && (await w.status(TARGET)) === 'waiting', 'the second wait');
      await w.life.engine.pause(TARGET, { class: 'needs_person', code: 'x', message: 'by hand' });
    },
  },
  status: {
    // Its files are what its branch holds: when it ends, they are the same as before.
    before: (folder) =>
      Promise.all(['one.txt', 'two.txt', 'three.txt'].map((name) => rm(path.join(folder, name)))),
    change: async (w) => {
      await w.life.engine.cancel(TARGET, 'by hand');
      await w.until(async () => (await w.status(TARGET)) === 'cancelled', 'its end');
    },
  },
};

describe('a yes to a rollback counts for nothing once', () => {
  test.each(Object.entries(changes))(
    'the %s alone has changed',
    async (field, { options, before, change }) => {
      const w = await world(options);
      await before?.(await w.folder(TARGET));
      await w.ask('state', 2);
      const card = await w.card();
      expect(await moved(w, card)).toEqual([]);
      await change(w);
      expect(await moved(w, card)).toEqual([field]);
      expect(await w.say(card)).toMatchObject({ ok: false, refusal: 'content_changed' });
      expect(await w.life.store.approvals.byId(card.id)).toMatchObject({
        status: 'voided',
        voidReason: 'content_changed',
      });
      expect(await w.current()).toBe(TARGET);
      expect(w.lost()).toEqual([]);
    },
  );

  test('it was said, and the run is another one before it is carried out', async () => {
    const w = await world();
    await w.ask('state', 2);
    const card = await w.card();
    expect(await moved(w, card)).toEqual([]);
    expect(await w.say(card, 'U-bob')).toMatchObject({ ok: true });
    await w.over(card);
    expect(await w.current()).not.toBe(TARGET);
  });
});
