import { createRequire } from 'node:module';
import type * as cel from '@bufbuild/cel';
import { z } from 'zod';
import { BatonError } from '../domain/failure.ts';
import type { Json } from '../domain/json.ts';
import { toCel } from './to-cel.ts';
import { tokenise } from './tokens.ts';

/** Rules are a line that a person reads; longer ones belong into several nodes. */
const MAX_LENGTH = 500;
const MAX_TOKENS = 120;
const MAX_DEPTH = 24;
/** `all`, `exists`, `filter`, `map` run over lists: one inside another multiplies. */
const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const MAX_MACROS = 2;
/**
 * Looks at items that one decision may take: some tenths of a second at worst. Counted before the rule is decided and
 * not timed while it is: a clock would decide otherwise when a run is replayed on a busy machine.
 */
const MAX_LOOKS = 200_000;

/** Read with the first rule: most starts meet none, and the library takes a tenth of a second to load. */
function library(): typeof cel {
  return createRequire(import.meta.url)('@bufbuild/cel');
}

export type Facts = { readonly [name: string]: Json };

/** What came of a rule. One over a field that is not there does not match, and says so. */
export type RuleOutcome =
  | { readonly matched: true }
  | { readonly matched: false; readonly because: 'false' | 'absent' };

export interface Rule {
  readonly source: string;
  /**
   * Pure: the same facts, the same outcome.
   * @throws BatonError structural `rule_type` (compares what cannot be compared) or `rule_time`
   */
  evaluate(facts: Facts): RuleOutcome;
}

export type CompiledRule =
  | { readonly ok: true; readonly rule: Rule }
  /** `column` counts from 1 within the rule. */
  | { readonly ok: false; readonly column: number; readonly message: string };

/** Reads a rule: CEL, or the friendlier forms people write (`cpu-usage > 80%`, `a === "b"`, `x and not y`). */
export function compileRule(source: string): CompiledRule {
  if (source.length > MAX_LENGTH)
    return refuse(MAX_LENGTH, `A rule has at most ${MAX_LENGTH} characters. Split it into several nodes.`);
  const read = tokenise(source);
  if (!read.ok) return refuse(read.at, read.message);
  const { tokens } = read;
  if (tokens.length === 0)
    return refuse(0, 'A rule cannot be empty. Write one, such as `passed`, or leave it out.');
  if (tokens.length > MAX_TOKENS)
    return refuse(
      tokens[MAX_TOKENS]?.at ?? 0,
      `A rule has at most ${MAX_TOKENS} words and signs. Split it into several nodes.`,
    );
  const macros = tokens.filter(({ kind, text }) => kind === 'word' && MACROS.has(text));
  if (macros.length > MAX_MACROS)
    return refuse(
      macros[MAX_MACROS]?.at ?? 0,
      `A rule goes over lists at most ${MAX_MACROS} times. Split it into several nodes.`,
    );
  const passes = { count: macros.length, nested: nestedMacros(tokens.map((token) => token.text)) };
  const deep = tooDeep(tokens.map(({ text }) => text));
  if (deep !== null)
    return refuse(
      tokens[deep]?.at ?? 0,
      `A rule nests at most ${MAX_DEPTH} brackets. Split it into several nodes.`,
    );
  const text = toCel(tokens);
  const { celEnv, isCelError, parse, plan } = library();
  try {
    const evaluate = plan(celEnv({}), parse(text.text));
    return {
      ok: true,
      rule: {
        source,
        evaluate(facts) {
          const looks = passes.count * longest(facts) ** passes.nested * tokens.length;
          if (passes.count > 0 && looks > MAX_LOOKS)
            throw failed('rule_time', source, 'it would go over too many items');
          return outcomeOf(source, evaluate(inputOf(facts)), isCelError);
        },
      },
    };
  } catch (error) {
    const located = z
      .object({ location: z.object({ start: z.object({ offset: z.number() }) }), rawMessage: z.string() })
      .safeParse(error);
    if (!located.success) return refuse(0, error instanceof Error ? error.message : String(error));
    return refuse(
      text.sourceOf(located.data.location.start.offset),
      `This cannot be read as a rule: ${located.data.rawMessage}. Write it like \`passed and quality >= 80\`.`,
    );
  }
}

function refuse(offset: number, message: string): CompiledRule {
  return { ok: false, column: offset + 1, message };
}

function tooDeep(texts: readonly string[]): number | null {
  let depth = 0;
  for (const [index, text] of texts.entries()) {
    if (text === '(' || text === '[' || text === '{') depth += 1;
    if (text === ')' || text === ']' || text === '}') depth -= 1;
    if (depth > MAX_DEPTH) return index;
  }
  return null;
}

/** Names are written with dashes in facts too; CEL has none. */
function inputOf(facts: Facts): Record<string, Json> {
  // Without a prototype: a name that every object has must not be found.
  const input: Record<string, Json> = Object.create(null);
  for (const [name, value] of Object.entries(facts)) input[name.replaceAll('-', '_')] = value;
  return input;
}

/** How deep passes over lists stand in one another. */
function nestedMacros(texts: readonly string[]): number {
  const open: boolean[] = [];
  let deepest = 0;
  for (const [index, text] of texts.entries()) {
    if (text === '(') open.push(MACROS.has(texts[index - 1] ?? ''));
    if (text === ')') open.pop();
    deepest = Math.max(deepest, open.filter(Boolean).length);
  }
  return deepest;
}

/** Items of the longest list, or fields of the largest object, anywhere in the facts. */
function longest(facts: Facts): number {
  let most = 1;
  const left: Json[] = Object.values(facts);
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (value === null || typeof value !== 'object') continue;
    const items = Array.isArray(value) ? value : Object.values(value);
    most = Math.max(most, items.length);
    for (const item of items) left.push(item);
  }
  return most;
}

function outcomeOf(source: string, value: unknown, isCelError: typeof cel.isCelError): RuleOutcome {
  if (value === true) return { matched: true };
  if (value === false) return { matched: false, because: 'false' };
  if (isCelError(value)) {
    if (/field not found|unresolved attribute|no such key|out of bounds/i.test(value.message))
      return { matched: false, because: 'absent' };
    throw failed('rule_type', source, value.message);
  }
  throw failed('rule_type', source, `gives ${typeof value}, not yes or no`);
}

function failed(code: string, source: string, what: string): BatonError {
  return new BatonError({
    class: 'structural',
    code,
    message: `The rule "${source}" cannot be decided: ${what}`,
    hint: 'The run waits. Correct the rule in the workflow file and start it anew; Retry goes on as if the rule did not match.',
  });
}
