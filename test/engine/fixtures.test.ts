import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PLAN_SIGNAL } from '../../src/orchestrator/contracts.ts';
import { decisionSignal } from '../../src/ports/activities.ts';
import { approvalOf, openWorld, parkedRuns, type World } from '../fixtures/world.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/v1-parked.db', import.meta.url));

describe('a store of the first version', () => {
  let folder = '';
  let world: World;
  let clock: VirtualClock;
  let doneBefore: ReadonlySet<string> = new Set();

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'baton-fixture-'));
    const file = path.join(folder, 'baton.db');
    copyFileSync(FIXTURE, file);
    clock = new VirtualClock(1_800_000_100_000);
    world = openWorld(file, clock, async () => undefined);
    const done = world.store.raw
      .prepare("select run_id || '/' || key from steps where status = 'done'")
      .pluck()
      .all();
    doneBefore = new Set(done.map(String));
    world.engine.recover();
  });

  afterEach(async () => {
    await world.engine.stop();
    world.store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const statusOf = async (id: string) => (await world.engine.status(id))?.status;
  /** One turn of the event loop, and a millisecond of time. */
  async function step(): Promise<void> {
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  async function until(id: string, status: string): Promise<void> {
    for (let turn = 0; turn < 5_000; turn += 1) {
      if ((await statusOf(id)) === status) return;
      await step();
    }
    throw new Error(
      `${id} is ${await statusOf(id)}, not ${status}: ${JSON.stringify(await world.engine.status(id))}`,
    );
  }
  async function asked(id: string): Promise<void> {
    const opened = world.store.raw
      .prepare("select count(*) from steps where run_id = ? and key like '%keep/open' and status = 'done'")
      .pluck();
    for (let turn = 0; turn < 5_000 && opened.get(id) === 0; turn += 1) await step();
    await until(id, 'waiting');
  }
  async function approve(id: string): Promise<void> {
    await asked(id);
    const name = decisionSignal(approvalOf(id));
    await world.engine.signal(id, name, { verdict: 'approve', by: 'bob', comment: null }, name);
    await until(id, 'completed');
  }

  test('holds what it is meant to hold', async () => {
    expect([...doneBefore].some((key) => key.startsWith(parkedRuns.plan))).toBe(true);
    expect([await statusOf(parkedRuns.plan), await statusOf(parkedRuns.approval)]).toEqual([
      'waiting',
      'waiting',
    ]);
    const timer = world.store.raw.prepare('select count(*) from timers where run_id = ?').pluck();
    expect(timer.get(parkedRuns.retry)).toBe(1);
    const open = world.store.raw
      .prepare(
        "select count(*) from events e where e.run_id = ? and e.type = 'step.started' and not exists (select 1 from steps s where s.run_id = e.run_id and s.key = json_extract(e.data, '$.key'))",
      )
      .pluck();
    expect(open.get(parkedRuns.parallel)).toBe(1);
  });

  test.each(Object.entries(parkedRuns))('is resumed to its end: %s', async (name, id) => {
    if (name === 'plan')
      await world.engine.signal(id, PLAN_SIGNAL, { verdict: 'start', by: 'alice' }, 'plan');
    await approve(id);
    expect(world.performed.length).toBeGreaterThan(0);
    // Nothing that had been done is done again.
    expect(world.performed.filter((key) => doneBefore.has(key))).toEqual([]);
  });
});
