import type { z } from 'zod';
import { BatonError } from '../../domain/failure.ts';
import { toolUsage } from '../../domain/usage.ts';
import { type Activity, implement, type StepContext } from '../../ports/activity.ts';
import type { McpPins } from '../../ports/mcp-pins.ts';
import type { Redact } from '../../ports/redactor.ts';
import { cancelled } from '../cancelled.ts';
import { cutMiddle, markAsData } from '../data-marks.ts';
import { parseJsonObject } from '../results.ts';
import { callServerTool, type OfferedTool, offerTools, pinTools } from './contracts.ts';
import { resultText } from './result.ts';
import { type Caller, type ServersDependencies, ToolServers } from './servers.ts';
import { McpRefusal, ServerUnavailable } from './trouble.ts';

export interface ServerToolDependencies extends ServersDependencies {
  readonly pins: McpPins;
  readonly redact: Redact;
  /** The last look before a call that a person has to allow: throws where there is no yes that holds. */
  readonly allow: (call: ServerCall) => Promise<void>;
}

/** What a person allows: this tool, as it describes itself, with these arguments. */
export interface ServerCall {
  readonly runId: string;
  readonly server: string;
  readonly tool: string;
  readonly hash: string;
  /** JSON text. */
  readonly arguments: string;
  /** Of the step that makes the call. */
  readonly key: string;
}

/** Characters of arguments: what a person may still be asked to read, and more than any form holds. */
const MAX_ARGUMENT_CHARS = 64 * 1024;
/** Characters of a problem. */
const PROBLEM_CHARS = 400;

type Call = z.infer<typeof callServerTool.input>;
type Done = Omit<z.infer<typeof callServerTool.output>, 'durationMs'>;

/** The tools of servers: what is offered, what people allowed, and the calls. */
export function serverTools(deps: ServerToolDependencies): {
  readonly activities: Activity[];
  readonly stop: () => Promise<void>;
} {
  const servers = new ToolServers(deps);
  return {
    activities: [
      implement(offerTools, ({ servers: names, stream, may }, context) =>
        offer(deps, servers, names, may, callerOf(context, stream)),
      ),
      implement(pinTools, async ({ server, tools }) => {
        await deps.pins.pin(server, Object.fromEntries(tools.map(({ tool, hash }) => [tool, hash])), true);
        return {};
      }),
      implement(callServerTool, async (input, context) => {
        const started = deps.clock.monotonic();
        const { ok, content, summary } = await carryOut(deps, servers, input, context);
        const durationMs = Math.max(0, deps.clock.monotonic() - started);
        context.use(toolUsage(input.agent, `${input.tool.server}/${input.tool.tool}`, durationMs, null));
        return { ok, content, summary, durationMs };
      }),
    ],
    stop: () => servers.stop(),
  };
}

function callerOf({ runId, idempotencyKey, signal }: StepContext, stream: string | null): Caller {
  return { runId, stream, by: idempotencyKey, signal };
}

type Offer = z.infer<typeof offerTools.output>;

/** All servers beside each other; each that cannot be used is a problem and no more. */
async function offer(
  deps: ServerToolDependencies,
  servers: ToolServers,
  names: readonly string[],
  may: { readonly write: boolean; readonly execute: boolean },
  caller: Caller,
): Promise<Offer> {
  const all = await Promise.all(names.map((name) => offerOf(deps, servers, name, caller)));
  const allowed = ({ effect }: OfferedTool) =>
    (effect !== 'write' || may.write) && (effect !== 'execute' || may.execute);
  const problems = all.flatMap((each) => each.problems);
  return {
    tools: all.flatMap(({ tools }) => tools.filter(allowed)),
    changed: all.flatMap(({ changed }) => changed.filter(allowed)),
    problems: problems.map((problem) => deps.redact(problem).slice(0, PROBLEM_CHARS)),
  };
}

/** What a tool says of itself is believed when it is first seen; from then on a change asks. */
async function offerOf(
  { pins, redact }: ServerToolDependencies,
  servers: ToolServers,
  name: string,
  caller: Caller,
): Promise<Offer> {
  try {
    const { tools, problems } = await servers.list(name, true, caller);
    const known = await pins.of(name);
    const clean = tools
      .filter(({ definition }) => unchanged(JSON.stringify(definition.parameters), redact))
      .map((tool) => redacted(tool, redact));
    const withheld = tools.filter(({ tool }) => !clean.some((each) => each.tool === tool));
    const fresh = clean.filter(({ tool }) => known[tool] === undefined);
    if (fresh.length > 0)
      await pins.pin(name, Object.fromEntries(fresh.map(({ tool, hash }) => [tool, hash])), false);
    const was = (tool: OfferedTool) => known[tool.tool] ?? tool.hash;
    return {
      tools: clean.filter((tool) => was(tool) === tool.hash),
      changed: clean.filter((tool) => was(tool) !== tool.hash).map((tool) => ({ ...tool, was: was(tool) })),
      problems: [
        ...problems,
        ...withheld.map(({ tool }) => `“${tool}” of ${name} is not used: its schema holds a secret`),
      ],
    };
  } catch (error) {
    if (caller.signal.aborted) throw cancelled(caller.signal);
    if (!(error instanceof ServerUnavailable)) throw error;
    return { tools: [], changed: [], problems: [`The tool server ${name} ${error.message}`] };
  }
}

function unchanged(text: string, redact: Redact): boolean {
  return redact(text) === text;
}

function redacted(tool: OfferedTool, redact: Redact): OfferedTool {
  const { description } = tool.definition;
  return { ...tool, definition: { ...tool.definition, description: redact(description) } };
}

/** One call, and for whoever asked what came of it: never a failure of the step, but when it is stopped. */
async function carryOut(
  deps: ServerToolDependencies,
  servers: ToolServers,
  input: Call,
  context: StepContext,
): Promise<Done> {
  const { tool } = input;
  const name = `${tool.server}/${tool.tool}`;
  const no = (why: string): Done => {
    const clean = deps.redact(why).slice(0, PROBLEM_CHARS);
    return { ok: false, content: `${name} was not called: ${clean}`, summary: `${name}: ${clean}` };
  };
  const given = parseJsonObject(input.arguments);
  if (given === undefined) return no('the arguments are not one JSON object.');
  if (input.arguments.length > MAX_ARGUMENT_CHARS)
    return no(`the arguments are longer than ${MAX_ARGUMENT_CHARS} characters.`);
  if (context.attempt > 1 && tool.effect !== 'read') {
    const unknown = `Baton was interrupted during this call of ${name}, so it is not known whether it was carried out. Look before you call it again.`;
    return { ok: false, content: unknown, summary: `${name}: interrupted` };
  }
  const caller = callerOf(context, input.stream);
  try {
    return await ask(deps, servers, input, context, caller, given, no);
  } catch (error) {
    if (context.signal.aborted) throw cancelled(context.signal);
    if (error instanceof McpRefusal)
      return { ok: false, content: said(deps, tool, error.message), summary: `${name}: refused` };
    if (error instanceof BatonError && error.failure.class === 'terminal') return no(error.failure.message);
    if (!(error instanceof ServerUnavailable)) throw error;
    const after = tool.effect === 'read' ? '' : ' It is not known whether it was carried out.';
    const why = deps.redact(`The tool server ${tool.server} ${error.message}.`).slice(0, PROBLEM_CHARS);
    return { ok: false, content: `${why}${after}`, summary: `${name}: ${why}` };
  }
}

async function ask(
  deps: ServerToolDependencies,
  servers: ToolServers,
  { tool, arguments: text }: Call,
  { idempotencyKey: key, runId }: StepContext,
  caller: Caller,
  given: Readonly<Record<string, unknown>>,
  no: (why: string) => Done,
): Promise<Done> {
  const { tools } = await servers.list(tool.server, false, caller);
  const now = tools.find((each) => each.tool === tool.tool);
  if (now === undefined) return no('the server does not offer it any more.');
  if (now.hash !== tool.hash)
    return no('what it says of itself has changed since it was offered, and nobody has allowed that yet.');
  if (tool.approval === 'ask') await deps.allow({ runId, ...tool, arguments: text, key });
  const result = await servers.with(tool.server, caller, (connection) =>
    connection.call(tool.tool, given, tool.timeoutMs, caller.signal),
  );
  const ok = result.isError !== true;
  return {
    ok,
    content: said(deps, tool, resultText(result)),
    summary: `${tool.server}/${tool.tool}${ok ? '' : ': failed'}`,
  };
}

/** Redacted before it is cut and wrapped: a cut may halve a secret so that it is no longer recognised. */
function said({ redact }: ServerToolDependencies, tool: Call['tool'], text: string): string {
  const body = text.trim() === '' ? '(nothing)' : cutMiddle(redact(text), tool.maxChars);
  return markAsData(`result of ${tool.server}/${tool.tool}`, body);
}
