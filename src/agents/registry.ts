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

/** Front matter as people write it: what is usual may be left out. */
const frontMatterSchema = z.strictObject({
  ...agentRoleSchema.omit({ instructions: true }).shape,
  capabilities: z.array(z.string()).default([]),
  tier: agentRoleSchema.shape.tier.default('standard'),
  backup: z.string().nullable().default(null),
  model: z.string().nullable().default(null),
});

export type RoleFile =
  | { readonly ok: true; readonly role: AgentRole }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads `*.md` of each folder, later folders overriding roles of the same name. A folder that is missing counts
 * as empty. Throws one structural failure that lists every problem as `file:line: what`.
 */
export function loadRoles(folders: readonly string[]): RoleRegistry {
  const roles = new Map<string, AgentRole>();
  const origins = new Map<string, string>();
  const problems: string[] = [];
  for (const folder of folders) {
    for (const file of roleFiles(folder)) {
      const read = parseRole(readFileSync(file, 'utf8'), file);
      if (!read.ok) {
        problems.push(...read.problems);
        continue;
      }
      roles.set(read.role.name, read.role);
      origins.set(read.role.name, file);
    }
  }
  for (const role of roles.values()) {
    if (role.backup !== null && !roles.has(role.backup)) {
      problems.push(`${origins.get(role.name)}:1: backup: there is no role "${role.backup}"`);
    }
  }
  if (problems.length > 0) {
    throw new BatonError({
      class: 'structural',
      code: 'roles_invalid',
      message: `Some role files cannot be used:\n${problems.join('\n')}`,
      hint: 'Correct them and start again; nothing else was changed.',
    });
  }
  return roles;
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
  const lines = new LineCounter();
  const document = parseDocument(parts[1] ?? '', { lineCounter: lines, uniqueKeys: true });
  // The front matter begins in the file's second line.
  const lineAt = (offset: number): number => lines.linePos(offset).line + 1;
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map(
        (error) => `${file}:${lineAt(error.pos[0])}: ${firstLine(error.message)}`,
      ),
    };
  }
  const instructions = text.slice(parts[0].length).trim();
  if (instructions === '') return bad(1, 'has no instructions below its front matter');
  const data = plainData(document);
  if (data === null) return bad(1, 'refers to itself too often');
  const parsed = frontMatterSchema.safeParse(data);
  if (!parsed.success) {
    const lineOf = (path: readonly PropertyKey[]): number => lineAt(offsetOf(document, path));
    return {
      ok: false,
      problems: parsed.error.issues.map((issue) => {
        const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
        return `${file}:${lineOf(issue.path)}: ${where}${issue.message}`;
      }),
    };
  }
  return { ok: true, role: { ...parsed.data, instructions } };
}

/** The document as data; null when its aliases multiply beyond measure. */
function plainData(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 50 });
  } catch {
    return null;
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
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
