import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLog } from '../../db/event-log.ts';
import { isFenced } from '../../db/fence.ts';
import { SqliteJournal } from '../../db/journal.ts';
import { openStore } from '../../db/open.ts';
import { EmbeddedEngine } from '../../src/engine/engine.ts';
import type { JournalWrite } from '../../src/ports/journal.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { does, Lab, program } from './lab.ts';
import { BreakableJournal, specOf } from './rig.ts';

/**
 * Two processes on one database: the first was stopped for so long that its lock was lost and a second took over, and
 * then it goes on. Both are engines on connections of their own to one real file.
 */
let folder = '';
const open: { close(): Promise<void> }[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'baton-taken-'));
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

const three = program('p', function* (flow) {
  return [yield* does(flow, 'a'), yield* does(flow, 'b'), yield* does(flow, 'c')];
});

/** A journal after whose commits something happens to the process. */
class Watched extends BreakableJournal {
  then: (writes: readonly JournalWrite[]) => void = () => {};

  override commit(writes: readonly JournalWrite[]): readonly string[] {
    const newborn = super.commit(writes);
    this.then(writes);
    return newborn;
  }
}

function processOn(file: string, crashed: boolean) {
  const store = openStore(file);
  const clock = new VirtualClock();
  const lab = new Lab();
  const troubles: unknown[] = [];
  const log = new EventLog(store.raw);
  const journal = new Watched(new SqliteJournal(store.raw, log));
  const engine = new EmbeddedEngine({
    journal,
    programs: [three],
    activities: [lab.activity],
    clock,
    random: () => 0.5,
    crashed,
    onStoreTrouble: (error) => troubles.push(error),
    isOurs: store.isOurs,
  });
  const close = async (): Promise<void> => {
    await engine.stop();
    store.close();
  };
  open.push({ close });
  return { clock, lab, troubles, log, engine, journal };
}

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 20_000; turn += 1) {
    if (await reached()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('It never came');
}
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a process that goes on after another took over', () => {
  test('keeps nothing of what it was doing, begins nothing more, and the run ends once', async () => {
    const file = path.join(folder, 'baton.db');
    const first = processOn(file, false);
    first.lab.hold('b');
    await first.engine.start('r', specOf('p'));
    await until(() => first.lab.underWay.has('b'));

    rmSync(`${file}.held`);
    const second = processOn(file, true);
    second.lab.hold('c');
    second.engine.recover();
    await until(() => second.lab.underWay.has('c'));

    // It goes on: the effect it had under way ends, and nothing of that counts.
    first.lab.open('b');
    await settle();
    first.clock.advance(5_000);
    await settle();
    expect(first.lab.calls.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(first.troubles.length).toBeGreaterThan(0);
    expect(first.troubles.every(isFenced)).toBe(true);
    await expect(first.engine.signal('r', 'late', null, 'late')).rejects.toThrow(/fenced/);
    await expect(first.engine.cancel('r', 'late')).rejects.toThrow(/fenced/);

    second.lab.open('c');
    await until(async () => (await second.engine.status('r'))?.status === 'completed');
    expect((await second.engine.status('r'))?.outcome).toEqual({ ok: true, value: ['a@1', 'b@1', 'c@1'] });
    expect(second.lab.calls.map(({ name }) => name)).toEqual(['b', 'c']);
    const told = second.log.after('r', 0, 1_000).map(({ event }) => event.type);
    expect(told.filter((type) => type === 'step.completed')).toHaveLength(3);
    expect(told).not.toContain('signal.received');
  });

  test('stopped between the commit and what it leads to, it does not begin it', async () => {
    const file = path.join(folder, 'baton.db');
    const first = processOn(file, false);
    let second: ReturnType<typeof processOn> | null = null;
    // The attempt at `a` is counted; in this very moment the process is stopped, and goes on when another one has all.
    first.journal.then = (writes) => {
      if (
        second !== null ||
        !writes.some((write) => write.w === 'event' && write.event.type === 'step.started')
      )
        return;
      rmSync(`${file}.held`);
      second = processOn(file, true);
      second.engine.recover();
    };
    await first.engine.start('r', specOf('p'));
    await until(async () => (await second?.engine.status('r'))?.status === 'completed');
    expect(first.lab.calls).toEqual([]);
    expect(second).toMatchObject({ lab: { calls: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } });
  });
});
