import path from 'node:path';
import { z } from 'zod';
import type { Node } from '../../src/domain/workflow.ts';
import { implement } from '../../src/ports/activity.ts';
import { cost, type Figure } from './figures.ts';
import { fan, newIds, nothing, openWorld, specOf, type World } from './world.ts';

const DEEP = 1_000;
const WIDE = 2_000;
const ROUNDS = 5;
/** Steps at either end that are compared. */
const SAMPLE = 100;

/** `depth` sequences, each within the last, with a step at every level. */
export function nested(depth: number): Node {
  let node: Node = { kind: 'noop', id: 'bottom' };
  for (let level = depth; level > 0; level -= 1) {
    node = { kind: 'sequence', id: `l${level}`, stages: [{ kind: 'noop', id: `s${level}` }, node] };
  }
  return node;
}

/**
 * Whether the last steps of a large tree cost more than the first: time between them, and bytes they leave in the
 * journal. As ratios, last hundred over first.
 */
export async function flatness(folder: string): Promise<Figure[]> {
  const began: number[] = [];
  const world = openWorld(path.join(folder, 'flat.db'), {
    activities: [
      implement(nothing, async (input) => {
        began.push(performance.now());
        return input;
      }),
    ],
  });
  const measure = async (tree: Node): Promise<{ readonly time: number; readonly bytes: number }> => {
    const [id = ''] = newIds(1);
    began.length = 0;
    await world.complete([id], specOf(tree));
    return { time: lastOverFirst(between(began)), bytes: bytesLastOverFirst(world, id) };
  };
  const figures: Figure[] = [];
  for (const [name, tree] of [
    [`${DEEP.toLocaleString('en-GB')} deep`, nested(DEEP)],
    [`${WIDE.toLocaleString('en-GB')} wide`, fan(WIDE, 20)],
  ] as const) {
    // For nothing: the first tree of a process is compiled while it runs.
    await measure(tree);
    const time: number[] = [];
    let bytes = Number.NaN;
    for (let round = 0; round < ROUNDS; round += 1) {
      const flat = await measure(tree);
      time.push(flat.time);
      bytes = flat.bytes;
    }
    figures.push(
      cost(`${name}: time of the last steps over the first`, 'x', time, { promised: { most: 1.5 } }),
      cost(`${name}: journal bytes likewise`, 'x', [bytes], { promised: { most: 1.5 } }),
    );
  }
  await world.stop();
  return figures;
}

function between(moments: readonly number[]): number[] {
  return moments.slice(1).map((moment, i) => moment - (moments[i] ?? moment));
}

/** The mean of each end: steps of one turn begin together, so single differences say nothing. */
function lastOverFirst(values: readonly number[]): number {
  const mean = (part: readonly number[]): number => part.reduce((sum, each) => sum + each, 0) / part.length;
  return mean(values.slice(-SAMPLE)) / mean(values.slice(0, SAMPLE));
}

const rowsSchema = z.array(z.object({ key: z.string(), bytes: z.number() }));

/** How much more the last steps of a run left in the journal than the first, rows and events together. */
export function bytesLastOverFirst(world: World, runId: string): number {
  return lastOverFirst(bytesOf(world, runId));
}

/** Bytes that each step of a run left, rows and events together, in the order in which they ended. */
function bytesOf(world: World, runId: string): number[] {
  const rows = rowsSchema.parse(
    world.store.raw
      .prepare(
        'select key, length(key) + length(outcome) + length(run_id) as bytes from steps where run_id = ? order by settled_seq',
      )
      .all(runId),
  );
  const events = world.log.after(runId, 0, Number.MAX_SAFE_INTEGER);
  const told = new Map<string, number>();
  for (const { event } of events) {
    if (!('key' in event)) continue;
    told.set(event.key, (told.get(event.key) ?? 0) + JSON.stringify(event).length);
  }
  return rows.map(({ key, bytes }) => bytes + (told.get(key) ?? 0));
}
