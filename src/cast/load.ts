import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type Cast, castSchema } from './cast.ts';

export interface CastProblem {
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A cast file that cannot be played; each problem with its line. */
export class CastFileError extends Error {
  readonly problems: readonly CastProblem[];

  constructor(problems: readonly CastProblem[]) {
    super(problems.map((at) => `${at.file}:${at.line}:${at.column} ${at.message}`).join('\n'));
    this.name = 'CastFileError';
    this.problems = problems;
  }
}

/**
 * Reads cast files, in the order in which they are asked who is for a request.
 *
 * @throws CastFileError with the problems of all the files, by line; a file that cannot be read is one too.
 */
export async function loadCasts(files: readonly string[]): Promise<Cast[]> {
  const casts: Cast[] = [];
  const problems: CastProblem[] = [];
  for (const file of files) {
    const parsed = await readCast(file);
    if (Array.isArray(parsed)) problems.push(...parsed);
    else casts.push(parsed);
  }
  if (problems.length > 0) throw new CastFileError(problems);
  return casts;
}

async function readCast(file: string): Promise<Cast | CastProblem[]> {
  try {
    return parseCast(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof CastFileError) return [...error.problems];
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return [
      { file, line: 1, column: 1, message: `The cast file cannot be read (${reason}). Check the path.` },
    ];
  }
}

/**
 * Reads one cast from its text. `file` is only named in errors.
 *
 * @throws CastFileError
 */
export function parseCast(text: string, file: string): Cast {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const problem = (offset: number, message: string): CastProblem => {
    const at = lines.linePos(offset);
    return { file: basename(file), line: Math.max(at.line, 1), column: Math.max(at.col, 1), message };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) throw new CastFileError(faults.map((fault) => problem(fault.pos[0], fault.message)));
  const parsed = castSchema.safeParse(toPlain(document, problem));
  if (parsed.success) return parsed.data;
  throw new CastFileError(
    parsed.error.issues.map((issue) => problem(offsetOf(document, issue), describe(issue))),
  );
}

/** 50: more aliases than a cast written by hand has, few enough that an alias bomb stays small. */
const maxAliases = 50;

function toPlain(document: Document, problem: (offset: number, message: string) => CastProblem): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch {
    throw new CastFileError([problem(0, 'The file uses too many aliases; write the lines out.')]);
  }
}

function describe(issue: z.core.$ZodIssue): string {
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  return `${where}${issue.message}`;
}

/** Where in the text an issue is: its own node, or the nearest one around it when the node is missing. */
function offsetOf(document: Document, issue: z.core.$ZodIssue): number {
  for (let length = issue.path.length; length >= 0; length -= 1) {
    const node = document.getIn(issue.path.slice(0, length), true);
    if (!isNode(node)) continue;
    return keyOffset(node, issue) ?? node.range?.[0] ?? 0;
  }
  return 0;
}

function keyOffset(node: Node, issue: z.core.$ZodIssue): number | undefined {
  if (issue.code !== 'unrecognized_keys' || !isMap(node)) return undefined;
  const pair = node.items.find(
    (item) => isPair(item) && isScalar(item.key) && item.key.value === issue.keys[0],
  );
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
}
