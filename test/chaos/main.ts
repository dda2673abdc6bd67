import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Plant, plants } from './baton.ts';
import { campaign, measure } from './campaign.ts';
import { prove } from './prove.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    rounds: { type: 'string' },
    'kills-per-round': { type: 'string', default: '2' },
    seed: { type: 'string' },
    lanes: { type: 'string', default: '2' },
    short: { type: 'boolean', default: false },
    plant: { type: 'string' },
    prove: { type: 'boolean', default: false },
  },
});
const number = z.coerce.number().int().min(1);
const perRound = number.parse(values['kills-per-round']);
const rounds =
  values.rounds === undefined
    ? Math.ceil((values.short ? 12 : number.parse(values.kills)) / perRound)
    : number.parse(values.rounds);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : number.parse(values.seed);
const lanes = number.parse(values.lanes);
const plant: Plant | null = values.plant === undefined ? null : z.enum(plants).parse(values.plant);

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => abort.abort(new Error('Stopped by hand')));
const { signal } = abort;
const expected = await measure(seed, lanes, signal);
if (expected === null) process.exitCode = 1;
else if (values.prove) process.exitCode = await prove(expected, seed, signal);
else process.exitCode = await campaign({ expected, seed, rounds, perRound, lanes, plant, signal });
