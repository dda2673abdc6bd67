import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/domain/failure.ts';
import { Crash, codeOf, newTrace } from './drive.ts';
import { startModelServer, type Turn } from './model-server.ts';
import { found, type RunnerWorld, runnerWorld, SECRET } from './runner-world.ts';
import { backend } from './support.ts';

if (found.kind === 'none') console.warn(`SKIPPED in part: what only a sandbox keeps. ${found.reason}`);

/** What an agent is to do in a test, in words that every kind of player can be scripted by. */
interface Part {
  /** Written through the tools, or by the program's own hands. */
  readonly write?: { readonly path: string; readonly content: string };
  readonly read?: string;
  readonly run?: readonly string[];
  /** Its last words, in order; the last is repeated. `%heard%` is what a program saw. */
  readonly says: readonly string[];
}

type Permit = (argv: readonly string[]) => boolean;

interface Player {
  readonly name: string;
  /** Whether its acts pass one by one through our tools. */
  readonly byTools: boolean;
  readonly play: (part: Part, permit?: Permit) => Promise<RunnerWorld>;
}

const result = (warnings: readonly string[] = []) =>
  JSON.stringify({ summary: 'Done.', files: ['src/csv.js'], warnings });

function turnsOf({ write, read, run, says }: Part): Turn[] {
  const calls = [
    ...(read === undefined ? [] : [{ name: 'read', args: { path: read, from: null, to: null } }]),
    ...(write === undefined ? [] : [{ name: 'write', args: write }]),
    ...(run === undefined ? [] : [{ name: 'run', args: { argv: run } }]),
  ];
  return [...calls.map((call) => ({ calls: [call] })), ...says.map((text) => ({ text }))];
}

function acpScript({ write, read, run, says }: Part) {
  const [command, ...args] = run ?? [];
  const acts = [
    ...(read === undefined ? [] : [{ act: 'read', path: read }]),
    ...(write === undefined ? [] : [{ act: 'write', ...write }]),
    ...(run === undefined ? [] : [{ act: 'run', command, args }]),
  ];
  return says.map((text, at) => [...(at === 0 ? acts : []), { act: 'say', text }]);
}

const players: readonly Player[] = [
  ...(['responses', 'chat', 'rehearsal'] as const).map((api) => ({
    name: api === 'rehearsal' ? 'the rehearsal' : `openai ${api}`,
    byTools: true,
    play: (part: Part, permit?: Permit) => runnerWorld({ kind: 'model', api, turns: turnsOf(part) }, permit),
  })),
  {
    name: 'acp',
    byTools: true,
    play: (part, permit) => runnerWorld({ kind: 'acp', script: acpScript(part) }, permit),
  },
  {
    name: 'command',
    byTools: false,
    play: ({ write, read, says }, permit) =>
      runnerWorld(
        {
          kind: 'command',
          script: [
            ...(read === undefined ? [] : [{ act: 'read', path: read }]),
            ...(write === undefined ? [] : [{ act: 'write', ...write }]),
            { act: 'print', text: says[0] },
          ],
        },
        permit,
      ),
  },
];

/** Processes whose folder is the worktree. */
function livingIn(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder;
    } catch {
      return false;
    }
  });
}

const CSV = { path: 'src/csv.js', content: 'module.exports = (rows) => rows.join(",");\n' };

describe.each(players)('every runner: $name', ({ byTools, play }) => {
  it('changes the worktree and ends with its typed result, the checkout untouched', async () => {
    await using world = await play({ write: CSV, says: [result(['slow'])] });
    const trace = newTrace();
    expect(await world.run({}, trace)).toEqual({
      summary: 'Done.',
      result: JSON.parse(result(['slow'])),
      quality: null,
      approved: null,
      findings: [],
      warnings: ['slow'],
    });
    expect(readFileSync(join(world.workspace.info.path, 'src/csv.js'), 'utf8')).toBe(CSV.content);
    expect(readdirSync(join(world.place.repository, 'src'))).toEqual(['a.js']);
    expect(livingIn(world.workspace.info.path)).toEqual([]);
    // Every effect is a step of its own, and named like no other.
    expect(trace.keys.length).toBeGreaterThanOrEqual(byTools ? 3 : 1);
  });

  it('comes to the same end whatever step it is killed at', async () => {
    const part: Part = { write: CSV, says: [result()] };
    await using whole = await play(part);
    const trace = newTrace();
    const wanted = await whole.run({}, trace);
    for (let crashAt = 1; crashAt <= trace.performed.length; crashAt += 1) {
      await using world = await play(part);
      const first = newTrace();
      await expect(world.run({}, first, crashAt)).rejects.toBeInstanceOf(Crash);
      await world.forget();
      const second = newTrace(first.journal);
      expect(await world.run({}, second)).toEqual(wanted);
      expect(readFileSync(join(world.workspace.info.path, 'src/csv.js'), 'utf8')).toBe(CSV.content);
      // What had been kept was not done again.
      expect(second.performed.length).toBeLessThanOrEqual(
        trace.performed.length - (crashAt - 1) + (byTools ? 3 : 0),
      );
    }
  }, 60_000);

  it('ends clearly where there is no usable result', async () => {
    await using world = await play({ says: ['I think it is fine.'] });
    expect(await codeOf(world.run())).toBe('terminal result_invalid');
    expect(livingIn(world.workspace.info.path)).toEqual([]);
  });

  it('keeps secrets out of the journal', async () => {
    await using world = await play({ read: '.env', says: [result([`%heard% ${SECRET}`])] });
    const trace = newTrace();
    const { warnings } = await world.run({ request: `use ${SECRET}` }, trace);
    expect(JSON.stringify([[...trace.journal], trace.events])).not.toContain(SECRET);
    expect(warnings[0]).toContain('[redacted]');
  });

  it('starts nothing that the guard refuses', async () => {
    await using world = await play({ run: ['node', 'check.js'], says: [result(['%heard%'])] }, () => false);
    const trace = newTrace();
    const outcome = await world.run({}, trace).then(({ summary }) => summary, codeFrom);
    expect(world.asked.length).toBeGreaterThan(0);
    expect(trace.events).toEqual([]);
    expect(['Done.', 'terminal runner_not_allowed']).toContain(outcome);
  });
});

function codeFrom(error: unknown): Promise<string> {
  return codeOf(Promise.reject(error));
}

const acp = (script: unknown, permit?: Permit) => runnerWorld({ kind: 'acp', script }, permit);
const end = { act: 'say', text: result(['%heard%']) };
const soon = { turns: 4, tokens: 1e9, timeoutMs: 1_500 };

describe('an agent over ACP', () => {
  it('has its commands run by us, as steps that are told', async () => {
    await using world = await acp([[{ act: 'run', command: 'node', args: ['check.js'] }, end]]);
    const trace = newTrace();
    const { warnings } = await world.run({}, trace);
    expect(warnings.join()).toContain('run: 0 checked');
    expect(trace.events).toMatchObject([{ type: 'command.finished', command: 'node check.js', exitCode: 0 }]);
    expect(world.asked).toContainEqual(['node', 'check.js']);
    expect(trace.keys).toEqual(['exchange-1', 'ask-1', 'exchange-2', 'farewell']);
  });

  it('reads a part of a file, and hears why a path outside is not read or written', async () => {
    await using world = await acp([
      [
        { act: 'read', path: 'src/a.js', line: 2, limit: 1 },
        { act: 'read', path: '/etc/hostname' },
        { act: 'write', path: '../out.js', content: 'x' },
        { act: 'read', path: 'nowhere.js' },
        end,
      ],
    ]);
    const heard = (await world.run()).warnings.join('\n');
    expect(heard).toContain('two');
    expect(heard).toContain('/etc/hostname is outside the worktree');
    expect(heard).toContain('out.js is outside the worktree');
    expect(heard).toContain('There is no file nowhere.js');
  });

  it('is given the rights of its role and no more, by capability and by answer', async () => {
    const script = [
      [
        { act: 'environment' },
        { act: 'write', path: 'x.js', content: 'x' },
        { act: 'run', command: 'node', args: ['check.js'] },
        { act: 'permit', kind: 'edit', title: 'Edit x.js' },
        { act: 'permit', kind: 'fetch', title: 'Fetch a page' },
        { act: 'permit', kind: 'read', title: 'Read a.js' },
        end,
      ],
    ];
    await using world = await acp(script);
    const { warnings } = await world.run({ role: { ...backend, runner: 'them', tools: ['read'] } });
    const [environment, write, ran, edit, fetch, read] = warnings[0]?.split('","') ?? [];
    expect(environment).toContain('writeTextFile');
    expect(environment).toMatch(/terminal\W+false/);
    expect(write).toContain('Your role changes no files');
    expect(ran).toContain('Your role runs no commands');
    expect(edit).toContain('o-reject_once');
    expect(fetch).toContain('o-reject_once');
    expect(read).toContain('o-allow_once');
    expect(world.asked).toHaveLength(1);
  });

  it('asks us before a command of its own, and is told yes for once, never for ever', async () => {
    const permit = { act: 'permit', kind: 'execute', title: 'Run', command: 'npm test' };
    await using world = await acp(
      [[permit, { ...permit, command: 'curl x' }, end]],
      (argv) => argv[0] !== 'curl',
    );
    const { warnings } = await world.run();
    expect(warnings[0]).toContain('o-allow_once');
    expect(warnings[0]).toContain('o-reject_once');
    expect(warnings[0]).not.toContain('o-allow_always');
    expect(world.asked.slice(1)).toEqual([
      ['npm', 'test'],
      ['curl', 'x'],
    ]);
  });

  it('is asked again for a result that does not fit', async () => {
    await using world = await acp([[{ act: 'say', text: 'Done!' }], [end]]);
    const trace = newTrace();
    expect((await world.run({}, trace)).summary).toBe('Done.');
    expect(trace.keys).toEqual(['exchange-1', 'exchange-2', 'farewell']);
  });

  it('that dies is begun anew and told what was done', async () => {
    await using world = await acp([
      [{ act: 'write', path: 'one.js', content: '1' }, { act: 'die-once', mark: 'mark' }, end],
    ]);
    const trace = newTrace();
    expect((await world.run({}, trace)).summary).toBe('Done.');
    expect(trace.waited).toHaveLength(1);
  });

  it('that asks for the same things in turn, over and over, is stopped', async () => {
    const round = [
      { act: 'read', path: 'src/a.js' },
      { act: 'write', path: 'one.js', content: '1' },
    ];
    await using world = await acp([Array.from({ length: 8 }, () => round).flat()]);
    const limits = { turns: 50, tokens: 1e9, timeoutMs: 60_000, idleTurns: 12 };
    const trace = newTrace();
    expect(await codeOf(world.run({ limits }, trace))).toBe('terminal no_progress');
    expect(trace.keys.filter((key) => key.includes('ask-'))).toHaveLength(9);
  });

  it('ends when its time is up, and nothing of it lives', async () => {
    await using world = await acp([[{ act: 'hang' }]]);
    expect(await codeOf(world.run({ limits: soon }))).toBe('terminal time_limit');
    expect(livingIn(world.workspace.info.path)).toEqual([]);
  });

  it.each([
    [
      'asks without end',
      [{ act: 'ask-for-ever' }],
      'terminal turn_limit',
      { turns: 2, tokens: 1e9, timeoutMs: 60_000 },
    ],
    ['exits', [{ act: 'exit', code: 3 }], 'transient runner_ended', soon],
    [
      'complains without end',
      [{ act: 'grumble', bytes: 17 * 1024 * 1024 }, { act: 'hang' }],
      'terminal runner_failed',
      soon,
    ],
    ['refuses', [{ act: 'stop', reason: 'refusal' }], 'needs_person model_refused', soon],
    [
      'floods its output with what is no message',
      [{ act: 'raw', text: 'hello\n', times: 500 }, { act: 'hang' }],
      'transient runner_ended',
      soon,
    ],
    [
      'sends half a message for ever',
      [{ act: 'raw', text: 'x', times: 9_000_000 }, { act: 'hang' }],
      'transient runner_ended',
      { ...soon, timeoutMs: 10_000 },
    ],
  ])('that %s ends in a clear state', async (_what, acts, code, limits) => {
    await using world = await acp([acts]);
    expect(await codeOf(world.run({ limits }))).toBe(code);
    expect(livingIn(world.workspace.info.path)).toEqual([]);
  });

  it('that takes more memory than it may is ended with all it began, says why, and keeps what it did', async () => {
    const acts = [{ act: 'own-write', path: 'kept.js', content: 'kept' }, { act: 'hog' }];
    await using world = await runnerWorld({ kind: 'acp', script: [acts] }, () => true, { memory: 512 });
    const failure = toFailure(await world.run().catch((error: unknown) => error));
    expect(failure).toMatchObject({ class: 'terminal', code: 'runner_failed' });
    expect(failure.message).toContain('resource limit');
    expect(failure.message).toContain('memory');
    expect(livingIn(world.workspace.info.path)).toEqual([]);
    expect(readFileSync(join(world.workspace.info.path, 'kept.js'), 'utf8')).toBe('kept');
  });

  it('that is not there is named, with what to do', async () => {
    await using world = await runnerWorld({ kind: 'acp', script: [], command: 'no-such-agent' });
    expect(await codeOf(world.run())).toMatch(/^(needs_person runner_unusable)$/);
  });

  it.skipIf(found.kind === 'none')(
    'has a clean environment and the worktree as the one place to write',
    async () => {
      await using world = await acp([
        [
          { act: 'environment' },
          { act: 'own-write', path: '/tmp/../etc/x', content: 'x' },
          { act: 'own-write', path: '.git/config', content: 'x' },
          { act: 'own-read', path: '/proc/1/environ' },
          { act: 'own-write', path: 'mine.js', content: 'mine' },
          end,
        ],
      ]);
      const heard = (await world.run()).warnings[0] ?? '';
      expect(heard).toContain('OWN');
      expect(heard).not.toContain('VITEST');
      expect(heard.match(/own-write: done/g)).toHaveLength(1);
      expect(readFileSync(join(world.workspace.info.path, 'mine.js'), 'utf8')).toBe('mine');
    },
  );

  it('is ended with its worktree', async () => {
    await using world = await acp([[{ act: 'write', path: 'one.js', content: '1' }, { act: 'hang' }]]);
    const trace = newTrace();
    await expect(world.run({}, trace, 2)).rejects.toBeInstanceOf(Crash);
    expect(livingIn(world.workspace.info.path)).not.toEqual([]);
    await world.place.workspaces.close('run_1');
    expect(livingIn(world.workspace.info.path)).toEqual([]);
  });
});

const command = (script: unknown) => runnerWorld({ kind: 'command', script });

describe('a program as an agent', () => {
  it('is given its task as JSON and nothing of our environment', async () => {
    await using world = await command([{ act: 'environment' }, { act: 'print', text: result(['%heard%']) }]);
    const { warnings } = await world.run();
    expect(warnings[0]).toContain('1 backend work true');
    expect(warnings[0]).not.toContain('VITEST');
  });

  it.each([
    ['fails', [{ act: 'exit', code: 3 }], 'terminal runner_failed'],
    ['floods', [{ act: 'flood' }], 'terminal runner_failed'],
    ['hangs', [{ act: 'hang' }], 'terminal time_limit'],
    ['says nothing', [], 'terminal result_invalid'],
  ])('that %s ends in a clear state', async (_what, script, code) => {
    await using world = await command(script);
    expect(await codeOf(world.run({ limits: soon }))).toBe(code);
    expect(livingIn(world.workspace.info.path)).toEqual([]);
  });

  it('may speak to the model through us, without the key, and to nothing else', async () => {
    const server = await startModelServer(() => ({ body: { fine: true } }));
    const other = await startModelServer(() => ({ body: { other: true } }));
    const script = [
      { act: 'fetch', path: 'chat/completions' },
      { act: 'fetch', path: '../admin/keys' },
      { act: 'fetch', path: `${other.url}/x` },
      { act: 'print', text: result(['%heard%']) },
    ];
    await using world = await runnerWorld({ kind: 'command', script, model: server.url });
    const [heard = ''] = (await world.run()).warnings;
    expect(heard).toContain('200 {\\"fine\\":true} with kept-by-baton');
    expect(server.asked.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
    expect(heard).toContain('403');
    if (found.kind === 'bubblewrap') expect(other.asked).toEqual([]);
    await server.close();
    await other.close();
  });
});
