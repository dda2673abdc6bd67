import path from 'node:path';
import { expect, test } from 'vitest';
import { bytesLastOverFirst, nested } from '../../bench/engine/flatness.ts';
import { fan, newIds, openWorld, specOf, withFolder } from '../../bench/engine/world.ts';

test.each([
  ['a thousand deep', nested(1_000), 1_001],
  ['two thousand wide', fan(2_000, 20), 2_000],
])(
  '%s: it ends, and its last steps are no larger in the journal than its first',
  async (_name, tree, steps) => {
    await withFolder(async (folder) => {
      const world = openWorld(path.join(folder, 'flat.db'));
      const [id = ''] = newIds(1);
      await world.complete([id], specOf(tree));
      const kept = world.store.raw.prepare('select count(*) from steps where run_id = ?').pluck().get(id);
      expect(kept).toBe(steps);
      expect(bytesLastOverFirst(world, id)).toBeLessThan(1.5);
      await world.stop();
    });
  },
);
