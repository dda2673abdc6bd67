import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
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

/** What an agent is first told, in the form the runner gives it. */
export function opening({ role, node, request, feedback = [] }: Brief): { system: string; user: string } {
  const told = feedback.length > 0 ? `\nFeedback:\n${feedback.map((text) => `- ${text}`).join('\n')}\n` : '';
  return {
    system: `Role: ${role}\nYou are one of several agents.`,
    user: `Node: ${node}\nRequest: ${request}\n\nTask: do your part.\n${told}`,
  };
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
      entries.push({ kind: 'tool', text: await applyCall(call.name, JSON.parse(call.arguments), folder) });
  }
  throw new Error('The cast does not come to an end.');
}

const toolSchemas = {
  read: z.object({ path: z.string() }),
  list: z.object({ under: z.string() }),
  write: z.object({ path: z.string(), content: z.string() }),
  edit: z.object({ path: z.string(), before: z.string(), after: z.string() }),
  run: z.object({ argv: z.array(z.string()).min(1) }),
};

async function applyCall(name: string, input: unknown, folder: string): Promise<string> {
  switch (name) {
    case 'read':
      return readFile(join(folder, toolSchemas.read.parse(input).path), 'utf8').catch(() => 'no such file');
    case 'list':
      toolSchemas.list.parse(input);
      return 'README.md';
    case 'write': {
      const { path, content } = toolSchemas.write.parse(input);
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
      return 'written';
    }
    case 'edit': {
      const { path, before, after } = toolSchemas.edit.parse(input);
      const text = await readFile(join(folder, path), 'utf8');
      if (text.split(before).length !== 2) return 'error: the text before is not there exactly once';
      await writeFile(
        join(folder, path),
        text.replace(before, () => after),
      );
      return 'edited';
    }
    case 'run': {
      const { argv } = toolSchemas.run.parse(input);
      const { code, output } = await runIn(folder, argv);
      return `exit ${code}\n${output}`;
    }
    default:
      throw new Error(`The cast calls a tool nobody has: ${name}`);
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
