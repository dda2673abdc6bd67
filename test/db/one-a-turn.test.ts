import { statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EventLog } from '../../db/event-log.ts';
import { GroupCommit } from '../../db/group-commit.ts';
import { createOutboxStore } from '../../db/outbox.ts';
import { Queries } from '../../src/orchestrator/queries.ts';
import type { OutboxMessage } from '../../src/ports/outbox.ts';
import { SlackProjector } from '../../src/slack/projector.ts';
import { countTurns } from '../support/turns.ts';
import { decision, NOW, session, spec, type TempStore, tempStore } from './support.ts';

const RUNS = 12;
let t: TempStore;
beforeEach(() => {
  t = tempStore();
});
afterEach(() => t.remove());

async function begin(runs: number): Promise<void> {
  for (let i = 0; i < runs; i += 1) {
    const made = session({ id: `ses_${i}`, currentRunId: `run_${i}` });
    await t.store.sessions.create(made, spec, decision(`dec_${i}`));
  }
}

test('of many runs with news, one is told in each turn of the event loop', async () => {
  await begin(RUNS);
  const told = () => t.rows('runs').filter(({ projected_seq: seq }) => Number(seq) > 0).length;
  const projector = new SlackProjector({
    store: t.store,
    rehearsal: false,
    now: () => NOW,
    queued: () => undefined,
  });
  const seen = [told()];
  let looking = true;
  const look = (): void => {
    seen.push(told());
    if (looking) setImmediate(look);
  };
  setImmediate(look);
  await projector.catchUp();
  looking = false;
  seen.push(told());
  expect(seen.at(-1)).toBe(RUNS);
  expect(Math.max(...seen.slice(1).map((count, i) => count - (seen[i] ?? 0)))).toBe(1);
});

test('a list of many runs is read in as many turns', async () => {
  await begin(RUNS);
  const turns = countTurns();
  const { team, requester: user, channel } = session();
  const found = await new Queries(t.store).underWay({ team, user, channel });
  turns.stop();
  expect(found.length).toBeGreaterThan(5);
  expect(turns.count()).toBeGreaterThanOrEqual(found.length - 1);
});

test('a long history is read in many turns, and each of its events counts', async () => {
  await begin(1);
  const many = 2_000;
  t.journal.commit(
    Array.from({ length: many }, (_, i) => ({
      w: 'event',
      runId: 'run_0',
      event: { type: 'note', text: `note ${i}` },
      at: NOW,
    })),
  );
  const turns = countTurns();
  const found = await new Queries(t.store).byRun('run_0');
  turns.stop();
  // Two were there from its beginning.
  expect(found?.view.seq).toBe(many + 2);
  expect(turns.count()).toBeGreaterThan(5);
});

test('what is queued, claimed and sent within a turn is one commit', async () => {
  const group = new GroupCommit(t.db, new EventLog(t.raw));
  const outbox = createOutboxStore(t.db, group);
  const message = (key: string): OutboxMessage => ({
    team: 'T1',
    key,
    kind: 'post',
    target: { kind: 'channel', channel: 'C1' },
    lane: 'approvals',
    text: key,
    blocks: [],
  });
  const size = () => statSync(path.join(t.folder, 'baton.db-wal')).size;
  const grownBy = async (work: () => Promise<unknown>) => {
    const before = size();
    await work();
    return size() - before;
  };
  const names = (kind: string) => Array.from({ length: RUNS }, (_, i) => `${kind}${i}`);
  const apart = await grownBy(async () => {
    for (const key of names('apart')) await outbox.enqueue([message(key)], NOW);
  });
  const together = await grownBy(() =>
    Promise.all(names('together').map((key) => outbox.enqueue([message(key)], NOW))),
  );
  expect(t.rows('outbox')).toHaveLength(2 * RUNS);
  // Each commit writes its pages anew.
  expect(together * 4).toBeLessThan(apart);
});
