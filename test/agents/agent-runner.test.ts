import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { toFailure } from '../../src/domain/failure.ts';
import type { Json } from '../../src/domain/json.ts';
import type { Guidance } from '../../src/domain/steering.ts';
import { Crash, codeOf, newTrace } from './drive.ts';
import { type Answer, apis, type Turn, turnEvents } from './model-server.ts';
import { reviewer, workDone } from './support.ts';
import { SECRET, startWorld, type World } from './world.ts';

const open: World[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function world(...how: Parameters<typeof startWorld>): Promise<World> {
  const one = await startWorld(...how);
  open.push(one);
  return one;
}

const wholeWork: readonly Turn[] = [
  {
    text: 'I look first.',
    calls: [
      { name: 'list', args: { under: null } },
      { name: 'read', args: { path: 'src/a.js', from: null, to: null } },
    ],
  },
  {
    calls: [
      { name: 'write', args: { path: 'src/csv.js', content: 'module.exports = (rows) => rows.join();\n' } },
    ],
  },
  { calls: [{ name: 'edit', args: { path: 'src/csv.js', before: 'rows.join()', after: 'rows.join(",")' } }] },
  { calls: [{ name: 'run', args: { argv: null, command: 'node check.js', timeoutSeconds: null } }] },
  { text: workDone },
];

describe.each(apis)('an agent over %s', (api) => {
  it('reads what people say with its next turn, once, and a replay hears the same', async () => {
    const said: Guidance[] = [];
    const words = (id: string, target: string | null, text: string): Guidance => ({
      id,
      by: 'U1',
      kind: 'direction',
      priority: 'high',
      target,
      text,
    });
    const bodies: string[] = [];
    const { run } = await world(
      (asked) => {
        bodies.push(JSON.stringify(asked.body));
        if (bodies.length === 1)
          said.push(words('g1', null, `use streams ${SECRET}`), words('g2', 'qa', 'for qa alone'));
        return wholeWork[bodies.length - 1] ?? { text: workDone };
      },
      api,
      true,
      () => said,
    );
    const trace = newTrace();
    const result = await run({}, trace);
    const with1 = bodies.map((body) => body.split('use streams').length - 1);
    expect(with1).toEqual([0, 1, 1, 1, 1]);
    expect(bodies.join()).not.toContain('for qa alone');
    expect(bodies.join()).not.toContain(SECRET);
    expect(trace.events.filter(({ type }) => type === 'guidance.read')).toEqual([
      { type: 'guidance.read', guidanceId: 'g1', node: 'build', agent: 'backend' },
    ]);
    // From its journal nothing is asked anew, and what is said later changes nothing of it.
    said.push(words('g3', null, 'too late'));
    const replayed = newTrace(trace.journal);
    expect(await run({}, replayed)).toEqual(result);
    expect(replayed.performed).toEqual([]);
    expect(JSON.stringify([...trace.journal])).not.toContain('too late');
  });

  it('does its work by tools and ends with its typed result', async () => {
    const { run, workspace, server } = await world(wholeWork, api);
    const trace = newTrace();
    const result = await run({}, trace);
    expect(result).toEqual({
      summary: 'Done.',
      result: JSON.parse(workDone),
      quality: null,
      approved: null,
      findings: [],
      warnings: ['slow on huge input'],
    });
    expect(await readFile(join(workspace.folder, 'src/csv.js'), 'utf8')).toContain('rows.join(",")');
    expect(trace.labels).toEqual([
      'thinking',
      'looking around',
      'reading src/a.js',
      'thinking',
      'writing src/csv.js',
      'thinking',
      'editing src/csv.js',
      'thinking',
      'running node check.js',
      'thinking',
    ]);
    expect(trace.events).toEqual([
      {
        type: 'command.finished',
        node: 'build',
        command: 'node check.js',
        exitCode: 0,
        passed: 3,
        failed: 0,
        tail: 'pass 3 fail 0',
      },
    ]);
    // Every call of a tool is counted by its name, but a command, which is by its seconds.
    expect(trace.usage.map(({ kind, model }) => (kind === 'tool' ? model : kind))).toEqual([
      'model',
      'list',
      'read',
      'model',
      'write',
      'model',
      'edit',
      'model',
      'compute',
      'model',
    ]);
    expect(trace.usage[0]).toMatchObject({
      kind: 'model',
      agent: 'backend',
      model: 'rehearsal',
      inputTokens: 100,
      cachedTokens: 40,
      outputTokens: 10,
      reasoningTokens: 3,
      costUsd: 0,
    });
    expect(JSON.stringify(server.asked[1]?.body)).toContain('export const a = 1;');
  });

  it('repeats only the step that was under way when it crashes, wherever that is', async () => {
    const whole = await world(wholeWork, api);
    const trace = newTrace();
    const expected = await whole.run({}, trace);
    const steps = trace.performed.length;
    expect(steps).toBe(10);
    const lastRequest = JSON.stringify(whole.server.asked.at(-1)?.body);
    for (let crashAt = 1; crashAt <= steps; crashAt += 1) {
      const { run, workspace, server } = await world(wholeWork, api);
      const first = newTrace();
      await expect(run({}, first, crashAt)).rejects.toThrow(Crash);
      const second = newTrace(new Map<string, Json>(first.journal));
      expect(await run({}, second)).toEqual(expected);
      expect(first.performed.length + second.performed.length).toBe(steps + 1);
      expect(await readFile(join(workspace.folder, 'src/csv.js'), 'utf8')).toContain('rows.join(",")');
      // What the model reads after a replay is, to the letter, what it reads without a crash.
      expect(JSON.stringify(server.asked.at(-1)?.body)).toBe(lastRequest);
    }
  });

  it('repairs a wrong result at most twice', async () => {
    const wrong = JSON.stringify({ summary: 'Done.' });
    const repaired = await world(
      [{ text: 'I am done!' }, { text: wrong }, { text: `Here it is:\n\`\`\`json\n${workDone}\n\`\`\`` }],
      api,
    );
    expect((await repaired.run()).summary).toBe('Done.');
    expect(JSON.stringify(repaired.server.asked[1]?.body)).toContain('not one JSON object');
    expect(JSON.stringify(repaired.server.asked[2]?.body)).toContain('files: Invalid input');
    expect(repaired.server.asked[2]?.body['tool_choice']).toBe('none');

    const hopeless = await world(() => ({ text: wrong }), api);
    expect(await codeOf(hopeless.run())).toBe('terminal result_invalid');
    expect(hopeless.server.asked).toHaveLength(3);
  });

  it('carries out nothing of an answer cut at its length', async () => {
    const cut: Turn = {
      text: 'Writing',
      finish: 'length',
      calls: [{ name: 'write', args: { path: 'cut.js', content: 'half' } }],
    };
    const { run, workspace, server } = await world(
      (_asked, count) => (count === 1 ? cut : { text: workDone }),
      api,
    );
    expect((await run()).summary).toBe('Done.');
    expect(await workspace.files.list('.', 100)).not.toMatchObject({
      paths: expect.arrayContaining(['cut.js']),
    });
    expect(JSON.stringify(server.asked[1]?.body)).toContain('cut off at the length limit');
    const always = await world(() => cut, api);
    expect(await codeOf(always.run())).toBe('terminal model_truncated');
    expect(always.server.asked).toHaveLength(3);
  });

  it('asks a person when the model refuses, and keeps the cost', async () => {
    const { run } = await world([{ text: 'I will not.', finish: 'refusal' }], api);
    const trace = newTrace();
    expect(await codeOf(run({}, trace))).toBe('needs_person model_refused');
    expect(trace.usage).toHaveLength(1);
    expect(trace.journal.size).toBe(0);
  });
});

describe('faults of the model', () => {
  const answer = { text: workDone };
  it.each<[string, Answer, string]>([
    ['401', { status: 401, body: { error: { message: 'no' } } }, 'needs_person model_auth'],
    ['404', { status: 404, body: { error: { message: 'no' } } }, 'needs_person model_unknown'],
    ['400', { status: 400, body: { error: { message: 'no' } } }, 'terminal model_rejected'],
  ])('%s ends the step at once', async (_name, fault, code) => {
    const { run, server } = await world(() => fault);
    expect(await codeOf(run())).toBe(code);
    expect(server.asked).toHaveLength(1);
  });

  it.each<[string, Answer, number]>([
    ['429 without Retry-After', { status: 429 }, 0],
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '4' } }, 4_000],
    ['500', { status: 500 }, 0],
    ['a cut stream', { events: [], after: 'break' }, 0],
  ])('%s is tried again', async (_name, fault, wait) => {
    const { run, server } = await world((_asked, count) => (count <= 2 ? fault : answer));
    const trace = newTrace();
    expect((await run({}, trace)).summary).toBe('Done.');
    expect(server.asked).toHaveLength(3);
    expect(trace.waited).toEqual([wait, wait]);
    const never = await world(() => fault);
    expect(await codeOf(never.run())).toMatch(/^transient /);
    expect(never.server.asked).toHaveLength(5);
  });

  it('keeps the key out of what a server says about it', async () => {
    const { run } = await world(() => ({ status: 401, body: { error: { message: `wrong key ${SECRET}` } } }));
    const failure = await run().then(() => null, toFailure);
    expect(failure?.message).toContain('wrong key [redacted]');
  });

  it('counts tokens where a server reports none', async () => {
    const { run } = await world(() => ({ events: turnEvents('chat', answer).slice(0, -1) }));
    const trace = newTrace();
    await run({}, trace);
    expect(trace.usage[0]?.inputTokens).toBeGreaterThan(300);
    expect(trace.usage[0]?.outputTokens).toBeGreaterThan(10);
  });
});

describe('guards', () => {
  it('answers broken arguments, unknown and forbidden tools with what is wrong', async () => {
    const { run, server } = await world([
      {
        calls: [
          { id: 'a', name: 'read', args: '{"path": "src' },
          { id: 'b', name: 'deploy', args: {} },
          { id: 'c', name: 'read', args: { file: 'x' } },
          { id: 'd', name: 'write', args: { path: 'x', content: 'y' } },
        ],
      },
      { text: JSON.stringify({ summary: 's', quality: 55, approved: false, issues: ['i'] }) },
    ]);
    const trace = newTrace();
    const result = await run({ role: reviewer }, trace);
    expect(result).toMatchObject({ quality: 55, approved: false, findings: ['i'] });
    expect(trace.keys).toEqual(['turn-1', 'turn-2']);
    const seen = JSON.stringify(server.asked[1]?.body);
    expect(seen).toContain('not valid JSON');
    expect(seen).toContain('no tool \\"deploy\\" here; yours are read');
    expect(seen).toContain('path: Invalid input');
    expect(seen).toContain('no tool \\"write\\"');
    // Servers parse the arguments of the transcript again.
    const call = JSON.parse(seen).messages.find((item: { tool_calls?: unknown }) => item.tool_calls)
      .tool_calls[0];
    expect(JSON.parse(call.function.arguments)).toHaveProperty('unreadable');
  });

  it('warns of the same call thrice running and stops at the fifth', async () => {
    const { run, server } = await world(() => ({ calls: [{ name: 'read', args: { path: 'src/a.js' } }] }));
    const trace = newTrace();
    expect(await codeOf(run({}, trace))).toBe('terminal no_progress');
    expect(trace.keys.filter((key) => key.includes('call'))).toHaveLength(4);
    const warning = 'same call several times running';
    expect(server.asked.map((asked) => JSON.stringify(asked.body).includes(warning))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  it('ends endless work at the cap of turns, after saying so', async () => {
    const { run, server } = await world((_asked, count) => ({
      calls: [{ name: 'read', args: { path: 'src/a.js', from: count } }],
    }));
    expect(await codeOf(run({ limits: { turns: 4, tokens: 1e9, timeoutMs: 1e9 } }))).toBe(
      'terminal turn_limit',
    );
    expect(server.asked).toHaveLength(4);
    expect(server.asked.map((asked) => asked.body['tool_choice'])).toEqual(['auto', 'auto', 'auto', 'none']);
    expect(JSON.stringify(server.asked[3]?.body)).toContain('nearly at your limit');
  });

  it('ends at the caps of tokens and of time', async () => {
    const costly: Turn = { calls: [{ name: 'list', args: {} }], tokens: { input: 900, output: 90 } };
    const tokens = await world(() => costly);
    expect(await codeOf(tokens.run({ limits: { turns: 50, tokens: 2_000, timeoutMs: 1e9 } }))).toBe(
      'terminal token_limit',
    );
    expect(tokens.server.asked).toHaveLength(3);
    const time = await world(() => costly);
    expect(await codeOf(time.run({ limits: { turns: 50, tokens: 1e9, timeoutMs: 1 } }))).toBe(
      'terminal time_limit',
    );
  });

  it('carries out sixteen calls of a turn and says so of the rest', async () => {
    const calls = Array.from({ length: 20 }, (_, index) => ({
      id: `c${index}`,
      name: 'read',
      args: { path: 'src/a.js', from: index + 1 },
    }));
    const { run, server } = await world([{ calls }, { text: workDone }]);
    const trace = newTrace();
    await run({}, trace);
    expect(trace.keys.filter((key) => key.includes('call'))).toHaveLength(16);
    expect(JSON.stringify(server.asked[1]?.body).split('Not carried out').length - 1).toBe(4);
  });

  it('gives calls without an id one that is stable', async () => {
    const { run, server } = await world([
      { calls: [{ id: '', name: 'list', args: {} }] },
      { text: workDone },
    ]);
    await run();
    expect(JSON.stringify(server.asked[1]?.body)).toContain('"tool_call_id":"call-1-1"');
  });
});

describe('secrets', () => {
  it('are neither sent to the model nor journalled, whoever brings them', async () => {
    const { run, server, workspace } = await world([
      {
        text: `I guess ${SECRET}`,
        calls: [
          { name: 'read', args: { path: '.env' } },
          { name: 'search', args: { query: 'TOKEN' } },
          { name: 'run', args: { argv: ['cat', '.env'] } },
        ],
      },
      { calls: [{ name: 'write', args: { path: '.env', content: 'TOKEN_X=[redacted]\nNEW=1\n' } }] },
      { text: workDone },
    ]);
    const trace = newTrace();
    await run({ request: `use ${SECRET}` }, trace);
    const bodies = JSON.stringify(server.asked.map((asked) => asked.body));
    const kept = JSON.stringify([[...trace.journal], trace.events]);
    expect(bodies).not.toContain(SECRET);
    expect(kept).not.toContain(SECRET);
    expect(bodies).toContain('TOKEN_X=[redacted]');
    // The model never saw the secret, so writing the file back must not erase it.
    expect(await readFile(join(workspace.folder, '.env'), 'utf8')).toContain(SECRET);
    expect(bodies).toContain('would erase it');
  });
});

describe('the workspace', () => {
  it('runs no command the guard does not let pass, and tells the agent why', async () => {
    const { run, server, workspace } = await world([
      { calls: [{ name: 'run', args: { argv: ['curl', 'x'] } }] },
      { text: workDone },
    ]);
    await run();
    expect(workspace.commands).toEqual([]);
    expect(JSON.stringify(server.asked[1]?.body)).toContain('bob said no');
  });

  it('gives a command no more time than the task has left', async () => {
    const turns: Turn[] = [
      { calls: [{ name: 'run', args: { argv: ['node', 'check.js'] } }] },
      { text: workDone },
    ];
    const given = async (timeoutMs: number) => {
      const { run, workspace } = await world(turns);
      await run({ limits: { turns: 50, tokens: 1e9, timeoutMs } });
      return workspace.commands[0]?.timeoutMs ?? 0;
    };
    const short = await given(60_000);
    expect(short).toBeLessThanOrEqual(60_000);
    expect(short).toBeGreaterThan(1_000);
    expect(await given(1e9)).toBe(120_000);
  });

  it('gives the model its own mistakes and people what only they can solve', async () => {
    const mistakes = await world([
      {
        calls: [
          { name: 'read', args: { path: '../../etc/passwd' } },
          { name: 'read', args: { path: 'nowhere.js' } },
          { name: 'edit', args: { path: 'src/a.js', before: 'zzz', after: 'y' } },
        ],
      },
      { text: workDone },
    ]);
    await mistakes.run();
    const seen = JSON.stringify(mistakes.server.asked[1]?.body);
    expect(seen).toContain('outside the worktree');
    expect(seen).toContain('ENOENT');
    expect(seen).toContain('exactly once');

    const unsafe = await world(
      [{ calls: [{ name: 'run', args: { argv: ['ls'] } }] }, { text: workDone }],
      'chat',
      false,
    );
    expect(await codeOf(unsafe.run())).toBe('needs_person sandbox_missing');
  });
});
