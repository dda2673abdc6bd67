import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type AgentRole, agentRoleSchema } from '../domain/agent.ts';
import { BatonError } from '../domain/failure.ts';

/** The roles that can be asked to work, by name. */
export type RoleRegistry = ReadonlyMap<string, AgentRole>;

/** Characters of a role file: instructions longer than this are a mistake, or an attack on memory. */
const MAX_ROLE_CHARS = 64_000;

/**
 * Roles above a role that extends others. A longer chain is hard to follow when it is read, and each step makes the
 * prompt longer.
 */
const MAX_PARENTS = 3;

// Which servers a role may use is said in baton.yaml, not by the role.
const fields = agentRoleSchema.omit({ instructions: true, mcp: true }).shape;

/** Front matter as people write it: what is usual may be left out. */
const frontMatterSchema = z.strictObject({
  ...fields,
  capabilities: z.array(z.string()).default([]),
  tier: fields.tier.default('standard'),
  backup: z.string().nullable().default(null),
  model: z.string().nullable().default(null),
});

/** Front matter of a role that extends another: all but its name comes from there unless it says otherwise. */
const extensionSchema = z.strictObject(fields).partial().extend({ name: fields.name, extends: fields.name });

/** A role as one file has it, before what it extends is known. */
export interface RoleSource {
  readonly file: string;
  /** The line of a key it writes; undefined for one it leaves out. */
  readonly line: (key: string) => number | undefined;
  readonly instructions: string;
  readonly extends: string | null;
  /** Its front matter, without what it leaves to the role it extends. */
  readonly own: Omit<z.infer<typeof extensionSchema>, 'extends'>;
}

export type RoleFile =
  | { readonly ok: true; readonly source: RoleSource }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads `*.md` of each folder, later folders overriding roles of the same name. A folder that is missing counts
 * as empty. A role that extends another is given whole: what its front matter says goes before the parent's, its
 * instructions stand below the parent's. Throws one structural failure that lists every problem as `file:line: what`.
 */
export function loadRoles(folders: readonly string[]): RoleRegistry {
  const problems: string[] = [];
  // All files of a name, the one that counts last.
  const sources = new Map<string, RoleSource[]>();
  for (const file of folders.flatMap(roleFiles)) {
    const read = parseRole(readFileSync(file, 'utf8'), file);
    if (!read.ok) {
      problems.push(...read.problems);
      continue;
    }
    const { name } = read.source.own;
    sources.set(name, [...(sources.get(name) ?? []), read.source]);
  }
  const roles = new Map<string, AgentRole>();
  for (const [name, files] of sources) {
    const source = files.at(-1);
    if (source === undefined) continue;
    const merged = merge(source, sources);
    if (merged.ok) roles.set(name, merged.role);
    else problems.push(merged.problem);
    const problem = merged.ok ? backupProblem(source, merged.role, sources) : null;
    if (problem !== null) problems.push(problem);
  }
  if (problems.length > 0) {
    throw new BatonError({
      class: 'structural',
      code: 'roles_invalid',
      message: `Some role files cannot be used:\n${[...new Set(problems)].join('\n')}`,
      hint: 'Correct them and start again; nothing else was changed.',
    });
  }
  return roles;
}

type Merged =
  | { readonly ok: true; readonly role: AgentRole }
  | { readonly ok: false; readonly problem: string };

/** A role with all it takes from the roles above it. */
function merge(source: RoleSource, sources: ReadonlyMap<string, readonly RoleSource[]>): Merged {
  const bad = (at: RoleSource, what: string): Merged => ({
    ok: false,
    problem: `${place(at, 'extends')}: extends: ${what}`,
  });
  const chain = [source];
  for (let child = source; child.extends !== null; ) {
    const parent = parentOf(child, sources);
    if (parent === undefined) {
      const itself = child.extends === child.own.name;
      return bad(child, itself ? 'a role cannot extend itself' : `there is no role "${child.extends}"`);
    }
    const names = [...chain, parent].map(({ own }) => own.name).join(' > ');
    if (chain.includes(parent)) return bad(source, `goes round in a circle: ${names}`);
    if (chain.length > MAX_PARENTS) {
      return bad(source, `more than ${MAX_PARENTS} roles above this one: ${names}`);
    }
    chain.push(parent);
    child = parent;
  }
  const downwards = chain.toReversed();
  const instructions = downwards.map((each) => each.instructions).filter((text) => text !== '');
  const role = agentRoleSchema.parse({
    ...Object.assign({}, ...downwards.map(({ own }) => own)),
    instructions: instructions.join('\n\n'),
  });
  return { ok: true, role };
}

/** What a role extends. A role that replaces another of its name may extend that one. */
function parentOf(
  source: RoleSource,
  sources: ReadonlyMap<string, readonly RoleSource[]>,
): RoleSource | undefined {
  if (source.extends === null) return undefined;
  const files = sources.get(source.extends) ?? [];
  return source.extends === source.own.name ? files[files.indexOf(source) - 1] : files.at(-1);
}

function backupProblem(
  source: RoleSource,
  { name, backup }: AgentRole,
  sources: ReadonlyMap<string, unknown>,
): string | null {
  if (backup === null) return null;
  const at = place(source, source.line('backup') !== undefined ? 'backup' : 'extends');
  if (backup === name) return `${at}: backup: a role cannot stand in for itself`;
  return sources.has(backup) ? null : `${at}: backup: there is no role "${backup}"`;
}

function place({ file, line }: RoleSource, key: string): string {
  return `${file}:${line(key) ?? 1}`;
}

/** A role by its name. Throws `role_unknown` naming those there are. */
export function roleNamed(registry: RoleRegistry, name: string): AgentRole {
  const role = registry.get(name);
  if (role !== undefined) return role;
  throw new BatonError({
    class: 'structural',
    code: 'role_unknown',
    message: `There is no agent role "${name}". There are: ${[...registry.keys()].sort().join(', ')}.`,
    hint: 'Correct the name in the workflow, or add the role to your agents folder.',
  });
}

function roleFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.md') && name.toLowerCase() !== 'readme.md')
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * One role file: YAML between two lines of `---`, then the instructions.
 * @param file only for the problems' texts
 */
export function parseRole(text: string, file: string): RoleFile {
  const bad = (line: number, what: string): RoleFile => ({
    ok: false,
    problems: [`${file}:${line}: ${what}`],
  });
  if (text.length > MAX_ROLE_CHARS) return bad(1, `longer than ${MAX_ROLE_CHARS} characters`);
  const parts = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  if (parts === null) return bad(1, 'must begin with front matter between two lines of "---"');
  const counter = new LineCounter();
  const document = parseDocument(parts[1] ?? '', { lineCounter: counter, uniqueKeys: true });
  // The front matter begins in the file's second line.
  const lineAt = (offset: number): number => counter.linePos(offset).line + 1;
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((error) => `${file}:${lineAt(error.pos[0])}: ${sentence(error.message)}`),
    };
  }
  const instructions = text.slice(parts[0].length).trim();
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(offsetOf(document, path));
  const data = plainData(document);
  if (data === undefined) return bad(1, 'refers to itself too often');
  const keys = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  const extending = keys.includes('extends');
  if (instructions === '' && !extending) return bad(1, 'has no instructions below its front matter');
  const line = (key: string): number | undefined => (keys.includes(key) ? lineOf([key]) : undefined);
  const found = extending ? extensionSchema.safeParse(data) : frontMatterSchema.safeParse(data);
  if (!found.success) {
    return {
      ok: false,
      problems: found.error.issues.map((issue) => {
        const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
        return `${file}:${lineOf(issue.path)}: ${where}${issue.message}`;
      }),
    };
  }
  const { extends: parent, ...own } = { extends: null, ...found.data };
  return { ok: true, source: { file, line, instructions, extends: parent, own } };
}

/** The document as data; undefined when its aliases multiply beyond measure. */
function plainData(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 50 });
  } catch {
    return undefined;
  }
}

/** The first line of what the parser says, without its own place, which counts from the front matter's beginning. */
function sentence(text: string): string {
  return (text.split('\n')[0] ?? text).replace(/ at line \d+, column \d+:?$/, '');
}

const rangedNodeSchema = z.looseObject({ range: z.tuple([z.number()]).rest(z.number()) });

/** Where the value at a path begins; the nearest parent's place where it is missing. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = rangedNodeSchema.safeParse(document.getIn(path.slice(0, length), true));
    if (node.success) return node.data.range[0];
  }
  return 0;
}
