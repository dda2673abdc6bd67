import type { z } from 'zod';
import { type AgentResult, agentResults, type ResultKind } from '../domain/agent.ts';
import type { Json } from '../domain/json.ts';
import { describeIssues, strictJsonSchema } from './json-schema.ts';
import type { ToolDefinition } from './transcript.ts';

/** The JSON schema of a role's typed result, and its name on the wire. */
export function resultFormat(kind: ResultKind): { name: string; schema: ToolDefinition['parameters'] } {
  return { name: `${kind}_result`, schema: strictJsonSchema(agentResults[kind]) };
}

export type ParsedResult =
  | { readonly ok: true; readonly value: AgentResult }
  | { readonly ok: false; readonly problem: string };

/** Reads an agent's last answer. `problem` says what is wrong in words the model can act on. */
export function parseResult(kind: ResultKind, text: string): ParsedResult {
  if (text.trim() === '') return { ok: false, problem: 'The answer was empty.' };
  const data = parseJsonObject(text);
  if (data === undefined) return { ok: false, problem: 'The answer is not one JSON object.' };
  const parsed = readers[kind](data);
  return typeof parsed === 'string'
    ? { ok: false, problem: `The JSON does not fit the schema: ${parsed}.` }
    : { ok: true, value: parsed };
}

/** What each kind of result means to the pattern that asked; text says what does not fit. */
const readers: Readonly<Record<ResultKind, (data: unknown) => AgentResult | string>> = {
  spec: reader(agentResults.spec, ({ risks }) => ({ warnings: risks })),
  work: reader(agentResults.work, ({ warnings }) => ({ warnings })),
  review: reader(agentResults.review, ({ quality, approved, issues }) => ({
    quality,
    approved,
    findings: issues,
  })),
  vote: reader(agentResults.vote, () => ({})),
  route: reader(agentResults.route, () => ({})),
  answer: reader(agentResults.answer, ({ confidence }) => ({ quality: Math.round(confidence * 100) })),
  verdict: reader(agentResults.verdict, ({ score, met, issues }) => ({
    quality: score,
    approved: met,
    findings: issues,
  })),
  items: reader(agentResults.items, () => ({})),
};

function reader<T extends { readonly summary: string } & Json>(
  schema: z.ZodType<T>,
  more: (result: T) => Partial<AgentResult>,
): (data: unknown) => AgentResult | string {
  return (data) => {
    const parsed = schema.safeParse(data);
    if (!parsed.success) return describeIssues(parsed.error);
    return {
      summary: parsed.data.summary,
      result: parsed.data,
      quality: null,
      approved: null,
      findings: [],
      warnings: [],
      ...more(parsed.data),
    };
  };
}

/**
 * The JSON object of an answer: the whole text, or what is left without a code fence, or what stands between
 * the first and the last brace (models like to add a sentence). Undefined when there is none.
 */
export function parseJsonObject(text: string): Record<string, unknown> | undefined {
  const trimmed = text.trim();
  const first = trimmed.indexOf('{');
  const last = trimmed.lastIndexOf('}');
  const candidates = [trimmed, first === -1 ? '' : trimmed.slice(first, last + 1)];
  for (const candidate of candidates) {
    const value = tryParse(candidate);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  }
  return undefined;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
