import type { RunEvent } from '../domain/events.ts';
import { BatonError, toFailure } from '../domain/failure.ts';
import { computeUsage, toolUsage } from '../domain/usage.ts';
import { type Activity, implement, type StepContext } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import type { Recall } from '../ports/memory.ts';
import type { Redact } from '../ports/redactor.ts';
import type { FileChange, Workspace } from '../ports/workspace.ts';
import { type ToolCallInput, type ToolCallOutput, toolCallContract } from './activities.ts';
import { cancelled } from './cancelled.ts';
import { showCommand } from './command-line.ts';
import { cutEnd, cutMiddle, markAsData } from './data-marks.ts';
import { type PreparedCall, prepareCall, type ToolName } from './tools.ts';

export interface ToolCallDependencies {
  /** `stream` null: the run's own worktree. */
  readonly workspaceOf: (runId: string, stream: string | null) => Promise<Workspace>;
  readonly redact: Redact;
  readonly clock: Clock;
  /**
   * The last look before a command starts. Says whether it may run where there is no sandbox: a person said yes to
   * it, or the repository is the rehearsal's own sample. Throws when it may not run at all.
   */
  readonly allowUnsandboxed: (call: {
    readonly runId: string;
    readonly stream: string | null;
    readonly argv: readonly string[];
    readonly key: string;
  }) => Promise<boolean>;
  /** Reads the counts of passed and failed tests from a command's output; null where there are none. */
  readonly summariseTests: (output: string) => { readonly passed: number; readonly failed: number } | null;
  /** What earlier work in the run's repository left; nothing unless given. */
  readonly recall?: Recall;
  /** US dollars for a second of a command; on one's own machine nothing. */
  readonly computeSecondUsd?: number;
}

/** Characters of a result for the model: about 6 000 tokens; larger files are read in parts. */
const READ_CHARS = 24_000;
const OUTPUT_CHARS = 12_000;
const DIFF_CHARS = 24_000;
/** Of a result for a program, which asks for what it wants and keeps it to itself. */
const WHOLE_CHARS = 512 * 1024;
/** Enough to know a repository by; deeper folders are listed on their own. */
const LIST_LIMIT = 400;
const SEARCH_LIMIT = 60;
const SEARCH_LINE_CHARS = 240;
/** Milliseconds a command is given at least, however little its task has left. */
const MIN_COMMAND_MS = 1_000;
/** Of one entry of what is remembered. */
const MEMORY_CHARS = 500;
/** Characters of output in the event that the epic and the thread show. */
const TAIL_CHARS = 1_500;
/** As the redactor writes it. */
const MARK = '[redacted]';

/** `ask` and `emit` are steps of their own kind, and `tell` is none. */
const ALL_TOOLS: readonly ToolName[] = [
  'list',
  'read',
  'search',
  'diff',
  'log',
  'memory',
  'write',
  'edit',
  'patch',
  'run',
];

/** What the machine, not the model, must put right; trying again may help. */
const MACHINE_CODES = new Set(['ENOSPC', 'EIO', 'EMFILE', 'ENFILE', 'EBUSY', 'EAGAIN', 'ENOMEM', 'EDQUOT']);

type Done = Omit<ToolCallOutput, 'durationMs'>;

/**
 * Implements `tool.call`. A tool that fails gives the model a result that says so; what the model cannot put
 * right (a person is needed, the machine is in trouble, the run was stopped) fails the step.
 */
export function toolCall(dependencies: ToolCallDependencies): Activity {
  const { redact, clock } = dependencies;
  return implement(toolCallContract, async (input, context) => {
    const started = clock.monotonic();
    const done = await attempt(dependencies, input, context);
    // Commands are counted by the seconds they take.
    if (input.tool !== 'run') context.use(toolUsage(input.agent, input.tool, clock.monotonic() - started, 0));
    return {
      ok: done.ok,
      content: redact(done.content),
      summary: redact(done.summary),
      ...(done.exitCode === undefined ? {} : { exitCode: done.exitCode }),
      durationMs: Math.max(0, clock.monotonic() - started),
    };
  });
}

async function attempt(
  dependencies: ToolCallDependencies,
  input: ToolCallInput,
  context: StepContext,
): Promise<Done> {
  const prepared = prepareCall(input.tool, input.arguments, ALL_TOOLS);
  if (!prepared.ok) return { ok: false, content: prepared.problem, summary: prepared.problem };
  const workspace = await dependencies.workspaceOf(context.runId, input.stream);
  try {
    return await carryOut(dependencies, workspace, prepared.call, input, context);
  } catch (error) {
    if (context.signal.aborted) throw error;
    if (error instanceof Error && 'code' in error && MACHINE_CODES.has(String(error.code))) {
      throw new BatonError({
        class: 'transient',
        code: 'workspace_trouble',
        message: `The machine could not carry out ${prepared.call.tool}: ${redactedMessage(error, dependencies.redact)}`,
        hint: 'Check free disk space and open files.',
      });
    }
    const failure = toFailure(error);
    if (failure.class !== 'terminal') throw error;
    const hint = failure.hint === undefined ? '' : ` ${failure.hint}`;
    return {
      ok: false,
      content: `${prepared.call.tool} failed: ${failure.message}${hint}`,
      summary: failure.message,
    };
  }
}

function redactedMessage(error: Error, redact: Redact): string {
  return redact(error.message).slice(0, 300);
}

async function carryOut(
  dependencies: ToolCallDependencies,
  workspace: Workspace,
  call: PreparedCall,
  input: ToolCallInput,
  context: StepContext,
): Promise<Done> {
  switch (call.tool) {
    case 'list':
      return await list(workspace, call);
    case 'read':
      return await (input.plain === true ? readWhole : read)(dependencies, workspace, call);
    case 'search':
      return await search(dependencies, workspace, call);
    case 'write': {
      const problem = await wouldEraseSecrets(dependencies.redact, workspace, call);
      if (problem !== null) return { ok: false, content: problem, summary: problem };
      return changed(await workspace.files.write(call.path, call.content));
    }
    case 'edit':
      return changed(await workspace.files.edit(call.path, call.before, call.after, context.idempotencyKey));
    case 'patch':
      return patched(await workspace.files.patch(call.patch, context.idempotencyKey));
    case 'diff':
      return await diff(dependencies, workspace);
    case 'log': {
      const text = dependencies.redact(await workspace.log(call.path, call.count));
      const body = text === '' ? '(no commits)' : cutEnd(text, OUTPUT_CHARS);
      return { ok: true, content: markAsData('commits', body), summary: 'looked at the history' };
    }
    case 'memory':
      return await remember(dependencies, call.query, context.runId);
    case 'ask':
    case 'emit':
    case 'tell':
      return { ok: false, content: `${call.tool} is not done here.`, summary: 'not done' };
    case 'run':
      return await run(dependencies, workspace, call, input, context);
    default: {
      const never: never = call;
      return never;
    }
  }
}

/** What earlier work here left, newest and most fitting first. */
async function remember(
  { recall, redact }: ToolCallDependencies,
  query: string,
  runId: string,
): Promise<Done> {
  const { entries, more } = (await recall?.(runId, query)) ?? { entries: [], more: 0 };
  const rows = entries.map(({ at, kind, text }) => {
    const line = redact(text).replace(/\s+/g, ' ').slice(0, MEMORY_CHARS);
    return `${new Date(at).toISOString().slice(0, 10)} ${kind}: ${line}`;
  });
  if (more > 0) rows.push(`[… ${more} more that fit; ask with other words …]`);
  const body = rows.length === 0 ? '(nothing that fits)' : rows.join('\n');
  return {
    ok: true,
    content: markAsData(`what earlier work here left on ${JSON.stringify(query.slice(0, 80))}`, body),
    summary: `remembered ${entries.length}`,
  };
}

type CallOf<T extends PreparedCall['tool']> = Extract<PreparedCall, { tool: T }>;

async function list(workspace: Workspace, call: CallOf<'list'>): Promise<Done> {
  const { paths, cut } = await workspace.files.list(call.under, LIST_LIMIT, call.glob ?? undefined);
  const more = cut
    ? `\n[… more than ${LIST_LIMIT} files; list a folder, or give a glob, for the rest …]`
    : '';
  const body = paths.length === 0 ? '(no files)' : paths.join('\n') + more;
  return {
    ok: true,
    content: markAsData(`files under ${call.under}`, body),
    summary: `${paths.length} files`,
  };
}

/** Redacted before it is cut and wrapped: a cut may halve a secret so that it is no longer recognised. */
async function read(
  { redact }: ToolCallDependencies,
  workspace: Workspace,
  call: CallOf<'read'>,
): Promise<Done> {
  const range =
    call.from === null && call.to === null ? undefined : { from: call.from ?? 1, to: call.to ?? 1e9 };
  const { text, lines, cut } = await workspace.files.read(call.path, range);
  const clean = redact(text);
  const shown = cutEnd(clean, READ_CHARS);
  const partly = cut || shown.length < clean.length;
  const lead =
    range === undefined
      ? `${lines} lines`
      : `lines ${range.from} to ${Math.min(range.to, lines)} of ${lines}`;
  const what = `file ${call.path}, ${lead}${partly ? ', cut; read the rest with from and to' : ''}`;
  return { ok: true, content: markAsData(what, shown), summary: `${call.path}, ${lines} lines` };
}

/** For a program that may write it back: never a part that looks like the whole. */
async function readWhole(
  { redact }: ToolCallDependencies,
  workspace: Workspace,
  { path, from, to }: CallOf<'read'>,
): Promise<Done> {
  const parts: string[] = [];
  let chars = 0;
  for (let next = from ?? 1; ; ) {
    const { text, lines } = await workspace.files.read(path, { from: next, to: to ?? 1e9 });
    parts.push(text);
    chars += text.length;
    const wanted = Math.min(to ?? lines, lines);
    const got = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    next += got;
    if (chars > WHOLE_CHARS || (got === 0 && next <= wanted)) {
      const problem = `${path} is larger than is read at once; ask for some of its lines.`;
      return { ok: false, content: problem, summary: problem };
    }
    if (next > wanted || text === '') break;
  }
  return { ok: true, content: redact(parts.join('')), summary: `${path}, ${chars} characters` };
}

async function search(
  { redact }: ToolCallDependencies,
  workspace: Workspace,
  call: CallOf<'search'>,
): Promise<Done> {
  const { hits, cut } = await workspace.files.search(call.query, call.under, SEARCH_LIMIT, {
    pattern: call.pattern,
    ignoreCase: call.ignoreCase,
    ...(call.glob === null ? {} : { glob: call.glob }),
  });
  const rows = hits.map((hit) => `${hit.path}:${hit.line}: ${redact(hit.text).slice(0, SEARCH_LINE_CHARS)}`);
  if (cut) rows.push(`[… more than ${SEARCH_LIMIT} places; search in a folder or by a glob …]`);
  const body = rows.length === 0 ? '(nothing found)' : rows.join('\n');
  return {
    ok: true,
    content: markAsData(`search for ${JSON.stringify(call.query.slice(0, 80))}`, body),
    summary: `${hits.length} places`,
  };
}

/** The model only ever saw the mark, so writing the whole file back would put it in the place of the secret. */
async function wouldEraseSecrets(
  redact: Redact,
  workspace: Workspace,
  call: CallOf<'write'>,
): Promise<string | null> {
  if (!call.content.includes(MARK)) return null;
  const existing = await workspace.files.read(call.path).catch(() => null);
  if (existing === null || redact(existing.text) === existing.text) return null;
  return `Not written: ${call.path} holds a secret that was shown to you as ${MARK}, and this would erase it. Use edit on the lines around it.`;
}

/**
 * The model hears the same whether or not a crash made the change twice; the counts, which then differ, are for
 * people.
 */
function changed({ path, added, removed }: FileChange): Done {
  return { ok: true, content: `${path} is written.`, summary: `wrote ${path}, +${added} −${removed}` };
}

function patched(changes: readonly FileChange[]): Done {
  const names = changes.map(({ path }) => path);
  const [added, removed] = [
    changes.reduce((sum, change) => sum + change.added, 0),
    changes.reduce((sum, change) => sum + change.removed, 0),
  ];
  return {
    ok: true,
    content: `The patch is applied to ${names.join(', ')}.`,
    summary: `patched ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}, +${added} −${removed}`,
  };
}

async function diff({ redact }: ToolCallDependencies, workspace: Workspace): Promise<Done> {
  const { stat, patch, cut } = await workspace.changes(DIFF_CHARS);
  const body = patch === '' ? '(nothing was changed)' : redact(patch);
  const what = `changes since the work began, ${stat.files.length} files, +${stat.added} −${stat.removed}${cut ? ', cut' : ''}`;
  return { ok: true, content: markAsData(what, body), summary: `${stat.files.length} files changed` };
}

async function run(
  { allowUnsandboxed, redact, summariseTests, clock, computeSecondUsd = 0 }: ToolCallDependencies,
  workspace: Workspace,
  call: CallOf<'run'>,
  input: ToolCallInput,
  context: StepContext,
): Promise<Done> {
  const startedAt = clock.monotonic();
  const result = await workspace.run({
    argv: call.argv,
    timeoutMs: Math.max(MIN_COMMAND_MS, Math.min(call.timeoutMs, input.leftMs ?? call.timeoutMs)),
    signal: context.signal,
    allowUnsandboxed: await allowUnsandboxed({
      runId: context.runId,
      stream: input.stream,
      argv: call.argv,
      key: context.idempotencyKey,
    }),
  });
  context.use(computeUsage(input.agent, clock.monotonic() - startedAt, computeSecondUsd));
  // Ended because the step was: what it printed so far is no result, and the step is done again or not at all.
  if (context.signal.aborted) throw cancelled(context.signal);
  const output = redact(result.output);
  const command = redact(showCommand(call.argv));
  const counts = summariseTests(output);
  const event: RunEvent = {
    type: 'command.finished',
    node: input.node,
    command,
    exitCode: result.exitCode,
    passed: counts?.passed ?? null,
    failed: counts?.failed ?? null,
    tail: output.trimEnd().slice(-TAIL_CHARS),
  };
  context.emit(event);
  const ending =
    result.ended === null
      ? `exit code ${result.exitCode}`
      : `ended from outside: ${result.ended.replace('_', ' ')}`;
  const tests = counts === null ? '' : `; tests: ${counts.passed} passed, ${counts.failed} failed`;
  if (input.plain === true)
    return {
      ok: true,
      content: cutMiddle(output, WHOLE_CHARS),
      summary: `${command}: ${ending}${tests}`,
      exitCode: result.exitCode,
    };
  const body = output.trim() === '' ? '(no output)' : cutMiddle(output, OUTPUT_CHARS);
  return {
    ok: result.exitCode === 0 && result.ended === null,
    content: `${command}: ${ending}${tests}.\n${markAsData(`output of ${command}`, body)}`,
    summary: `${command}: ${ending}${tests}`,
  };
}
