import { OpenWorkflow } from 'openworkflow';
import { BackendSqlite } from 'openworkflow/sqlite';

/** Enough for a steady rate; as many as ours would take minutes. */
const RUNS = 100;
/** As many at once as it has runs: it has no limit of its own to respect here. */
const CONCURRENCY = 100;

/** No-op steps per second of openworkflow on a fresh SQLite file: its own client, worker and defaults. */
export async function openWorkflowRate(file: string, steps: number): Promise<number> {
  const backend = BackendSqlite.connect(file);
  const client = new OpenWorkflow({ backend });
  const { promise, resolve } = Promise.withResolvers<void>();
  let ended = 0;
  const workflow = client.defineWorkflow({ name: 'noop' }, async ({ step }) => {
    for (let n = 0; n < steps; n += 1) await step.run({ name: `s${n}` }, async () => ({ n: 1 }));
    ended += 1;
    if (ended === RUNS) resolve();
    return null;
  });
  const worker = client.newWorker({ concurrency: CONCURRENCY });
  const began = performance.now();
  for (let n = 0; n < RUNS; n += 1) await workflow.run();
  await worker.start();
  await promise;
  const rate = ((RUNS * steps) / (performance.now() - began)) * 1_000;
  await worker.stop();
  await backend.stop();
  return rate;
}
