import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCast } from '../../src/cast/load.ts';
import { type CastServer, startCast } from '../../src/cast/server.ts';
import { type Core, createCore } from '../../src/compose/core.ts';
import type { Approval, Verdict } from '../../src/domain/approval.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { isTerminal } from '../../src/domain/run.ts';
import type { Node, Workflow } from '../../src/domain/workflow.ts';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { systemClock } from '../../src/system-clock.ts';
import { everybody, member } from '../support/directory.ts';

/** Whole workflows with streams: real engine, real git, real tools, scripted words. */

/** Writes a file, then says so; `node` is what the cast knows it by. */
const writes = (node: string, file: string, content: string): string => `
    - when: { node: ${node}, turn: 0 }
      calls: [{ tool: write, arguments: { path: ${JSON.stringify(file)}, content: ${JSON.stringify(content)} } }]`;
const cast = parseCast(
  `name: Streams
roles:
  any:${[
    writes('left', 'left.txt', 'left\n'),
    writes('middle', 'middle.txt', 'middle\n'),
    writes('right', 'right.txt', 'right\n'),
    writes('one', 'both.txt', 'one\n'),
    writes('two', 'both.txt', 'two\n'),
    writes('contract', 'contract.txt', 'agreed\n'),
    writes('mockup', 'mockup.txt', 'drawn\n'),
    writes('slow', 'slow.txt', 'slow\n'),
    writes('clash', 'both.txt', 'one and two\n'),
    writes('stubborn', 'nothing.txt', 'nothing\n'),
  ].join('')}
    - when: { kind: work }
      result: { summary: done, files: [], warnings: [] }
`,
  'streams.yaml',
);

const agent = (id: string): Node => ({ kind: 'agent', id, agent: 'backend', task: `Do ${id}` });
const check = (id: string, ...argv: string[]): Node => ({ kind: 'command', id, run: argv });
const both = (id: string, on_conflict: unknown): Node => ({
  kind: 'parallel',
  id,
  streams: true,
  branches: [agent('one'), agent('two')],
  on_conflict,
});
const trees: Record<string, Node> = {
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
  asks: both('clash', 'ask'),
  rules: both('clash', [{ paths: ['*.txt'], then: 'second' }]),
  stops: both('clash', 'stop'),
  resolves: both('clash', { agent: 'backend' }),
  stubborn: both('stubborn', { agent: 'backend' }),
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

let home = '';
let server: CastServer;
let core: Core;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-streams-'));
  server = await startCast({ casts: [cast], delayMs: 0, port: 0 });
  core = await createCore({
    home,
    clock: systemClock,
    redact: (text) => text,
    model: { api: 'chat', apiKey: null, baseUrl: server.url, model: 'rehearsal' },
    rehearsal: true,
    repository: null,
    repositories: null,
    policy: readPolicy({}, {}),
    directory: everybody,
    prices: {},
    extraWorkflows: Object.entries(trees).map(
      ([name, flow]): Workflow => ({
        name: `s-${name}`,
        title: 't',
        description: 'd',
        how: 'h',
        why: 'w',
        flow,
      }),
    ),
    onStoreTrouble: () => undefined,
  });
  core.engine.recover();
});
afterAll(async () => {
  await core.stop();
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

interface Ended {
  readonly runId: string;
  readonly status: string;
  readonly events: readonly RunEvent[];
  readonly branch: string;
}

type Answer = (approval: Approval, runId: string) => Promise<Verdict>;

async function decide(approval: Approval, verdict: Verdict) {
  const said = { nonce: approval.nonce, by: member('V', 'T'), place: 'test' };
  return core.orchestrator.approvals.decide(said, verdict, null);
}

const approve: Verdict = 'approve';
const always =
  (verdict: Verdict): Answer =>
  () =>
    Promise.resolve(verdict);

let count = 0;
async function play(name: string, answer: Answer = always('approve')): Promise<Ended> {
  count += 1;
  const { currentRunId: runId } = await core.orchestrator.start({
    intent: `${name} ${count}`,
    receivedAt: Date.now(),
    team: 'T',
    channel: 'C',
    requester: 'U',
    workflow: `s-${name}`,
    request: `Do ${name}`,
    repository: null,
    autoStart: true,
  });
  const all: RunEvent[] = [];
  for (let seq = 0; ; ) {
    const next = Promise.withResolvers<void>();
    const off = core.engine.onCommit(() => next.resolve());
    const events = await core.store.projections.events(runId, seq, 500);
    for (const stored of events) {
      seq = stored.seq;
      all.push(stored.event);
      if (stored.event.type !== 'approval.requested') continue;
      const approval = await core.store.approvals.byId(stored.event.approvalId);
      if (approval !== null) await decide(approval, await answer(approval, runId));
    }
    const status = (await core.store.runs.status(runId))?.status ?? 'queued';
    if (events.length === 0 && (isTerminal(status) || status === 'paused')) {
      off();
      const ready = all.find((event) => event.type === 'workspace.ready');
      return { runId, status, events: all, branch: ready?.type === 'workspace.ready' ? ready.branch : '' };
    }
    if (events.length === 0) await next.promise;
    off();
  }
}

const git = (...args: string[]): string =>
  execFileSync('git', args, {
    cwd: core.defaultRepository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
const onBranch = ({ branch }: Ended, file: string): string | null => {
  try {
    return git('show', `${branch}:${file}`);
  } catch {
    return null;
  }
};
const of = <T extends RunEvent['type']>({ events }: Ended, type: T) =>
  events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
const left = (runId: string): string[] =>
  ['worktrees', 'workspaces'].flatMap((folder) =>
    readdirSync(path.join(home, folder)).filter((name) => name.startsWith(runId)),
  );

describe('a workflow with streams', () => {
  test('three agents each in their own worktree, merged onto one branch, and no worktree left', async () => {
    const ended = await play('three');
    expect(ended.status).toBe('completed');
    expect(['left', 'middle', 'right'].map((name) => onBranch(ended, `${name}.txt`))).toEqual([
      'left\n',
      'middle\n',
      'right\n',
    ]);
    expect(of(ended, 'stream.opened')).toHaveLength(3);
    expect(of(ended, 'stream.merged').map(({ files }) => files)).toEqual([1, 1, 1]);
    // What a stream's snapshot holds is that stream's work alone.
    for (const { node, commit } of of(ended, 'snapshot.taken'))
      expect(git('diff', '--name-only', `${commit}~1`, commit).trim()).toBe(`${node}.txt`);
    expect(left(ended.runId)).toEqual([]);
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
  });

  test('streams meet at a point, people look at what was merged, and all go on from it', async () => {
    let files = '';
    const ended = await play('points', async (approval, runId) => {
      const { info } = await core.registry.of(runId, null);
      files = readdirSync(info.path).join(' ');
      expect(approval.subject.title).toBe('Agreed?');
      return approve;
    });
    expect(ended.status).toBe('completed');
    expect(files).toMatch(/contract\.txt.*mockup\.txt/);
    expect(
      of(ended, 'command.finished')
        .map(({ node, exitCode }) => `${node} ${exitCode}`)
        .toSorted(),
    ).toEqual(['sees-both 0', 'sees-contract 0', 'sees-mockup 0']);
    expect(of(ended, 'sync.reached').map(({ point, kind }) => [point, kind])).toEqual([
      ['agreed', 'integration'],
      ['half-way', 'progress'],
    ]);
    expect(left(ended.runId)).toEqual([]);
  });

  test('streams in a stream', async () => {
    const ended = await play('nested');
    expect(ended.status).toBe('completed');
    expect(['left', 'middle', 'right'].map((name) => onBranch(ended, `${name}.txt`))).toEqual([
      'left\n',
      'middle\n',
      'right\n',
    ]);
    expect(left(ended.runId)).toEqual([]);
  });

  test('a failure keeps what each stream had, and leaves no worktree', async () => {
    const ended = await play('fails', always('reject'));
    expect(ended.status).toBe('failed');
    expect(left(ended.runId)).toEqual([]);
    const tips = git('for-each-ref', '--format=%(refname)', 'refs/baton/tip/').split('\n');
    const own = tips.filter((ref) => ref.includes(`${ended.runId}.`));
    expect(own.flatMap((ref) => git('ls-tree', '--name-only', ref).split('\n'))).toEqual(
      expect.arrayContaining(['left.txt', 'right.txt']),
    );
  });

  test('stopped by hand: the same', async () => {
    const stop = Promise.withResolvers<string>();
    const playing = play('allowed', async (_approval, runId) => {
      stop.resolve(runId);
      await core.orchestrator.stop(runId, 'U');
      return approve;
    });
    const runId = await stop.promise;
    expect((await playing).status).toBe('cancelled');
    expect(left(runId)).toEqual([]);
    const ref = git('for-each-ref', '--format=%(refname)', 'refs/baton/tip/')
      .split('\n')
      .filter((name) => name.includes(`${runId}.asked`));
    expect(git('ls-tree', '--name-only', ref[0] ?? '')).toContain('left.txt');
  });
});

describe('a conflict', () => {
  test('is seen while both still work, then asked about with both sides, and the answer is taken', async () => {
    for (const [verdict, content] of [
      ['approve', 'one\n'],
      ['request_changes', 'two\n'],
    ] as const) {
      const asked: Approval[] = [];
      const ended = await play('asks', (approval) => {
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
      expect(onBranch(ended, 'both.txt')).toBe(content);
      expect(of(ended, 'stream.meets').map(({ paths }) => paths)).toEqual([['both.txt']]);
      expect(of(ended, 'conflict.resolved')).toMatchObject([
        { path: 'both.txt', took: verdict === 'approve' ? 'first' : 'second', by: 'person', who: 'V' },
      ]);
    }
  });

  test('that a person stops ends the run with nothing overwritten', async () => {
    const ended = await play('asks', always('reject'));
    expect(ended.status).toBe('failed');
    expect(onBranch(ended, 'both.txt')).toBe('one\n');
  });

  test('is settled by a rule', async () => {
    const ended = await play('rules');
    expect(onBranch(ended, 'both.txt')).toBe('two\n');
    expect(of(ended, 'conflict.resolved')).toMatchObject([{ took: 'second', by: 'rule' }]);
  });

  test('stops the run where the workflow says so', async () => {
    const ended = await play('stops');
    expect(ended.status).toBe('failed');
    expect(of(ended, 'result')[0]?.summary).toMatch(/two and what was merged before changed.*both\.txt/);
    expect(left(ended.runId)).toEqual([]);
  });

  test('is resolved by an agent that edits the file with both sides in it', async () => {
    const ended = await play('resolves');
    expect(ended.status).toBe('completed');
    expect(onBranch(ended, 'both.txt')).toBe('one and two\n');
    expect(of(ended, 'conflict.resolved')).toMatchObject([{ took: 'edited', by: 'agent', who: 'backend' }]);
  });

  test('that an agent leaves unresolved is taken back', async () => {
    const ended = await play('stubborn');
    expect(ended.status).toBe('failed');
    expect(of(ended, 'result')[0]?.summary).toMatch(/left conflict markers/);
    expect(onBranch(ended, 'both.txt')).toBe('one\n');
  });
});

describe('an approval in a stream', () => {
  test("stands while a sibling stream's work changes, and is void once its own does", async () => {
    const tries: string[] = [];
    const ended = await play('allowed', async (approval, runId) => {
      const streams = await core.registry.streams(runId);
      const folderOf = async (label: string): Promise<string> => {
        const found = streams.find(({ stream }) => stream.startsWith(`${label}-`));
        return (await core.registry.of(runId, found?.stream ?? '')).info.path;
      };
      expect(approval.subject.excerpt).toContain('left.txt');
      expect(approval.subject.excerpt).not.toContain('slow.txt');
      if (tries.length === 0) {
        await writeFile(path.join(await folderOf('asked'), 'left.txt'), 'changed\n');
        const refused = await decide(approval, 'approve');
        tries.push(refused?.ok === false ? refused.refusal : 'taken');
        return approve;
      }
      await writeFile(path.join(await folderOf('slow'), 'slow.txt'), 'half done\n');
      tries.push('asked anew');
      return approve;
    });
    expect(tries).toEqual(['content_changed', 'asked anew']);
    expect(ended.status).toBe('completed');
    expect(onBranch(ended, 'left.txt')).toBe('changed\n');
  });
});
