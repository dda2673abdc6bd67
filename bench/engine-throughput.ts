import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { EventLog } from '../db/event-log.ts';
import { SqliteJournal } from '../db/journal.ts';
import { openStore } from '../db/open.ts';
import { emptyHandoff, handoffSchema } from '../src/domain/handoff.ts';
import { jsonSchema } from '../src/domain/json.ts';
import { noRetry } from '../src/domain/retry.ts';
import { nodeSchema, type Node } from '../src/domain/workflow.ts';
import { EmbeddedEngine } from '../src/engine/engine.ts';
import { noEstimate } from '../src/domain/estimate.ts';
import { patterns } from '../src/patterns/all.ts';
import { Interpreter } from '../src/patterns/interpreter.ts';
import { definePattern } from '../src/patterns/pattern.ts';
import { contract, implement } from '../src/ports/activity.ts';
import { systemClock } from '../src/system-clock.ts';
import { timeOrderedId } from '../src/domain/ids.ts';

const nothing = contract('noop', z.object({ n: z.number() }), z.object({ n: z.number() }));
const noop = definePattern({
  kind: 'noop',
  schema: nodeSchema.extend({ kind: z.literal('noop') }),
  *run(node, input, flow) {
    const out = yield* flow.step('do', nothing, { n: 1 }, { retry: noRetry, label: node.id });
    return { ...input, result: out.n };
  },
  estimate: () => noEstimate,
  describe: () => 'nothing',
});
const interpreter = new Interpreter([...patterns, noop]);
const dir = mkdtempSync(path.join(tmpdir(), 'baton-bench-'));
const store = openStore(path.join(dir, 'b.db'));
const log = new EventLog(store.raw);
const engine = new EmbeddedEngine({
  journal: new SqliteJournal(store.raw, log),
  programs: [{ name: 'tree', version: 1, *run(definition, _input, flow) {
    const node = nodeSchema.parse(definition);
    const end = yield* interpreter.run(node, emptyHandoff, flow, { request: '', testCommand: null, role: () => { throw new Error(); }, runner: () => { throw new Error(); }, *permit() { return null; }, approved: () => undefined });
    return jsonSchema.parse(handoffSchema.parse(end));
  } }],
  activities: [implement(nothing, async (i) => i)],
  clock: systemClock, random: Math.random, crashed: false,
});
const tree: Node = { kind: 'sequence', id: 'root', stages: Array.from({ length: 10 }, (_, i) => ({ kind: 'noop', id: `s${i}` })) };
for (let round = 0; round < 5; round += 1) {
  const N = 500;
  let done = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const ids = Array.from({ length: N }, (_, i) => timeOrderedId('run', Date.now() + i, Math.random));
  const off = engine.onCommit((touched) => {
    for (const id of touched) if (engineStatus(id) === 'completed') done += 1;
    if (done >= N) resolve();
  });
  const st = store.raw.prepare('select status from runs where id = ?').pluck();
  const engineStatus = (id: string) => st.get(id);
  const t = performance.now();
  for (const id of ids) void engine.start(id, { program: 'tree', programVersion: 1, definition: tree, input: null, hash: 'x' });
  await promise;
  off();
  const ms = performance.now() - t;
  console.log(`${((N * 10) / ms * 1000).toFixed(0)} steps/s`, `${ms.toFixed(0)} ms`, store.raw.prepare('select count(*) from events').pluck().get());
}
await engine.stop();
store.close();
rmSync(dir, { recursive: true });
