import { createHash } from 'node:crypto';
import { z } from 'zod';
import { durationMs } from '../../domain/duration.ts';
import { canonicalJson, jsonSchema } from '../../domain/json.ts';
import { type McpServer, type McpToolSettings, offeredName } from '../../domain/mcp-settings.ts';
import type { OfferedTool } from './contracts.ts';

/** Bounds on what one tool says of itself: a page of text and a form of some dozen fields. */
const MAX_JSON_CHARS = 32 * 1024;
const MAX_DEPTH = 12;
const MAX_VALUES = 1_000;
const DESCRIPTION_CHARS = 2_000;
/** Control characters, and those that turn, hide or join text. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu;

const listedSchema = z.object({
  name: z.string(),
  description: z.string().nullish(),
  inputSchema: z.looseObject({ type: z.literal('object') }),
});

export interface Understood {
  readonly tools: readonly OfferedTool[];
  readonly problems: readonly string[];
}

/**
 * What a server lists, as far as baton.yaml allows it and it can be used. Pure; nothing of the list is believed.
 * @param listed the entries as they came
 */
export function understandList(name: string, server: McpServer, listed: readonly unknown[]): Understood {
  const tools: OfferedTool[] = [];
  const problems: string[] = [];
  for (const [tool, settings] of Object.entries(server.tools)) {
    const found = listed.filter((each) => nameOf(each) === tool);
    const [only] = found;
    if (found.length === 0) problems.push(`${name} has no tool “${tool}”`);
    else if (found.length > 1)
      problems.push(`${name} lists “${tool}” ${found.length} times, so it is not used`);
    else {
      const understood = understand(name, tool, settings, only);
      if (typeof understood === 'string') problems.push(`“${tool}” of ${name} is not used: ${understood}`);
      else tools.push(understood);
    }
  }
  return { tools, problems };
}

function nameOf(listed: unknown): string | null {
  const parsed = z.object({ name: z.string() }).safeParse(listed);
  return parsed.success ? parsed.data.name : null;
}

/** The tool, or why it cannot be used. */
function understand(
  server: string,
  tool: string,
  settings: McpToolSettings,
  listed: unknown,
): OfferedTool | string {
  const size = measure(listed);
  if (size !== null) return size;
  const parsed = listedSchema.safeParse(listed);
  if (!parsed.success) return 'its schema describes no object';
  const { description, inputSchema } = parsed.data;
  const said = canonicalJson(jsonSchema.parse({ name: tool, description: description ?? '', inputSchema }));
  const words = (description ?? '').replace(UNSEEN, ' ').trim().slice(0, DESCRIPTION_CHARS);
  return {
    server,
    tool,
    definition: {
      name: offeredName(server, tool),
      description: `Of the tool server ${server}, in its words: ${words === '' ? '(nothing)' : words}`,
      parameters: z.record(z.string(), jsonSchema).parse(inputSchema),
      strict: false,
    },
    hash: createHash('sha256').update(said).digest('hex'),
    effect: settings.effect,
    approval: settings.approval,
    timeoutMs: durationMs(settings.timeout),
    maxChars: settings.max_chars,
    calls: settings.calls,
  };
}

/** Why data from outside is too much, or null. Without recursion: depth is what may be wrong with it. */
function measure(value: unknown): string | null {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  let values = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    values += 1;
    if (values > MAX_VALUES) return `its schema has more than ${MAX_VALUES} parts`;
    if (next.depth > MAX_DEPTH) return `its schema is nested more than ${MAX_DEPTH} deep`;
    if (typeof next.value !== 'object' || next.value === null) continue;
    for (const [key, child] of Object.entries(next.value)) {
      if (key === '__proto__') return 'its schema has a name that is not used';
      open.push({ value: child, depth: next.depth + 1 });
    }
  }
  const chars = JSON.stringify(value).length;
  return chars > MAX_JSON_CHARS ? `it says ${chars} characters of itself` : null;
}
