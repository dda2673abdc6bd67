import { expect, test } from 'vitest';
import { createStore } from '../../db/store.ts';
import { Holding } from '../../src/orchestrator/holding.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type { Store } from '../../src/ports/store.ts';
import { decision } from '../db/support.ts';
import { program } from '../engine/lab.ts';
import { embeddedRig, specOf } from '../engine/rig.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** A process that dies between what is recorded and what is done about it. */
const dying: Pick<Engine, 'pause' | 'resume'> = {
  pause: () => Promise.reject(new Error('killed')),
  resume: () => Promise.reject(new Error('killed')),
};

async function world() {
  let store: Store | null = null;
  const waits = program('p', function* (flow) {
    yield* flow.sleep('long', 3_600_000);
    return null;
  });
  const rig = embeddedRig({
    programs: [waits],
    activities: [],
    beside: ({ store: opened, log }) => {
      store = createStore(opened.db, log);
      return { activities: [], started: () => () => undefined };
    },
  });
  await rig.engine.start('r', specOf('p'));
  await rig.settle();
  const kept = (): Store => {
    if (store === null) throw new Error('not open');
    return store;
  };
  const holding = (engine: Pick<Engine, 'pause' | 'resume'>) =>
    new Holding({ engine, store: kept(), clock: new VirtualClock() });
  return {
    rig,
    holding,
    choices: async () => (await kept().decisions.ofRun('r')).map(({ choice }) => choice),
  };
}
const pause = decision('dec_pause', { kind: 'steering', choice: 'pause' });
const resume = decision('dec_resume', { kind: 'steering', choice: 'resume' });

test('a pause that was recorded before a death is done when it is delivered again, once', async () => {
  const { rig, holding, choices } = await world();
  await expect(holding(dying).pause('r', pause)).rejects.toThrow('killed');
  await rig.crash();
  expect(await rig.status('r')).not.toBe('paused');
  expect(await holding(rig.engine).carryThrough('r', pause.id)).toBe(true);
  await rig.until(async () => (await rig.status('r')) === 'paused');
  expect(await choices()).toEqual(['pause']);
  await rig.close();
});

test('so is going on; and what was said since stands', async () => {
  const { rig, holding, choices } = await world();
  await holding(rig.engine).pause('r', pause);
  await rig.until(async () => (await rig.status('r')) === 'paused');
  await expect(holding(dying).resume('r', resume)).rejects.toThrow('killed');
  await rig.crash();
  // The older word delivered once more changes nothing.
  expect(await holding(rig.engine).carryThrough('r', resume.id)).toBe(true);
  await rig.until(async () => (await rig.status('r')) !== 'paused');
  expect(await holding(rig.engine).carryThrough('r', pause.id)).toBe(true);
  await rig.settle();
  expect(await rig.status('r')).not.toBe('paused');
  expect(await choices()).toEqual(['pause', 'resume']);
  await rig.close();
});

test('a word that was never recorded is not carried through', async () => {
  const { rig, holding } = await world();
  expect(await holding(rig.engine).carryThrough('r', 'dec_other')).toBe(false);
  await rig.settle();
  expect(await rig.status('r')).not.toBe('paused');
  await rig.close();
});
