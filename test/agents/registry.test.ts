import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadRoles, parseRole, roleNamed } from '../../src/agents/registry.ts';
import { toFailure } from '../../src/domain/failure.ts';

const shipped = new URL('../../catalog/agents', import.meta.url).pathname;
const good = [
  '---',
  'name: backend',
  'title: mine',
  'description: d',
  'tools: [read]',
  'output: work',
  '---',
  'Do it.',
].join('\n');

const folders: string[] = [];
async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'baton-roles-'));
  folders.push(path);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true });
});

describe('roles', () => {
  it('that ship are whole', () => {
    const roles = loadRoles([shipped]);
    expect(roleNamed(roles, 'architect')).toMatchObject({
      output: 'spec',
      tools: ['list', 'read', 'search', 'diff', 'log', 'memory'],
      model: null,
    });
    expect(roleNamed(roles, 'reviewer').tools).not.toContain('write');
    for (const role of roles.values()) expect(role.instructions.length).toBeGreaterThan(400);
  });

  it('of the user’s folder win, and a folder may be missing', async () => {
    const mine = await folder({ 'backend.md': good, 'README.md': 'not a role' });
    const roles = loadRoles([shipped, mine, join(mine, 'none')]);
    expect(roleNamed(roles, 'backend')).toMatchObject({
      title: 'mine',
      tier: 'standard',
      backup: null,
      instructions: 'Do it.',
    });
    expect(roles.size).toBe(loadRoles([shipped]).size);
  });

  it.each<[string, string, string]>([
    ['no front matter', 'Do it.', 'x.md:1: must begin with front matter'],
    ['an unknown tool', good.replace('[read]', '[read, sudo]'), 'x.md:5: tools.1: Invalid option'],
    ['an unknown key', good.replace('title: mine', 'title: mine\nttl: 1'), 'x.md:'],
    ['a missing key', good.replace('output: work\n', ''), 'output: Invalid option'],
    [
      'a key twice',
      good.replace('title: mine', 'title: mine\ntitle: other'),
      'x.md:4: Map keys must be unique',
    ],
    ['nothing in its front matter', '---\n\n---\nDo it.', 'x.md:2: Invalid input'],
    ['broken YAML', good.replace('[read]', '[read'), 'x.md:'],
    ['no instructions', good.replace('Do it.', ''), 'no instructions'],
    ['a bad name', good.replace('name: backend', 'name: Back End'), 'x.md:2: name: '],
    [
      'an alias bomb',
      good.replace('title: mine', `a: &a [1]\nb: &b [${'*a,'.repeat(99)}]\ntitle: mine`),
      'x.md:1: refers to itself',
    ],
    ['too much', good + 'x'.repeat(70_000), 'longer than'],
  ])('with %s are refused with file and line', (_name, text, problem) => {
    const read = parseRole(text, 'x.md');
    expect(read.ok ? '' : read.problems.join('\n')).toContain(problem);
  });

  it('report all problems at once, unknown backups included', async () => {
    const path = await folder({
      'a.md': 'nothing',
      'backend.md': good.replace('title: mine', 'title: mine\nbackup: ghost'),
    });
    let failure = null;
    try {
      loadRoles([path]);
    } catch (error) {
      failure = toFailure(error);
    }
    expect(failure).toMatchObject({ class: 'structural', code: 'roles_invalid' });
    expect(failure?.message).toContain('a.md:1:');
    expect(failure?.message).toContain('no role "ghost"');
  });

  it('that do not exist are answered with those that do', () => {
    expect(() => roleNamed(loadRoles([shipped]), 'wizard')).toThrow(/architect, .*backend, .*qa, .*reviewer/);
  });
});
