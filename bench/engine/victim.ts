import { z } from 'zod';
import { contract, implement } from '../../src/ports/activity.ts';
import { newIds, openWorld, specOf } from './world.ts';

/**
 * A process of its own, to be killed (`begin FILE`) and to be started again on what it left (`resume FILE`). It
 * tells what happens as lines on its standard output.
 */
const RUNS = 200;
const nothing = contract('noop', z.object({ n: z.number() }), z.object({ n: z.number() }));

export async function victim(mode: string, file: string): Promise<void> {
  let begun = 0;
  // Before the kill the second step of each run never ends; after it, every step does at once.
  const endless = implement(nothing, async (input, { key }) => {
    if (!key.includes('s1')) return input;
    begun += 1;
    if (begun === RUNS) console.log('in flight');
    return new Promise(() => undefined);
  });
  const quick = implement(nothing, async (input) => {
    begun += 1;
    if (begun === RUNS) console.log(`resumed ${(performance.now() - ready).toFixed(1)}`);
    return input;
  });
  const world = openWorld(file, {
    crashed: mode === 'resume',
    activities: [mode === 'begin' ? endless : quick],
  });
  const tree = {
    kind: 'sequence',
    id: 'root',
    stages: [
      { kind: 'noop', id: 's0' },
      { kind: 'noop', id: 's1' },
      { kind: 'wait', id: 'end' },
    ],
  };
  const ready = performance.now();
  if (mode === 'begin') {
    for (const id of newIds(RUNS)) await world.engine.start(id, specOf(tree));
    return;
  }
  const count = world.engine.recover();
  console.log(`recovering ${count}`);
  const waiting = world.store.raw.prepare("select count(*) from runs where status = 'waiting'").pluck();
  const off = world.engine.onCommit(() => {
    if (waiting.get() !== RUNS) return;
    off();
    console.log(`performed ${begun}`);
    void world.stop();
  });
}

const [mode, file] = process.argv.slice(2);
if (mode !== undefined && file !== undefined) await victim(mode, file);
