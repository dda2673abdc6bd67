import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Approval } from '../../src/domain/approval.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { agent, always, castOf, openStreams, type StreamsWorld, writes } from './streams-world.ts';

const CAST = castOf(
  writes('one', 'both.txt', 'one\n'),
  writes('two', 'both.txt', 'two\n'),
  writes('clash', 'both.txt', 'one and two\n'),
  writes('stubborn', 'nothing.txt', 'nothing\n'),
);
const both = (id: string, on_conflict: unknown): Node => ({
  kind: 'parallel',
  id,
  streams: true,
  branches: [agent('one'), agent('two')],
  on_conflict,
});
const trees: Record<string, Node> = {
  asks: both('clash', 'ask'),
  rules: both('clash', [{ paths: ['*.txt'], then: 'second' }]),
  stops: both('clash', 'stop'),
  resolves: both('clash', { agent: 'backend' }),
  stubborn: both('stubborn', { agent: 'backend' }),
};

let world: StreamsWorld;
beforeAll(async () => {
  world = await openStreams(CAST, trees);
}, 60_000);
afterAll(() => world.close());

describe('a conflict', () => {
  test('is seen while both still work, then asked about with both sides, and the answer is taken', async () => {
    for (const [verdict, content] of [
      ['approve', 'one\n'],
      ['request_changes', 'two\n'],
    ] as const) {
      const asked: Approval[] = [];
      const ended = await world.play('asks', (approval) => {
        asked.push(approval);
        return Promise.resolve(verdict);
      });
      expect(ended.status).toBe('completed');
      expect(asked).toHaveLength(1);
      expect(asked[0]?.subject.excerpt).toMatch(/First[\s\S]*\+one[\s\S]*Second, two[\s\S]*\+two/);
      expect(asked[0]?.subject.labels).toEqual({
        approve: 'Take first',
        request_changes: 'Take second',
        reject: 'Stop',
      });
      expect(world.onBranch(ended, 'both.txt')).toBe(content);
      expect(ended.of('stream.meets').map(({ paths }) => paths)).toEqual([['both.txt']]);
      expect(ended.of('conflict.resolved')).toMatchObject([
        { path: 'both.txt', took: verdict === 'approve' ? 'first' : 'second', by: 'person', who: 'V' },
      ]);
    }
  });

  test('that changes while people look at it is asked about anew, and what they chose of the old is not taken', async () => {
    const shown: string[] = [];
    const ended = await world.play('asks', async (approval, runId) => {
      shown.push(approval.subject.excerpt);
      if (shown.length > 1) return 'approve';
      const { info } = await world.core.registry.of(runId, null);
      await writeFile(path.join(info.path, 'both.txt'), 'by hand\n');
      return 'request_changes';
    });
    expect(shown).toHaveLength(2);
    expect(shown[0]).not.toContain('by hand');
    expect(shown[1]).toContain('+by hand');
    expect(ended.status).toBe('completed');
    expect(world.onBranch(ended, 'both.txt')).toBe('by hand\n');
  });

  test('that a person stops ends the run with nothing overwritten', async () => {
    const ended = await world.play('asks', always('reject'));
    expect(ended.status).toBe('failed');
    expect(world.onBranch(ended, 'both.txt')).toBe('one\n');
  });

  test('is settled by a rule', async () => {
    const ended = await world.play('rules');
    expect(world.onBranch(ended, 'both.txt')).toBe('two\n');
    expect(ended.of('conflict.resolved')).toMatchObject([{ took: 'second', by: 'rule' }]);
  });

  test('stops the run where the workflow says so', async () => {
    const ended = await world.play('stops');
    expect(ended.status).toBe('failed');
    expect(ended.of('result')[0]?.summary).toMatch(/two and what was merged before changed.*both\.txt/);
    expect(world.left(ended.runId)).toEqual([]);
  });

  test('is resolved by an agent that edits the file with both sides in it', async () => {
    const ended = await world.play('resolves');
    expect(ended.status).toBe('completed');
    expect(world.onBranch(ended, 'both.txt')).toBe('one and two\n');
    expect(ended.of('conflict.resolved')).toMatchObject([{ took: 'edited', by: 'agent', who: 'backend' }]);
  });

  test('that an agent leaves unresolved is taken back', async () => {
    const ended = await world.play('stubborn');
    expect(ended.status).toBe('failed');
    expect(ended.of('result')[0]?.summary).toMatch(/left conflict markers/);
    expect(world.onBranch(ended, 'both.txt')).toBe('one\n');
  });
});
