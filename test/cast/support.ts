import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { buildPrompt } from '../../src/agents/prompt.ts';
import { type PreparedCall, prepareCall } from '../../src/agents/tools.ts';
import type { Cast } from '../../src/cast/cast.ts';
import { loadCasts } from '../../src/cast/load.ts';
import { chooseCast, play } from '../../src/cast/play.ts';
import type { Entry } from '../../src/cast/transcript.ts';

export const castFile = (name: string): string =>
  fileURLToPath(new URL(`../../catalog/casts/${name}.yaml`, import.meta.url));

export const shippedCasts = (): Promise<Cast[]> => loadCasts([castFile('csv-export'), castFile('generic')]);

export interface Brief {
  readonly role: string;
  readonly node: string;
  readonly request: string;
  readonly feedback?: readonly string[];
}

const outputs = { architect: 'spec', reviewer: 'review' } as const;
const tools = ['list', 'read', 'search', 'write', 'edit', 'run'] as const;

/** What an agent is first told: the very prompt of the runner. */
export function opening({ role, node, request, feedback = [] }: Brief): { system: string; user: string } {
  const output = role === 'architect' || role === 'reviewer' ? outputs[role] : 'work';
  const [system, user] = buildPrompt({
    node,
    role: {
      name: role,
      title: role,
      description: '',
      capabilities: [],
      tier: 'standard',
      backup: null,
      tools: [...tools],
      output,
      model: null,
      instructions: 'Do your part.',
    },
    request,
    task: 'Do your part.',
    context: [{ node: 'before', agent: 'qa', summary: 'one\n\nFeedback: not for you\n1. at all' }],
    previous: { summary: 'what came before' },
    feedback: [...feedback],
    output,
    options: [],
    stream: null,
    testCommand: ['node', '--test'],
    limits: { turns: 40, tokens: 400_000, timeoutMs: 60_000 },
  });
  return { system: system?.text ?? '', user: user?.text ?? '' };
}

/** Plays a task to its end with the calls done in `folder`, as the runner would; returns the result's text. */
export async function perform(casts: readonly Cast[], brief: Brief, folder: string): Promise<string> {
  const { system, user } = opening(brief);
  const entries: Entry[] = [{ kind: 'user', text: user }];
  for (let turn = 0; turn < 20; turn += 1) {
    const transcript = { system, entries: [...entries], resultName: null, mayCall: true };
    const answer = play(transcript, chooseCast(transcript, casts));
    if (answer.calls.length === 0) return answer.text;
    entries.push({ kind: 'assistant', text: answer.text });
    for (const call of answer.calls)
      entries.push({ kind: 'tool', text: await applyCall(call.name, call.arguments, folder) });
  }
  throw new Error('The cast does not come to an end.');
}

/** As the agents' tools: the same checks of the call, and results of the same form. */
async function applyCall(name: string, input: string, folder: string): Promise<string> {
  const prepared = prepareCall(name, input, tools);
  if (!prepared.ok) throw new Error(prepared.problem);
  return carryOut(prepared.call, folder);
}

async function carryOut(call: PreparedCall, folder: string): Promise<string> {
  switch (call.tool) {
    case 'read':
      return readFile(join(folder, call.path), 'utf8').catch(() => 'no such file');
    case 'list':
    case 'search':
      return 'README.md';
    case 'write':
      await mkdir(dirname(join(folder, call.path)), { recursive: true });
      await writeFile(join(folder, call.path), call.content);
      return `wrote ${call.path}`;
    case 'edit': {
      const text = await readFile(join(folder, call.path), 'utf8');
      if (text.split(call.before).length !== 2) return 'edit failed: the text is not there exactly once';
      await writeFile(
        join(folder, call.path),
        text.replace(call.before, () => call.after),
      );
      return `wrote ${call.path}`;
    }
    case 'run': {
      const { code, output } = await runIn(folder, call.argv);
      return `${call.argv.join(' ')}: exit code ${code}.\n${output}`;
    }
    default:
      throw new Error(`no cast uses ${call.tool}`);
  }
}

const execute = promisify(execFile);

/** Runs a command without the test runner's own variables, which would change how `node --test` reports. */
export async function runIn(
  folder: string,
  argv: readonly string[],
): Promise<{ code: number; output: string }> {
  const [command = 'true', ...args] = argv;
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  try {
    const { stdout, stderr } = await execute(command, args, { cwd: folder, env });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const failed = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() }).parse(error);
    return { code: failed.code, output: failed.stdout + failed.stderr };
  }
}
