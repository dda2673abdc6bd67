import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAnswerStore, sweepAnswers } from '../../db/model-answers.ts';
import { type OpenStore, openStore } from '../../db/open.ts';
import { type ModelTurnInput, type ModelTurnOutput, modelTurnContract } from '../../src/agents/activities.ts';
import { answerDigest, worthKeeping } from '../../src/agents/model/answer-cache.ts';
import { createModelClient } from '../../src/agents/model/model-client.ts';
import { type Endpoint, ModelPool } from '../../src/agents/model/model-pool.ts';
import { modelTurn } from '../../src/agents/model/model-turn.ts';
import { toolDefinitions } from '../../src/agents/tools.ts';
import { drive } from './drive.ts';
import { startModelServer, turnEvents } from './model-server.ts';
import { realClock } from './support.ts';

const asked: ModelTurnInput = {
  node: 'plan',
  agent: 'architect',
  model: null,
  messages: [{ role: 'user', text: 'What is there?' }],
  tools: toolDefinitions(['list', 'read', 'search']),
  toolChoice: 'auto',
  result: 'spec',
  maxOutputTokens: 1_000,
  heard: [],
};
const digest = (changes: Partial<ModelTurnInput> = {}, model = 'm@host', repository = '/r') =>
  answerDigest({ ...asked, ...changes }, model, repository);

describe('a kept answer', () => {
  test('is found again by the very same question, however its keys are ordered', () => {
    const { node, ...rest } = asked;
    expect(answerDigest({ ...rest, node }, 'm@host', '/r')).toBe(digest());
  });

  test.each([
    ['another repository', digest({}, 'm@host', '/other')],
    ['another model', digest({}, 'n@host')],
    ['another server', digest({}, 'm@elsewhere')],
    ['other words', digest({ messages: [{ role: 'user', text: 'What is there now?' }] })],
    ['other tools', digest({ tools: [] })],
    ['another length', digest({ maxOutputTokens: 999 })],
    ['another result', digest({ result: 'work' })],
  ])('is not that of %s', (_name, other) => {
    expect(other).toMatch(/^[0-9a-f]{64}$/);
    expect(other).not.toBe(digest());
  });

  test.each(['write', 'edit', 'run'] as const)('is never that of a turn that may call %s', (tool) =>
    expect(digest({ tools: toolDefinitions(['read', tool]) })).toBeNull(),
  );

  test('is none where a secret was cut out, of the question or of the answer', () => {
    expect(digest({ messages: [{ role: 'user', text: 'key [redacted]' }] })).toBeNull();
    const output: ModelTurnOutput = {
      text: 'well',
      toolCalls: [],
      finish: 'stop',
      tokens: { input: 1, cached: 0, output: 1, reasoning: 0 },
      durationMs: 1,
    };
    expect(worthKeeping(output)).toBe(true);
    expect(worthKeeping({ ...output, text: 'it is [redacted]' })).toBe(false);
    expect(worthKeeping({ ...output, finish: 'length' })).toBe(false);
  });
});

describe('the table of answers', () => {
  let home = '';
  let store: OpenStore;
  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'baton-answers-'));
    store = openStore(path.join(home, 'baton.db'));
  });
  afterEach(() => {
    store.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('gives an answer for a week, and is kept to its size, the oldest going first', async () => {
    let now = 0;
    const answers = createAnswerStore(store.raw, () => now);
    await answers.put('old', 'x'.repeat(40 * 2 ** 20));
    now += 6 * 86_400_000;
    await answers.put('new', 'y'.repeat(40 * 2 ** 20));
    expect(
      [await answers.get('old'), await answers.get('new'), await answers.get('none')].map(
        (each) => each?.length,
      ),
    ).toEqual([40 * 2 ** 20, 40 * 2 ** 20, undefined]);
    expect(sweepAnswers(store.db, now)).toBe(1);
    expect([await answers.get('old'), (await answers.get('new'))?.length]).toEqual([null, 40 * 2 ** 20]);
    now += 7 * 86_400_000 + 1;
    expect(await answers.get('new')).toBeNull();
    expect(sweepAnswers(store.db, now)).toBe(1);
  });
});

test('an answer of a model that stands in is not kept as that of the one that was asked', async () => {
  const refusing = await startModelServer(() => ({ status: 401, body: { error: { message: 'no' } } }));
  const helping = await startModelServer(() => ({ events: turnEvents('chat', { text: 'Two files.' }) }));
  try {
    const endpointAt = (baseUrl: string): Endpoint => ({
      client: createModelClient({ api: 'chat', apiKey: 'k', baseUrl, model: 'm', clock: realClock }),
      host: baseUrl,
      rests: false,
    });
    const turnWith = (first: string, ...others: readonly string[]) => {
      const kept: string[] = [];
      const activity = modelTurn({
        models: new ModelPool({
          endpoints: [endpointAt(first), ...others.map(endpointAt)],
          clock: realClock,
          health: null,
        }),
        redact: (text) => text,
        prices: {},
        guidance: { of: async () => [], notes: async () => [] },
        cache: {
          store: { get: async () => null, put: async (_digest, reply) => void kept.push(reply) },
          repositoryOf: async () => '/r',
        },
      });
      return {
        kept,
        run: () => drive((flow) => flow.step('turn', modelTurnContract, asked, { label: 't' }), [activity]),
      };
    };
    const alone = turnWith(helping.url);
    await alone.run();
    expect(alone.kept).toHaveLength(1);
    const behind = turnWith(refusing.url, helping.url);
    expect(await behind.run()).toMatchObject({ text: 'Two files.' });
    expect(behind.kept).toEqual([]);
  } finally {
    await refusing.close();
    await helping.close();
  }
});
