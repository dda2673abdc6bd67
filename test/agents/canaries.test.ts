import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRedactor } from '../../src/policy/redact.ts';
import { canary, encodings, finder, playCanaries } from './canaries.ts';

/** A few runs over all two hundred; `npm run soak:canaries` plays a hundred. */
const RUNS = 5;
const canaries = Array.from({ length: 200 }, (_, index) => canary(index));

beforeEach(() => {
  for (const [index, { secret }] of canaries.entries())
    if (index % 4 === 0) vi.stubEnv(`CANARY_${index}`, secret);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test('the search finds every canary in every encoding, and none where there is none', () => {
  const find = finder(canaries);
  for (const [name, encode] of encodings)
    for (const { core, secret } of canaries.slice(0, 20))
      expect(find(`before ${encode(secret)} after`), name).toEqual(new Set([core]));
  expect(find(canaries.map(() => canary(1_000).secret).join(' ')).size).toBe(0);
});

test('two hundred secrets in ten encodings leave no trace in prompts, database, posts and git', async () => {
  const { found, seen, ended } = await playCanaries({
    runs: RUNS,
    canaries,
    redact: createRedactor(canaries.map(({ secret }) => secret)),
  });
  expect(ended).toEqual(Array.from({ length: RUNS }, () => 'completed'));
  expect({ prompts: [...found.prompts], database: [...found.database], git: [...found.git] }).toEqual({
    prompts: [],
    database: [],
    git: [],
  });
  // They were really met: every secret in every encoding stood in a file that was read.
  expect(seen.marks).toBeGreaterThan(200 * encodings.length);
  expect(seen.posts).toBeGreaterThan(RUNS);
  expect(seen.objects).toBeGreaterThan(RUNS);
  expect(seen.tools).toBe(RUNS);
}, 120_000);

test('a redactor that forgets one secret is caught, and so is one that does nothing', async () => {
  const [forgotten, ...others] = canaries.slice(0, 12);
  const one = await playCanaries({
    runs: 1,
    canaries: [...(forgotten === undefined ? [] : [forgotten]), ...others],
    redact: createRedactor(others.map(({ secret }) => secret)),
  });
  const all = new Set([forgotten?.core]);
  expect(one.found).toEqual({ prompts: all, database: all, git: all });
  const none = await playCanaries({ runs: 1, canaries: others, redact: (text) => text });
  expect(none.found.prompts.size).toBe(others.length);
  expect(none.found.database.size).toBe(others.length);
  expect(none.found.git.size).toBe(others.length);
}, 120_000);
