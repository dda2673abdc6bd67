import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import { agent, always, castOf, check, openStreams, type StreamsWorld, writes } from './streams-world.ts';

const CAST = castOf(
  writes('page', 'page.txt', 'half done\n'),
  `
    - when: { node: page, turn: 1 }
      calls: [{ tool: need, arguments: { task: api, why: It has to know its routes. } }]`,
  writes('page', 'page.txt', 'done\n', 2),
  writes('api', 'api.txt', 'made\n'),
  writes('left', 'left.txt', 'left\n'),
  writes('middle', 'middle.txt', 'middle\n'),
  writes('right', 'right.txt', 'right\n'),
  writes('contract', 'contract.txt', 'agreed\n'),
  writes('mockup', 'mockup.txt', 'drawn\n'),
  writes('slow', 'slow.txt', 'slow\n'),
);
const trees: Record<string, Node> = {
  late: {
    kind: 'parallel',
    id: 'all',
    streams: true,
    tasks: [
      { id: 'page', stream: 'front', agent: 'frontend', task: 'Lay the page out' },
      { id: 'api', stream: 'back', agent: 'backend', task: 'Make the API' },
      {
        id: 'shown',
        stream: 'front',
        flow: check('sees-api', 'test', '-f', 'api.txt', '-a', '-f', 'page.txt'),
      },
    ],
  },
  three: {
    kind: 'parallel',
    id: 'all',
    streams: true,
    branches: [agent('left'), agent('middle'), agent('right')],
  },
  points: {
    kind: 'parallel',
    id: 'all',
    streams: true,
    tasks: [
      { id: 'contract', stream: 'back', agent: 'backend', task: 't' },
      { id: 'mockup', stream: 'front', agent: 'frontend', task: 't' },
      { id: 'api', stream: 'back', flow: check('sees-mockup', 'test', '-f', 'mockup.txt') },
      { id: 'page', stream: 'front', flow: check('sees-contract', 'test', '-f', 'contract.txt') },
      {
        id: 'guide',
        flow: check('sees-both', 'test', '-f', 'mockup.txt', '-a', '-f', 'contract.txt'),
        needs: ['api'],
      },
    ],
    sync: [
      {
        id: 'agreed',
        type: 'integration',
        participants: ['contract', 'mockup'],
        approval: { title: 'Agreed?', why: 'w' },
      },
      { id: 'half-way', type: 'progress', participants: ['api', 'page'] },
    ],
  },
  nested: {
    kind: 'parallel',
    id: 'outer',
    streams: true,
    branches: [
      { kind: 'parallel', id: 'inner', streams: true, branches: [agent('left'), agent('middle')] },
      agent('right'),
    ],
  },
  allowed: {
    kind: 'parallel',
    id: 'all',
    streams: true,
    branches: [
      {
        kind: 'sequence',
        id: 'asked',
        stages: [agent('left'), { kind: 'approval', id: 'keep', title: 'Keep left?', why: 'w' }],
      },
      agent('slow'),
    ],
  },
  fails: {
    kind: 'parallel',
    id: 'all',
    streams: true,
    branches: [
      agent('left'),
      {
        kind: 'sequence',
        id: 'bad',
        stages: [agent('right'), { kind: 'approval', id: 'no', title: 'No?', why: 'w' }],
      },
    ],
  },
};

let world: StreamsWorld;
beforeAll(async () => {
  world = await openStreams(CAST, trees);
}, 60_000);
afterAll(() => world.close());

describe('a workflow with streams', () => {
  test('three agents each in their own worktree, merged onto one branch, and no worktree left', async () => {
    const ended = await world.play('three');
    expect(ended.status).toBe('completed');
    expect(['left', 'middle', 'right'].map((name) => world.onBranch(ended, `${name}.txt`))).toEqual([
      'left\n',
      'middle\n',
      'right\n',
    ]);
    expect(ended.of('stream.opened')).toHaveLength(3);
    expect(ended.of('stream.merged').map(({ files }) => files)).toEqual([1, 1, 1]);
    // What a stream's snapshot holds is that stream's work alone.
    for (const { node, commit } of ended.of('snapshot.taken'))
      expect(world.git('diff', '--name-only', `${commit}~1`, commit).trim()).toBe(`${node}.txt`);
    expect(world.left(ended.runId)).toEqual([]);
    expect(world.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
  });

  test('streams meet at a point, people look at what was merged, and all go on from it', async () => {
    let files = '';
    const ended = await world.play('points', async (approval, runId) => {
      const { info } = await world.core.registry.of(runId, null);
      files = readdirSync(info.path).join(' ');
      expect(approval.subject.title).toBe('Agreed?');
      return 'approve';
    });
    expect(ended.status).toBe('completed');
    expect(files).toMatch(/contract\.txt.*mockup\.txt/);
    expect(
      ended
        .of('command.finished')
        .map(({ node, exitCode }) => `${node} ${exitCode}`)
        .toSorted(),
    ).toEqual(['sees-both 0', 'sees-contract 0', 'sees-mockup 0']);
    expect(ended.of('sync.reached').map(({ point, kind }) => [point, kind])).toEqual([
      ['agreed', 'integration'],
      ['half-way', 'progress'],
    ]);
    expect(world.left(ended.runId)).toEqual([]);
  });

  test('an agent that finds out that it needs what another makes gets it into its files, and keeps its own', async () => {
    const ended = await world.play('late');
    expect(ended.status).toBe('completed');
    expect(ended.of('dependency.declared')).toMatchObject([
      { task: 'page', needs: 'api', why: 'It has to know its routes.' },
    ]);
    expect(ended.of('command.finished').map(({ node, exitCode }) => `${node} ${exitCode}`)).toEqual([
      'sees-api 0',
    ]);
    expect(['page.txt', 'api.txt'].map((file) => world.onBranch(ended, file))).toEqual(['done\n', 'made\n']);
    // What the stream itself changed is told from what it took in: the page alone.
    const [own] = ended.of('snapshot.taken').filter(({ node }) => node === 'page');
    const changed = world.git('diff', '--name-only', `${own?.commit ?? ''}~1`, own?.commit ?? '').trim();
    expect(changed).toBe('page.txt');
    expect(world.left(ended.runId)).toEqual([]);
  });

  test('streams in a stream', async () => {
    const ended = await world.play('nested');
    expect(ended.status).toBe('completed');
    expect(['left', 'middle', 'right'].map((name) => world.onBranch(ended, `${name}.txt`))).toEqual([
      'left\n',
      'middle\n',
      'right\n',
    ]);
    expect(world.left(ended.runId)).toEqual([]);
  });

  test('a failure keeps what each stream had, and leaves no worktree', async () => {
    const ended = await world.play('fails', always('reject'));
    expect(ended.status).toBe('failed');
    expect(world.left(ended.runId)).toEqual([]);
    const tips = world.git('for-each-ref', '--format=%(refname)', 'refs/baton/tip/').split('\n');
    const own = tips.filter((ref) => ref.includes(`${ended.runId}.`));
    expect(own.flatMap((ref) => world.git('ls-tree', '--name-only', ref).split('\n'))).toEqual(
      expect.arrayContaining(['left.txt', 'right.txt']),
    );
  });

  test('stopped by hand: the same', async () => {
    const stop = Promise.withResolvers<string>();
    const playing = world.play('allowed', async (_approval, runId) => {
      stop.resolve(runId);
      await world.core.orchestrator.stop(runId, 'U');
      return 'approve';
    });
    const runId = await stop.promise;
    expect((await playing).status).toBe('cancelled');
    expect(world.left(runId)).toEqual([]);
    const ref = world
      .git('for-each-ref', '--format=%(refname)', 'refs/baton/tip/')
      .split('\n')
      .filter((name) => name.includes(`${runId}.asked`));
    expect(world.git('ls-tree', '--name-only', ref[0] ?? '')).toContain('left.txt');
  });
});
