import { createHash } from 'node:crypto';
import { LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { canonicalJson, type Json, jsonSchema } from '../domain/json.ts';
import { type Node, nodeSchema, type Workflow, workflowSchema } from '../domain/workflow.ts';
import { callProblems, referenceProblems, type Speaking } from './check-references.ts';
import { suggestion } from './nearest.ts';
import { told } from './told.ts';

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
  /** The nodes that a node speaks of, by the key under which it does. */
  references(node: Node): readonly { readonly key: string; readonly id: string }[];
  locks(node: Node): readonly string[];
  /** Names that no workflow may have. */
  readonly reserved: readonly string[];
  /** The events a node tells or waits for, by the key under which it does. */
  events(node: Node): readonly { readonly key: string; readonly name: string }[];
  /** Events that there are: those Baton knows and those baton.yaml declares. Without it they are not looked at. */
  readonly knownEvents?: readonly string[] | undefined;
  /** The other workflows, where they are known: then what is called is looked for among them. */
  readonly workflow?: (name: string) => Workflow | undefined;
  /** Their names, to suggest the nearest. */
  readonly workflowNames?: readonly string[];
}

/** Larger files are refused before they are parsed. Far above any workflow a person writes. */
const MAX_BYTES = 256 * 1024;
/** Deeper trees belong into workflows of their own. */
const MAX_DEPTH = 64;
/** Counted as written and as resolved: a few lines of aliases of aliases can stand for millions of nodes. */
const MAX_ALIASES = 50;

type Path = readonly (string | number)[];

/** Reads a workflow file. Never throws: everything wrong with it comes back with its place. */
export function loadWorkflow(text: string, rules: TreeRules): LoadedWorkflow {
  try {
    return readWorkflow(text, rules);
  } catch (error) {
    // Thousands of brackets inside one another use up the parser's stack.
    if (!(error instanceof RangeError)) throw error;
    return tooDeep();
  }
}

function tooDeep(): LoadedWorkflow {
  const message = 'The file is nested too deeply to be read. Move parts of it into workflows of their own.';
  return refuse([{ line: 1, column: 1, message }]);
}

function readWorkflow(text: string, rules: TreeRules): LoadedWorkflow {
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
  // The parser may tell of its own stack as of a mistake in the file, at whatever place it had come to.
  if (document.errors.some(({ message }) => message.startsWith('Maximum call stack'))) return tooDeep();
  // What comes of a tab further down is no mistake of its own.
  const tabs = document.errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  if (document.errors.length > 0)
    return refuse(
      (tabs.length > 0 ? tabs : document.errors).map((error) => ({
        ...at(error.pos[0]),
        message: yamlWords(error),
      })),
    );
  const aliases: number[] = [];
  visit(document, { Alias: (_key, node) => void aliases.push(node.range?.[0] ?? 0) });
  const beyond = aliases[MAX_ALIASES];
  if (beyond !== undefined)
    return refuse([{ ...at(beyond), message: `More than ${MAX_ALIASES} aliases. Write the nodes out.` }]);

  const place = (path: Path): { line: number; column: number } => {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
        return at(Number(node.range[0]));
    }
    return { line: 1, column: 1 };
  };
  const data = plainData(document);
  if (!data.ok) return refuse([{ ...at(aliases[0] ?? 0), message: data.message }]);
  const parsed = workflowSchema.safeParse(data.value);
  if (!parsed.success)
    return refuse(
      parsed.error.issues
        .flatMap((issue) => told(issue, workflowSchema))
        .map(({ path, message }) => ({ ...place(path), message })),
    );
  const { name, flow } = parsed.data;
  if (rules.reserved.includes(name))
    return refuse([
      {
        ...place(['name']),
        message: `A workflow cannot be called "${name}": that is a word of /orchestrate. Give it another name.`,
      },
    ]);
  const tree = checkTree(flow, rules);
  const calls = callProblems(parsed.data, rules.workflow, rules.workflowNames).map(
    ({ node, key, message }) => ({
      path: [...(tree.paths.get(node) ?? []), key],
      message,
    }),
  );
  const problems = [...tree.problems, ...calls].map(({ path, message }) => ({
    ...place(['flow', ...path]),
    message,
  }));
  if (problems.length > 0) return refuse(problems);
  const hash = createHash('sha256').update(canonicalJson(data.value)).digest('hex');
  return { ok: true, workflow: parsed.data, hash };
}

/** What the parser says, without the place (given beside it) and the excerpt. */
function yamlWords({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === 'MULTIPLE_DOCS')
    return 'A second document begins here. A file holds one workflow: move it into a file of its own.';
  if (code === 'DUPLICATE_KEY') return 'This key is there twice. Take one of the two out.';
  const said = (message.split('\n')[0] ?? code).replace(/ at line \d+, column \d+:?$/, '');
  const instead = INSTEAD[code];
  return instead === undefined ? said : `${said}. ${instead}`;
}

const ONE_KEY =
  'Write each key on a line of its own, under its neighbours; a text in which a colon is followed by a space goes in quotes.';
/** What to write where the parser says only what is wrong, by its own codes. */
const INSTEAD: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Write spaces in place of the tab.',
  BLOCK_AS_IMPLICIT_KEY: ONE_KEY,
  BLOCK_IN_FLOW: ONE_KEY,
  MULTILINE_IMPLICIT_KEY: ONE_KEY,
  BAD_INDENT: 'Indent keys of one node alike, and close each bracket that is open.',
  MISSING_CHAR: 'Close the quote or bracket, or write the value that is missing.',
  UNEXPECTED_TOKEN: ONE_KEY,
  BAD_SCALAR_START: 'Put the text in quotes.',
};

/** The document as JSON: aliases resolved, within bounds, and without a node inside itself. */
function plainData(
  document: Pick<ReturnType<typeof parseDocument>, 'toJS'>,
): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string } {
  try {
    // One more, because the parser counts the anchor itself. Through text, because that refuses circles, which an alias inside its own anchor makes.
    const text = JSON.stringify(document.toJS({ maxAliasCount: MAX_ALIASES + 1 }));
    return { ok: true, value: jsonSchema.parse(JSON.parse(text ?? 'null')) };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return {
      ok: false,
      message: `The aliases of this file cannot be resolved (${message}). Write the nodes out.`,
    };
  }
}

function refuse(problems: readonly FileProblem[]): LoadedWorkflow {
  return { ok: false, problems };
}

interface TreeProblem {
  readonly path: Path;
  readonly message: string;
}

interface CheckedTree {
  readonly problems: readonly TreeProblem[];
  /** Where each node stands. */
  readonly paths: ReadonlyMap<string, Path>;
}

function checkTree(root: Node, rules: TreeRules): CheckedTree {
  const { knownEvents } = rules;
  const problems: TreeProblem[] = [];
  const speaking: Speaking[] = [];
  const seen = new Set<string>();
  const stack: { node: Node; path: Path; depth: number; held: string | null; locked: readonly string[] }[] = [
    { node: root, path: [], depth: 1, held: null, locked: [] },
  ];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, path, depth, held, locked } = next;
    const say = (message: string, ...below: Path): void =>
      void problems.push({ path: [...path, ...below], message });
    if (depth > MAX_DEPTH) {
      say(`Nested deeper than ${MAX_DEPTH}. Move this part into a workflow of its own.`);
      continue;
    }
    if (seen.has(node.id))
      say(
        `The id "${node.id}" is used twice. Ids are unique within a workflow. Give one of them another.`,
        'id',
      );
    seen.add(node.id);
    const schema = rules.schema(node.kind);
    if (schema === undefined) {
      say(`"${node.kind}" is no kind of node. ${suggestion(node.kind, rules.kinds)}`, 'kind');
      continue;
    }
    const parsed = schema.safeParse(node);
    if (!parsed.success) {
      for (const issue of parsed.error.issues)
        for (const { message, path: below } of told(issue, schema)) say(message, ...below);
      continue;
    }
    for (const { agent } of rules.asks(node)) {
      if (!rules.agents.includes(agent))
        say(`There is no agent "${agent}". ${suggestion(agent, rules.agents)}`, ...placeOf(agent, node));
    }
    for (const { key, name } of rules.events(node)) {
      if (knownEvents?.includes(name) === false)
        say(
          `There is no event "${name}". ${suggestion(name, knownEvents)} An event of your own is declared under \`events:\` in baton.yaml.`,
          key,
        );
    }
    const locks = rules.locks(node);
    speaking.push({ node, path, references: rules.references(node), locks, held: locked });
    const uses = node['uses'] !== undefined;
    if (uses && held !== null)
      say(`"${held}" above holds resources already. Reserve all of them there, at once.`, 'uses');
    const places = childPaths(node);
    const children = rules.children(node).map((child) => {
      const place = places.get(child.id)?.shift() ?? [];
      return {
        node: child,
        path: [...path, ...place],
        depth: depth + 1,
        held: uses ? node.id : held,
        locked: [...locked, ...locks],
      };
    });
    stack.push(...children.reverse());
  }
  // While a part cannot be read, its nodes are not known, and whoever speaks of them is not wrong for that.
  if (problems.length === 0) problems.push(...referenceProblems(speaking));
  return { problems, paths: new Map(speaking.map(({ node, path }) => [node.id, path])) };
}

/** Where a node itself names an agent, so that the problem is shown at the name. */
function placeOf(agent: string, node: Node): Path {
  const look = (value: unknown, path: Path): Path | null => {
    if (value === agent) return path;
    if (typeof value !== 'object' || value === null) return null;
    // What another node names is that node's.
    if (path.length > 0 && nodeSchema.safeParse(value).success) return null;
    const items = Array.isArray(value) ? value.entries() : Object.entries(value);
    for (const [key, item] of items) {
      const found = path.length === 0 && NOT_NAMES.has(key) ? null : look(item, [...path, key]);
      if (found !== null) return found;
    }
    return null;
  };
  return look(node, []) ?? ['agent'];
}

/** Keys of a node whose texts never name an agent. */
const NOT_NAMES: ReadonlySet<string | number> = new Set(['id', 'kind', 'task', 'question', 'domain']);

/** What is written as part of a node and becomes a child of its own, such as one agent's task: known by its id alone. */
const entrySchema = z.looseObject({ id: z.string(), kind: z.undefined().optional() });

/** Where a node's children stand in it, by their ids in order, so that a problem is shown at its own line. */
function childPaths(node: Node): Map<string, Path[]> {
  const paths = new Map<string, Path[]>();
  const entries = new Map<string, Path[]>();
  const look = (value: unknown, path: Path): void => {
    if (typeof value !== 'object' || value === null) return;
    const child = nodeSchema.safeParse(value);
    if (child.success) paths.set(child.data.id, [...(paths.get(child.data.id) ?? []), path]);
    else {
      const entry = entrySchema.safeParse(value);
      if (entry.success) entries.set(entry.data.id, [path]);
      below(value, path);
    }
  };
  const below = (value: object, path: Path): void => {
    const items = Array.isArray(value) ? value.entries() : Object.entries(value);
    for (const [key, item] of items) look(item, [...path, key]);
  };
  below(node, []);
  // Nodes first: a task or phase that holds one may have its name.
  return new Map([...entries, ...paths]);
}
