import type { z } from 'zod';
import { type AgentResult, agentResults } from '../domain/agent.ts';
import type { ResultKind } from './activities.ts';
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
  switch (kind) {
    case 'spec':
      return checked(agentResults.spec, data, (result) => ({
        summary: result.summary,
        result,
        quality: null,
        approved: null,
        findings: [],
        warnings: result.risks,
      }));
    case 'work':
      return checked(agentResults.work, data, (result) => ({
        summary: result.summary,
        result,
        quality: null,
        approved: null,
        findings: [],
        warnings: result.warnings,
      }));
    case 'review':
      return checked(agentResults.review, data, (result) => ({
        summary: result.summary,
        result,
        quality: result.quality,
        approved: result.approved,
        findings: result.issues,
        warnings: [],
      }));
    default: {
      const never: never = kind;
      return never;
    }
  }
}

function checked<T>(schema: z.ZodType<T>, data: unknown, toResult: (value: T) => AgentResult): ParsedResult {
  const parsed = schema.safeParse(data);
  if (parsed.success) return { ok: true, value: toResult(parsed.data) };
  return { ok: false, problem: `The JSON does not fit the schema: ${describeIssues(parsed.error)}.` };
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
