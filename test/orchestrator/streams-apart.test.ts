import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { decide } from '../support/core.ts';
import { agent, castOf, check, openStreams, type StreamsWorld, writes } from './streams-world.ts';

/** Branches of every kind that go side by side, each in a worktree of its own, and what people are asked within one. */
const CAST = castOf(
  writes('left', 'left.txt', 'left\n'),
  writes('slow', 'slow.txt', 'slow\n'),
  writes('same', 'same.txt', 'same\n'),
  writes('lost', 'lost.txt', 'lost\n'),
  writes('ready', 'ready.txt', 'ready\n'),
  writes('early', 'early.txt', 'early\n'),
);

const keep = (title: string): Node => ({ kind: 'approval', id: `keep-${title}`, title, why: 'w' });
const asked = (id: string): Node => ({ kind: 'sequence', id: `asked-${id}`, stages: [agent(id), keep(id)] });

const trees: Record<string, Node> = {
  allowed: { kind: 'parallel', id: 'all', streams: true, branches: [asked('left'), agent('slow')] },
  map: {
    kind: 'map',
    id: 'each',
    streams: true,
    items: ['one', 'two', 'three'],
    on_item_error: 'keep',
    body: {
      kind: 'conditional',
      id: 'by-item',
      cases: [
        {
          if: 'result.item == "two"',
          then: {
            kind: 'sequence',
            id: 'bad',
            stages: [agent('lost'), { kind: 'loop', id: 'never', body: check('no', 'false'), max: 1 }],
          },
        },
      ],
      else: asked('same'),
    },
  },
  race: {
    kind: 'race',
    id: 'first',
    streams: true,
    // The one that waits for ever has worked before.
    runners: [
      {
        kind: 'sequence',
        id: 'loser',
        stages: [agent('slow'), { kind: 'wait', id: 'never', signal: 'never' }],
      },
      asked('left'),
    ],
  },
  phases: {
    kind: 'phases',
    id: 'whole',
    streams: true,
    phases: [
      {
        id: 'make',
        purpose: 'Make it',
        flow: agent('left'),
        validate: {
          kind: 'sequence',
          id: 'checked',
          stages: [check('no-ready', 'test', '!', '-e', 'ready.txt'), keep('made')],
        },
        overlap: true,
      },
      {
        id: 'use',
        purpose: 'Use it',
        setup: agent('ready'),
        flow: check('sees-ready', 'test', '-f', 'ready.txt'),
      },
    ],
  },
  refused: {
    kind: 'phases',
    id: 'whole',
    streams: true,
    phases: [
      {
        id: 'make',
        purpose: 'Make it',
        flow: agent('left'),
        validate: check('never-good', 'test', '-e', 'nowhere.txt'),
        overlap: true,
      },
      { id: 'use', purpose: 'Use it', setup: agent('early'), flow: agent('slow') },
    ],
  },
};

let world: StreamsWorld;
beforeAll(async () => {
  world = await openStreams(CAST, trees);
}, 60_000);
afterAll(() => world.close());

describe('an approval in a stream', () => {
  test("stands while a sibling stream's work changes, and is void once its own does", async () => {
    const tries: string[] = [];
    const ended = await world.play('allowed', async (approval, runId) => {
      const streams = await world.core.registry.streams(runId);
      const folderOf = async (label: string): Promise<string> => {
        const found = streams.find(({ stream }) => stream.startsWith(`${label}-`));
        return (await world.core.registry.of(runId, found?.stream ?? '')).info.path;
      };
      expect(approval.subject.excerpt).toContain('left.txt');
      expect(approval.subject.excerpt).not.toContain('slow.txt');
      if (tries.length === 0) {
        await writeFile(path.join(await folderOf('asked'), 'left.txt'), 'changed\n');
        const refused = await decide(world.core, approval, 'approve');
        tries.push(refused?.ok === false ? refused.refusal : 'taken');
        return 'approve';
      }
      await writeFile(path.join(await folderOf('slow'), 'slow.txt'), 'half done\n');
      tries.push('asked anew');
      return 'approve';
    });
    expect(tries).toEqual(['content_changed', 'asked anew']);
    expect(ended.status).toBe('completed');
    expect(world.onBranch(ended, 'left.txt')).toBe('changed\n');
  });
});

/** The folder of an open stream of a run, told by how its name begins. */
async function folderOf(runId: string, label: string): Promise<string> {
  const streams = await world.core.registry.streams(runId);
  const found = streams.find(({ stream }) => stream.startsWith(`${label}-`));
  return (await world.core.registry.of(runId, found?.stream ?? '')).info.path;
}

describe('a map in streams', () => {
  test('merges the items in their order, and leaves out one that failed, whose work is kept', async () => {
    const ended = await world.play('map', async (approval) => {
      expect(approval.subject.excerpt).toContain('same.txt');
      expect(approval.subject.excerpt).not.toContain('lost.txt');
      return 'approve';
    });
    expect(ended.status).toBe('completed');
    expect(ended.of('stream.opened')).toHaveLength(3);
    const merged = ended.of('stream.merged').map(({ stream }) => stream.replace(/-[0-9a-f]{10}$/, ''));
    expect(merged).toEqual(['item-1', 'item-3']);
    expect(world.onBranch(ended, 'lost.txt')).toBeNull();
    expect(world.kept(ended, 'item-2')).toContain('lost.txt');
    expect(world.onBranch(ended, 'same.txt')).toBe('same\n');
    expect(world.left(ended.runId)).toEqual([]);
  });
});

describe('a race in streams', () => {
  test("takes the winner's work alone; what the loser made is kept, and on no branch", async () => {
    const ended = await world.play('race', async (approval, runId) => {
      // The loser works while people look: what they were shown is the other's alone.
      expect(approval.subject.excerpt).not.toContain('slow.txt');
      const loser = await folderOf(runId, 'loser');
      await writeFile(path.join(loser, 'later.txt'), 'half done\n');
      return 'approve';
    });
    expect(ended.status).toBe('completed');
    expect(['left.txt', 'slow.txt', 'later.txt'].map((file) => world.onBranch(ended, file))).toEqual([
      'left\n',
      null,
      null,
    ]);
    expect(world.kept(ended, 'loser')).toEqual(expect.arrayContaining(['slow.txt', 'later.txt']));
    expect(world.left(ended.runId)).toEqual([]);
  });
});

describe('phases in streams', () => {
  test('the next set-up is not seen by the validation beside it, and is there once that has passed', async () => {
    const ended = await world.play('phases', async (approval, runId) => {
      expect(approval.subject.excerpt).not.toContain('ready.txt');
      await writeFile(path.join(await folderOf(runId, 'use'), 'more.txt'), 'more\n');
      return 'approve';
    });
    expect(ended.status).toBe('completed');
    expect(ended.of('command.finished').map(({ node, exitCode }) => `${node} ${exitCode}`)).toEqual([
      'no-ready 0',
      'sees-ready 0',
    ]);
    expect(world.onBranch(ended, 'ready.txt')).toBe('ready\n');
    expect(world.left(ended.runId)).toEqual([]);
  });

  test('a set-up beside a validation that refused goes nowhere', async () => {
    const ended = await world.play('refused');
    expect(ended.status).toBe('failed');
    expect(world.onBranch(ended, 'left.txt')).toBe('left\n');
    expect(world.onBranch(ended, 'early.txt')).toBeNull();
    expect(world.left(ended.runId)).toEqual([]);
  });
});
