import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { loadRoles, roleNamed } from '../../src/agents/registry.ts';
import type { AgentRole, ResultKind } from '../../src/domain/agent.ts';
import { toFailure } from '../../src/domain/failure.ts';

const CATALOG = fileURLToPath(new URL('../../catalog', import.meta.url));
const SHIPPED = join(CATALOG, 'agents');

/** Every role that ships, by the result it ends with. */
const ROLES: Readonly<Record<ResultKind, readonly string[]>> = {
  spec: [
    'analyst',
    'architect',
    'business-analyst',
    'designer',
    'enhancer',
    'integration-architect',
    'product-manager',
    'smart-spec-generator',
    'sr-architect',
    'ui-ux-designer',
  ],
  work: [
    'ai-engineer',
    'backend',
    'data-engineer',
    'database-engineer',
    'developer',
    'devops',
    'devops-engineer',
    'documenter',
    'frontend',
    'frontend-engineer',
    'git-helper',
    'implementer',
    'java-engineer',
    'performance-engineer',
    'python-engineer',
    'qa',
    'qa-engineer',
    'security-engineer',
    'self-healing',
    'specialist-engineer',
    'technical-writer',
    'tester',
    'typescript',
  ],
  review: ['ops', 'performance-reviewer', 'reviewer', 'security-reviewer'],
  verdict: ['execution-monitor', 'policy-guardian'],
  answer: ['ai-researcher', 'analyze-product', 'project-coordinator'],
  items: ['adaptive-learner', 'context-intelligence', 'dependency-resolver', 'planner', 'project-manager'],
  route: ['agent-architect', 'orchestrator', 'workflow-orchestrator'],
  // Whoever knows the matter votes: a node asks its voters for it.
  vote: [],
};

/** Those whose documents have them share what they know while they work: a mesh, streams side by side, levels, reviews. */
const TALKS = new Set(
  [
    'agent-architect orchestrator workflow-orchestrator ai-researcher analyze-product context-intelligence',
    'developer specialist-engineer qa-engineer project-manager sr-architect integration-architect',
    'smart-spec-generator dependency-resolver execution-monitor adaptive-learner policy-guardian',
    'reviewer security-reviewer performance-reviewer',
  ].flatMap((names) => names.split(' ')),
);
const canWrite = ({ tools }: AgentRole): boolean => tools.includes('write') || tools.includes('edit');

describe('the roles that ship', () => {
  const roles = loadRoles([SHIPPED]);
  const each = [...roles.values()].map((role) => ({ role, name: role.name }));

  it('are those named, each with its result', () => {
    const found = Object.fromEntries(
      Object.keys(ROLES).map((kind) => [
        kind,
        each
          .filter(({ role }) => role.output === kind)
          .map(({ name }) => name)
          .sort(),
      ]),
    );
    expect(found).toEqual(ROLES);
    expect(roles.size).toBe(50);
  });

  it('are kept in files of their name', async () => {
    const files = (await readdir(SHIPPED)).map((name) => name.replace(/\.md$/, ''));
    expect(files.sort()).toEqual([...roles.keys()].sort());
  });

  it('all stand in the catalogue’s table, in the row of their result', async () => {
    const page = await readFile(join(CATALOG, 'README.md'), 'utf8');
    const table = page.split('### Roles that ship')[1] ?? '';
    const rows = [...table.matchAll(/^\| [^|]+ \| `([a-z]+)` \| (.+) \|$/gm)].flatMap(
      ([, kind = '', names = '']) =>
        [...names.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => `${kind} ${name}`),
    );
    expect(rows.sort()).toEqual(each.map(({ role, name }) => `${role.output} ${name}`).sort());
  });

  it.each(each)('$name has the tools its result needs, and no more', ({ role }) => {
    expect(role.tools).toEqual(expect.arrayContaining(['list', 'read', 'search']));
    expect(canWrite(role)).toBe(role.output === 'work');
    // Who changes or judges a change runs the tests.
    if (['work', 'review', 'verdict'].includes(role.output)) expect(role.tools).toContain('run');
    expect(new Set(role.tools).size).toBe(role.tools.length);
    expect(role.tools.includes('tell')).toBe(TALKS.has(role.name));
    expect(role.model).toBeNull();
  });

  it.each(each)('$name can be told from others and knows what to do', ({ role }) => {
    expect(role.title).toMatch(/^[A-Za-z]/);
    expect(role.description).toMatch(/^[A-Z].{30,150}\.$/);
    expect(role.capabilities.length).toBeGreaterThanOrEqual(4);
    expect(role.capabilities.filter((word) => !/^[a-z][a-z-]*$/.test(word))).toEqual([]);
    expect(new Set(role.capabilities).size).toBe(role.capabilities.length);
    expect(role.instructions.length).toBeGreaterThan(600);
    // Instructions go with every turn: what is long is paid for again and again.
    expect(role.instructions.length).toBeLessThan(3_000);
  });

  it.each(each)('$name has a stand-in that can do its work', ({ role }) => {
    expect(role.backup).not.toBeNull();
    expect(role.backup).not.toBe(role.name);
    const backup = roleNamed(roles, role.backup ?? '');
    if (role.name === 'backend') return; // Its stand-in designs: the team's two pillars take turns.
    if (canWrite(role)) expect(canWrite(backup)).toBe(true);
  });

  it.each(['title', 'description', 'instructions'] as const)('share no %s', (key) => {
    const texts = each.map(({ role }) => role[key]);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

const folders: string[] = [];
async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'baton-roles-'));
  folders.push(path);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, `${name}.md`), text);
  return path;
}
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true });
});

const BASE =
  '---\nname: base\ntitle: base role\ndescription: d\ncapabilities: [one, two]\ntier: strong\ntools: [read, run]\noutput: work\n---\nBe basic.\n';
const child = (name: string, parent: string, more = '', body = `Be ${name}.`): string =>
  `---\nname: ${name}\nextends: ${parent}\n${more}---\n${body}\n`;

/** What is said about files that cannot be used. */
function refusal(...paths: readonly string[]): string[] {
  try {
    loadRoles(paths);
  } catch (error) {
    const failure = toFailure(error);
    expect(failure).toMatchObject({ class: 'structural', code: 'roles_invalid' });
    return failure.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^.*\//, ''));
  }
  return [];
}

describe('extends', () => {
  it('takes what is not written from the parent, and adds the instructions below', async () => {
    const path = await folder({
      base: BASE,
      kid: child('kid', 'base', 'title: kid\ncapabilities: [three]\nbackup: base\n'),
    });
    expect(roleNamed(loadRoles([path]), 'kid')).toEqual({
      name: 'kid',
      title: 'kid',
      description: 'd',
      capabilities: ['three'],
      tier: 'strong',
      backup: 'base',
      tools: ['read', 'run'],
      output: 'work',
      model: null,
      instructions: 'Be basic.\n\nBe kid.',
    });
    expect(roleNamed(loadRoles([path]), 'base')).toMatchObject({ title: 'base role', backup: null });
  });

  it('may go over three roles, written in any order, one of them without a word of its own', async () => {
    const path = await folder({
      a: child('a', 'b', 'tier: light\n'),
      b: child('b', 'c', 'tier: standard\ntools: [read]\n', ''),
      c: child('c', 'base', 'tools: [list]\nbackup: base\n'),
      base: BASE,
    });
    expect(roleNamed(loadRoles([path]), 'a')).toMatchObject({
      tier: 'light',
      tools: ['read'],
      backup: 'base',
      instructions: 'Be basic.\n\nBe c.\n\nBe a.',
    });
  });

  it('can take away what the parent has', async () => {
    const path = await folder({
      base: BASE.replace('tier:', 'backup: other\nmodel: large\ntier:'),
      other: child('other', 'base', 'backup: null\nmodel: null\ntools: []\n'),
    });
    expect(roleNamed(loadRoles([path]), 'other')).toMatchObject({ backup: null, model: null, tools: [] });
  });

  it('builds on the role it replaces, and others build on the result', async () => {
    const shipped = await folder({ base: BASE, kid: child('kid', 'base') });
    const mine = await folder({ base: child('base', 'base', 'title: mine\n', 'Be mine.') });
    const roles = loadRoles([shipped, mine]);
    expect(roleNamed(roles, 'base')).toMatchObject({
      title: 'mine',
      instructions: 'Be basic.\n\nBe mine.',
    });
    expect(roleNamed(roles, 'kid').instructions).toBe('Be basic.\n\nBe mine.\n\nBe kid.');
  });

  it.each<[string, Record<string, string>, string[]]>([
    [
      'a parent that is not there',
      { kid: child('kid', 'ghost') },
      ['kid.md:3: extends: there is no role "ghost"'],
    ],
    ['itself', { kid: child('kid', 'kid') }, ['kid.md:3: extends: a role cannot extend itself']],
    [
      'a circle',
      { a: child('a', 'b'), b: child('b', 'a') },
      [
        'a.md:3: extends: goes round in a circle: a > b > a',
        'b.md:3: extends: goes round in a circle: b > a > b',
      ],
    ],
    [
      'four roles above',
      { a: child('a', 'b'), b: child('b', 'c'), c: child('c', 'd'), d: child('d', 'base'), base: BASE },
      ['a.md:3: extends: more than 3 roles above this one: a > b > c > d > base'],
    ],
    [
      'a missing parent further up, told once',
      { a: child('a', 'b'), b: child('b', 'ghost') },
      ['b.md:3: extends: there is no role "ghost"'],
    ],
    [
      'itself as inherited stand-in',
      { base: BASE.replace('tier:', 'backup: kid\ntier:'), kid: child('kid', 'base') },
      ['kid.md:3: backup: a role cannot stand in for itself'],
    ],
    [
      'itself as its own stand-in',
      { base: BASE.replace('tier:', 'backup: base\ntier:') },
      ['base.md:6: backup: a role cannot stand in for itself'],
    ],
    [
      'a stand-in that is not there',
      { base: BASE, kid: child('kid', 'base', 'tier: light\nbackup: ghost\n') },
      ['kid.md:5: backup: there is no role "ghost"'],
    ],
    [
      'a wrong value',
      { base: BASE, kid: child('kid', 'base', 'tools: [read, sudo]\n') },
      [
        'kid.md:4: tools.1: Invalid option: expected one of "list"|"read"|"search"|"diff"|"log"|"memory"|"write"|"edit"|"patch"|"run"|"ask"|"emit"|"tell"',
      ],
    ],
    [
      'an unknown key',
      { base: BASE, kid: child('kid', 'base', 'ttl: 1\n') },
      ['kid.md:2: Unrecognized key: "ttl"'],
    ],
    ['no name', { base: BASE, kid: child('kid', 'base').replace('name: kid\n', '') }, ['kid.md:2: name: ']],
    ['an empty parent', { base: BASE, kid: child('kid', '') }, ['kid.md:3: extends: ']],
    [
      'a colon that YAML takes for a mapping',
      { base: BASE, kid: child('kid', 'base', 'description: this: that\n') },
      ['kid.md:4: Nested mappings are not allowed in compact mappings'],
    ],
  ])('with %s is refused with file and line', async (_name, files, lines) => {
    const said = refusal(await folder(files));
    expect(said).toHaveLength(lines.length);
    expect(said).toEqual(lines.map((line) => (line.endsWith(': ') ? expect.stringContaining(line) : line)));
  });
});
