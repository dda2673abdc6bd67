import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadCasts } from '../../src/cast/load.ts';
import { SHIPPED } from '../../src/compose/catalog.ts';
import type { Core } from '../../src/compose/core.ts';
import { inventorySchema } from '../../src/domain/resources.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { type Node, nodeSchema } from '../../src/domain/workflow.ts';
import { kinds, made, plain } from '../patterns/random-tree.ts';
import { chance, pick } from '../patterns/trees.ts';
import {
  coreAt,
  decide,
  foldersOf,
  openPlace,
  type Place,
  rowsIn,
  startRun,
  workflowOf,
} from '../support/core.ts';

/** Random trees with streams in real worktrees, stopped at some event: nothing of them is left. */
const TREES = 24;
/** Events after which a run is stopped at the latest. */
const LATEST = 90;

const trees = Array.from({ length: TREES }, (_, at) => treeOf(at + 1));

let place: Place;
let core: Core;
beforeAll(async () => {
  place = await openPlace(...(await loadCasts([path.join(SHIPPED, 'casts/generic.yaml')])));
  core = await coreAt(place, {
    extraWorkflows: trees.map((flow, at) => workflowOf(`tree-${at}`, flow)),
    resources: inventorySchema.parse({ desk: 1 }),
  });
}, 60_000);
afterAll(async () => {
  await core.stop();
  await place.close();
});

/** A form of streams or tasks with any other below it; some leaves use the one desk there is. */
function treeOf(seed: number): Node {
  const random = chance(seed);
  const parent = pick(random, 'parallel/streams', 'parallel/tasks');
  const root = made(parent, kinds[seed % kinds.length] ?? 'agent', seed * 7_919);
  const leaves = new Set(
    [...plain.walk(root)]
      .filter((node) => (plain.find(node.kind)?.children(node) ?? []).length === 0 && random() < 0.5)
      .map(({ id }) => id),
  );
  return nodeSchema.parse(
    JSON.parse(JSON.stringify(root), (_key, value: unknown) => {
      const node = nodeSchema.safeParse(value);
      return node.success && leaves.has(node.data.id) ? { ...node.data, uses: { desk: 1 } } : value;
    }),
  );
}

/** Stops a run once it has told so many events, or lets it end; tells how far it was. */
async function stopped(at: number, after: number) {
  const runId = await startRun(core, `tree-${at}`, `tree ${at}`);
  let asked = 0;
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const events = await core.store.projections.events(runId, 0, 10_000);
    const status = (await core.store.runs.status(runId))?.status ?? 'queued';
    const open = events.flatMap(({ event }) =>
      event.type === 'approval.requested' ? [event.approvalId] : [],
    );
    for (const id of open.slice(asked)) {
      asked += 1;
      const approval = await core.store.approvals.byId(id);
      if (approval?.status === 'pending') await decide(core, approval, 'approve');
    }
    // One that waits for what never comes is stopped where it stands.
    if (isTerminal(status) || status === 'paused' || status === 'waiting' || events.length >= after) {
      off();
      const worktrees = foldersOf(place.home, `${runId}.`).length;
      const running = core.engine.loaded;
      await core.orchestrator.stop(runId, 'U');
      return { runId, mid: !isTerminal(status), worktrees, running };
    }
    await next.promise;
    off();
  }
}

test('stopped at any event, no worktree, no lease, no timer and nothing under way is left', {
  timeout: 300_000,
}, async () => {
  const seen = { mid: 0, worktrees: 0, running: 0 };
  for (const at of trees.keys()) {
    const { runId, mid, worktrees, running } = await stopped(at, 8 + ((at * 37) % LATEST));
    if (mid) seen.mid += 1;
    if (worktrees > 0) seen.worktrees += 1;
    if (running > 0) seen.running += 1;
    expect(foldersOf(place.home, runId), `folders of tree ${at}`).toEqual([]);
    expect(core.engine.loaded, `in memory of tree ${at}`).toBe(0);
  }
  expect(worktrees()).toBe(1);
  expect([rowsIn(place, 'leases'), rowsIn(place, 'timers')]).toEqual([0, 0]);
  expect(seen.mid).toBeGreaterThan(TREES / 2);
  expect(Math.min(seen.worktrees, seen.running)).toBeGreaterThan(TREES / 4);
});

function worktrees(): number {
  const listed = execFileSync('git', ['worktree', 'list'], { cwd: core.defaultRepository, encoding: 'utf8' });
  return listed.trim().split('\n').length;
}
