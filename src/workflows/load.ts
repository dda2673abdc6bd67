import { createHash } from 'node:crypto';
import { LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { canonicalJson, jsonSchema } from '../domain/json.ts';
import { type Node, nodeSchema, type Workflow, workflowSchema } from '../domain/workflow.ts';
import { suggestion } from './nearest.ts';

/** What is wrong with a workflow file, where, and what to write instead. Lines and columns count from 1. */
export interface FileProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
export type LoadedWorkflow =
  | { readonly ok: true; readonly workflow: Workflow; readonly hash: string }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** What a tree is checked against. Patterns and agents are given, so that this knows neither. */
export interface TreeRules {
  readonly kinds: readonly string[];
  readonly agents: readonly string[];
  schema(kind: string): z.ZodType | undefined;
  children(node: Node): readonly Node[];
  asks(node: Node): readonly { readonly agent: string }[];
}

/** Larger files are refused before they are parsed. Far above any workflow a person writes. */
const MAX_BYTES = 256 * 1024;
/** Deeper trees belong into workflows of their own. */
const MAX_DEPTH = 64;

type Path = readonly (string | number)[];

/** Reads a workflow file. Never throws: everything wrong with it comes back with its place. */
export function loadWorkflow(text: string, rules: TreeRules): LoadedWorkflow {
  if (Buffer.byteLength(text) > MAX_BYTES)
    return refuse([
      {
        line: 1,
        column: 1,
        message: `The file is larger than ${MAX_BYTES / 1024} kB. Split it into workflows of its own.`,
      },
    ]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0)
    return refuse(
      document.errors.map((error) => ({
        ...at(error.pos[0]),
        message: error.message.split('\n')[0] ?? error.code,
      })),
    );
  let aliases = 0;
  visit(document, {
    Alias: () => {
      aliases += 1;
    },
  });
  if (aliases > 50)
    return refuse([{ line: 1, column: 1, message: 'More than 50 aliases. Write the nodes out.' }]);

  const place = (path: Path): { line: number; column: number } => {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
        return at(Number(node.range[0]));
    }
    return { line: 1, column: 1 };
  };
  const data: unknown = document.toJS({ maxAliasCount: 50 });
  const parsed = workflowSchema.safeParse(data);
  if (!parsed.success)
    return refuse(
      parsed.error.issues.map((issue) => ({ ...place(issue.path.map(segment)), message: words(issue) })),
    );
  const problems = checkTree(parsed.data.flow, rules).map(({ path, message }) => ({
    ...place(['flow', ...path]),
    message,
  }));
  if (problems.length > 0) return refuse(problems);
  const hash = createHash('sha256')
    .update(canonicalJson(jsonSchema.parse(data)))
    .digest('hex');
  return { ok: true, workflow: parsed.data, hash };
}

function refuse(problems: readonly FileProblem[]): LoadedWorkflow {
  return { ok: false, problems };
}

interface TreeProblem {
  readonly path: Path;
  readonly message: string;
}

function checkTree(root: Node, rules: TreeRules): TreeProblem[] {
  const problems: TreeProblem[] = [];
  const seen = new Set<string>();
  const stack: { node: Node; path: Path; depth: number }[] = [{ node: root, path: [], depth: 1 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, path, depth } = next;
    const say = (message: string, ...below: Path): void =>
      void problems.push({ path: [...path, ...below], message });
    if (depth > MAX_DEPTH) {
      say(`Nested deeper than ${MAX_DEPTH}. Move this part into a workflow of its own.`);
      continue;
    }
    if (seen.has(node.id)) say(`The id "${node.id}" is used twice. Ids are unique within a workflow.`, 'id');
    seen.add(node.id);
    const schema = rules.schema(node.kind);
    if (schema === undefined) {
      say(`"${node.kind}" is no kind of node. ${suggestion(node.kind, rules.kinds)}`, 'kind');
      continue;
    }
    const parsed = schema.safeParse(node);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) say(words(issue), ...issue.path.map(segment));
      continue;
    }
    for (const { agent } of rules.asks(node)) {
      if (!rules.agents.includes(agent))
        say(`There is no agent "${agent}". ${suggestion(agent, rules.agents)}`, 'agent');
    }
    const places = childPaths(node);
    for (const child of rules.children(node))
      stack.push({ node: child, path: [...path, ...(places.get(child.id) ?? [])], depth: depth + 1 });
  }
  return problems;
}

/** Where a node's children stand in it, by their ids, so that a problem is shown at its own line. */
function childPaths(node: Node): Map<string, Path> {
  const paths = new Map<string, Path>();
  const note = (value: unknown, path: Path): void => {
    const child = nodeSchema.safeParse(value);
    if (child.success && !paths.has(child.data.id)) paths.set(child.data.id, path);
  };
  for (const [key, value] of Object.entries(node)) {
    if (Array.isArray(value)) for (const [index, item] of value.entries()) note(item, [key, index]);
    else note(value, [key]);
  }
  return paths;
}

function segment(key: PropertyKey): string | number {
  return typeof key === 'symbol' ? String(key) : key;
}

function words(issue: z.core.$ZodIssue): string {
  const where = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  if (issue.code === 'unrecognized_keys')
    return `${where}unknown ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
  return `${where}${issue.message}`;
}
