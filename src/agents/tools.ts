import { z } from 'zod';
import type { AgentRole } from '../domain/agent.ts';
import { NOTE_CHARS, noteKinds } from '../domain/agent-note.ts';
import { type Json, jsonSchema } from '../domain/json.ts';
import { showCommand, splitCommandLine } from './command-line.ts';
import { describeIssues, strictJsonSchema } from './json-schema.ts';
import type { ToolDefinition } from './transcript.ts';

type NoteKind = (typeof noteKinds)[number];
export type ToolName = AgentRole['tools'][number];

/** A call that is understood and allowed: what the implementation carries out. */
export type PreparedCall =
  | { readonly tool: 'list'; readonly under: string; readonly glob: string | null }
  | { readonly tool: 'read'; readonly path: string; readonly from: number | null; readonly to: number | null }
  | {
      readonly tool: 'search';
      readonly query: string;
      readonly under: string;
      readonly pattern: boolean;
      readonly ignoreCase: boolean;
      readonly glob: string | null;
    }
  | { readonly tool: 'memory'; readonly query: string }
  | { readonly tool: 'diff' }
  | { readonly tool: 'log'; readonly path: string | null; readonly count: number }
  | { readonly tool: 'write'; readonly path: string; readonly content: string }
  | { readonly tool: 'edit'; readonly path: string; readonly before: string; readonly after: string }
  | { readonly tool: 'patch'; readonly patch: string }
  | { readonly tool: 'ask'; readonly question: string; readonly why: string }
  | { readonly tool: 'emit'; readonly event: string; readonly payload: Json }
  | { readonly tool: 'tell'; readonly to: string; readonly kind: NoteKind; readonly text: string }
  | { readonly tool: 'run'; readonly argv: readonly string[]; readonly timeoutMs: number };

export type Preparation =
  | { readonly ok: true; readonly call: PreparedCall }
  | { readonly ok: false; readonly problem: string };

/** Seconds: test suites take minutes, and an agent that waits longer is better told so. */
const DEFAULT_RUN_SECONDS = 120;
const MAX_RUN_SECONDS = 600;
/** Commits of one look at the history. */
const MAX_LOG = 50;
const DEFAULT_LOG = 10;

const path = z.string().min(1).describe('Path relative to the root of the repository.');
const under = z.string().nullish().describe('Folder to look in; null for the whole repository.');
const glob = z
  .string()
  .min(1)
  .max(200)
  .nullish()
  .describe('Only paths that match as a whole, such as "**/*.ts"; null for all.');
const line = z.number().int().min(1).nullish();

const schemas = {
  list: z.object({ under, glob }),
  read: z.object({
    path,
    from: line.describe('First line, from 1; null for the beginning.'),
    to: line.describe('Last line, included; null for the end.'),
  }),
  search: z.object({
    query: z.string().min(1).max(1_000).describe('Literal text, or a pattern where pattern is true.'),
    pattern: z
      .boolean()
      .nullish()
      .describe(
        'Whether query is a regular expression, matched line by line; no look-around, no references back.',
      ),
    ignoreCase: z.boolean().nullish(),
    under,
    glob,
  }),
  memory: z.object({
    query: z.string().min(1).max(300).describe('A few words: what you want to know of earlier work here.'),
  }),
  write: z.object({ path, content: z.string().describe('The whole new content of the file.') }),
  edit: z.object({
    path,
    before: z.string().min(1).describe('Text that occurs exactly once in the file, copied exactly.'),
    after: z.string().describe('What takes its place.'),
  }),
  patch: z.object({
    patch: z.string().min(1).describe('A unified diff of one or more files, as "git diff" prints it.'),
  }),
  diff: z.object({}),
  log: z.object({
    path: z.string().nullish().describe('A file or folder; null for everything.'),
    count: z.number().int().min(1).max(MAX_LOG).nullish().describe('Commits, newest first.'),
  }),
  ask: z.object({
    question: z
      .string()
      .min(1)
      .max(150)
      .describe('One question that can be answered with yes or no, and a comment.'),
    why: z.string().min(1).max(2_000).describe('What the person needs to know to answer it.'),
  }),
  emit: z.object({
    event: z.string().min(1).describe('The name of an event that was declared.'),
    payload: z.string().nullish().describe('What the event says: one JSON object as text; null for none.'),
  }),
  tell: z.object({
    to: z.string().min(1).max(64).describe('The name of another agent of this work, or "all".'),
    kind: z.enum(noteKinds),
    text: z.string().min(1).max(NOTE_CHARS).describe('What the other needs to know, by itself.'),
  }),
  run: z.object({
    argv: z.array(z.string()).nullish().describe('Program and arguments, e.g. ["npm","test"]. Preferred.'),
    command: z.string().nullish().describe('Instead of argv: one command line. No pipes, no variables.'),
    timeoutSeconds: z.number().min(1).max(MAX_RUN_SECONDS).nullish(),
  }),
} as const;

const descriptions: Readonly<Record<ToolName, string>> = {
  list: 'Lists the files of the repository.',
  read: 'Reads a text file, or some of its lines.',
  search: 'Finds lines with a text, or that match a pattern, in the files of the repository.',
  memory:
    'Finds what earlier work in this repository decided, was told by people, and came to. Ask before you decide what others may have decided.',
  write: 'Creates a file or replaces it as a whole. For a change to an existing file use edit.',
  edit: 'Replaces one piece of text in a file.',
  patch: 'Changes files by a unified diff: all of it, or nothing where a part does not fit.',
  diff: 'Shows what was changed since the work began.',
  log: 'Shows commits of the repository.',
  ask: 'Asks a person a question and waits for the answer, which may take hours. Only where you cannot go on without.',
  emit: 'Publishes an event to other runs.',
  tell: 'Leaves a note for another agent that works on the same request, or for all; it is read at the next turn. Not for people.',
  run: 'Runs one command at the root of the repository, without a shell and without network.',
};

/** The name of the tool by which an agent waits for another task; no role has it, only tasks that have others beside them. */
export const NEED = 'need';
export const needSchema = z.object({
  task: z.string().min(1).describe('The id of a task under Others.'),
  why: z
    .string()
    .min(1)
    .max(300)
    .describe('What of it you cannot go on without, in one sentence for people.'),
});

/** How an agent says that it cannot go on without what another task makes. */
export function needDefinition(): ToolDefinition {
  return {
    name: NEED,
    description:
      'Waits until another task of this workflow is done, and brings its work into your files. Only where you cannot go on without.',
    parameters: strictJsonSchema(needSchema),
  };
}

/** Checks the arguments of that call; a problem is for the model, as in {@link prepareCall}. */
export function prepareNeed(
  argumentsText: string,
):
  | { readonly ok: true; readonly wanted: z.infer<typeof needSchema> }
  | { readonly ok: false; readonly problem: string } {
  const parsed = parseArguments(argumentsText);
  if (!parsed.ok) return parsed;
  const input = needSchema.safeParse(parsed.value);
  return input.success
    ? { ok: true, wanted: input.data }
    : { ok: false, problem: `The arguments of ${NEED} do not fit: ${describeIssues(input.error)}.` };
}

/** The tools of a role as they are offered to the model. */
export function toolDefinitions(names: readonly ToolName[]): ToolDefinition[] {
  return names.map((name) => ({
    name,
    description: descriptions[name],
    parameters: strictJsonSchema(schemas[name]),
  }));
}

/** The same, each made once: a schema takes longer to make than all else that a turn needs. */
export function createToolOffer(): (names: readonly ToolName[]) => ToolDefinition[] {
  const made = new Map<ToolName, ToolDefinition[]>();
  return (names) =>
    names.flatMap((name) => {
      const known = made.get(name) ?? toolDefinitions([name]);
      made.set(name, known);
      return known;
    });
}

/** Checks a call as the model wrote it. `problem` is for the model: it says what to do instead. */
export function prepareCall(name: string, argumentsText: string, allowed: readonly ToolName[]): Preparation {
  const tool = allowed.find((candidate) => candidate === name);
  if (tool === undefined) {
    const known = allowed.length === 0 ? 'you have none' : `yours are ${allowed.join(', ')}`;
    return { ok: false, problem: `There is no tool "${name.slice(0, 60)}" here; ${known}.` };
  }
  const parsed = parseArguments(argumentsText);
  if (!parsed.ok) return parsed;
  const fail = (error: z.ZodError): Preparation => ({
    ok: false,
    problem: `The arguments of ${tool} do not fit: ${describeIssues(error)}.`,
  });
  switch (tool) {
    case 'list': {
      const input = schemas.list.safeParse(parsed.value);
      return input.success
        ? ready({ tool, under: input.data.under ?? '.', glob: input.data.glob ?? null })
        : fail(input.error);
    }
    case 'read': {
      const input = schemas.read.safeParse(parsed.value);
      if (!input.success) return fail(input.error);
      return ready({ tool, path: input.data.path, from: input.data.from ?? null, to: input.data.to ?? null });
    }
    case 'search': {
      const input = schemas.search.safeParse(parsed.value);
      if (!input.success) return fail(input.error);
      const { query, under: folder, pattern, ignoreCase, glob: paths } = input.data;
      return ready({
        tool,
        query,
        under: folder ?? '.',
        pattern: pattern ?? false,
        ignoreCase: ignoreCase ?? false,
        glob: paths ?? null,
      });
    }
    case 'memory': {
      const input = schemas.memory.safeParse(parsed.value);
      return input.success ? ready({ tool, query: input.data.query }) : fail(input.error);
    }
    case 'write': {
      const input = schemas.write.safeParse(parsed.value);
      return input.success ? ready({ tool, ...input.data }) : fail(input.error);
    }
    case 'edit': {
      const input = schemas.edit.safeParse(parsed.value);
      return input.success ? ready({ tool, ...input.data }) : fail(input.error);
    }
    case 'patch': {
      const input = schemas.patch.safeParse(parsed.value);
      return input.success ? ready({ tool, ...input.data }) : fail(input.error);
    }
    case 'diff':
      return ready({ tool });
    case 'log': {
      const input = schemas.log.safeParse(parsed.value);
      return input.success
        ? ready({ tool, path: input.data.path ?? null, count: input.data.count ?? DEFAULT_LOG })
        : fail(input.error);
    }
    case 'ask': {
      const input = schemas.ask.safeParse(parsed.value);
      return input.success ? ready({ tool, ...input.data }) : fail(input.error);
    }
    case 'emit': {
      const input = schemas.emit.safeParse(parsed.value);
      return input.success ? prepareEmit(input.data.event, input.data.payload ?? '{}') : fail(input.error);
    }
    case 'tell': {
      const input = schemas.tell.safeParse(parsed.value);
      return input.success ? ready({ tool, ...input.data }) : fail(input.error);
    }
    case 'run': {
      const input = schemas.run.safeParse(parsed.value);
      return input.success ? prepareRun(input.data) : fail(input.error);
    }
    default: {
      const never: never = tool;
      return never;
    }
  }
}

function ready(call: PreparedCall): Preparation {
  return { ok: true, call };
}

function prepareEmit(event: string, text: string): Preparation {
  const payload = parseArguments(text);
  if (!payload.ok) return { ok: false, problem: `The payload does not fit: ${payload.problem}` };
  return ready({ tool: 'emit', event, payload: jsonSchema.parse(payload.value) });
}

function prepareRun(input: z.infer<typeof schemas.run>): Preparation {
  const timeoutMs = (input.timeoutSeconds ?? DEFAULT_RUN_SECONDS) * 1_000;
  const argv = input.argv ?? [];
  // Some models put the whole line into the first word.
  const only = argv.length === 1 ? argv[0] : undefined;
  const commandLine = argv.length === 0 ? (input.command ?? '') : only?.includes(' ') ? only : null;
  if (commandLine === null) {
    if (argv[0] === '') return { ok: false, problem: 'The command is empty.' };
    return ready({ tool: 'run', argv, timeoutMs });
  }
  const split = splitCommandLine(commandLine);
  return split.ok ? ready({ tool: 'run', argv: split.argv, timeoutMs }) : split;
}

function parseArguments(
  text: string,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ok: true, value };
    return { ok: false, problem: 'The arguments must be one JSON object.' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'not JSON';
    return {
      ok: false,
      problem: `The arguments are not valid JSON (${reason}). Nothing was executed; call again.`,
    };
  }
}

/** Characters of a label: it stands in one line of the epic. */
const LABEL_CHARS = 70;

/** What people read while the call is under way: "writing src/export/csv.js". */
export function labelOf(call: PreparedCall): string {
  switch (call.tool) {
    case 'list':
      return call.under === '.' || call.under === '' ? 'looking around' : cut(`looking around ${call.under}`);
    case 'read':
      return cut(`reading ${call.path}`);
    case 'search':
      return cut(`searching for "${call.query}"`);
    case 'memory':
      return cut(`remembering "${call.query}"`);
    case 'write':
      return cut(`writing ${call.path}`);
    case 'edit':
      return cut(`editing ${call.path}`);
    case 'patch':
      return 'changing files by a patch';
    case 'diff':
      return 'looking at what changed';
    case 'log':
      return 'looking at the history';
    case 'ask':
      return cut(`asking: ${call.question}`);
    case 'emit':
      return cut(`publishing ${call.event}`);
    case 'tell':
      return cut(`telling ${call.to}`);
    case 'run':
      return cut(`running ${showCommand(call.argv)}`);
    default: {
      const never: never = call;
      return never;
    }
  }
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= LABEL_CHARS ? line : `${line.slice(0, LABEL_CHARS - 1)}…`;
}
