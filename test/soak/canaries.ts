import { createRedactor } from '../../src/policy/redact.ts';
import { canary, encodings, playCanaries } from '../agents/canaries.ts';

/** A hundred runs, in batches, with two hundred secrets each time; ends with 1 when any left a trace. */
const RUNS = 100;
const BATCH = 10;

let failed = 0;
for (let done = 0; done < RUNS; done += BATCH) {
  const canaries = Array.from({ length: 200 }, (_, index) => canary(index));
  const redact = createRedactor(canaries.map(({ secret }) => secret));
  const { found, seen, ended } = await playCanaries({ runs: BATCH, canaries, redact });
  const leaked = Object.entries(found).flatMap(([where, which]) =>
    [...which].map((core) => `${where}: ${core}`),
  );
  const unfinished = ended.filter((status) => status !== 'completed');
  if (leaked.length > 0 || unfinished.length > 0 || seen.marks < 200 * encodings.length || seen.tools < BATCH)
    failed += 1;
  console.log(
    `${done + BATCH} of ${RUNS} runs · ${seen.prompts} prompts, ${seen.rows} rows, ${seen.objects} objects, ${seen.tools} tool results, ${seen.marks} marks · ${leaked.length === 0 ? 'no leak' : leaked.join(', ')}${unfinished.length === 0 ? '' : ` · ended: ${unfinished.join(', ')}`}`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;
