import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { liveCommands } from '../../commands/index.ts';
import { RESERVED_WORDS } from '../../commands/reserved.ts';
import { workflowList } from '../../commands/workflows.ts';
import { loadCatalog } from '../../src/compose/catalog.ts';
import { validateMessage } from '../../src/slack/validate.ts';
import { WorkflowFolder } from '../../src/workflows/folder.ts';
import { rules } from './support.ts';

let home = '';
let told: string[] = [];
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'baton-folder-'));
  told = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const file = (name: string) => path.join(home, 'workflows', name);
function write(name: string, workflow: string, task = 'first', kind = 'agent'): void {
  mkdirSync(path.join(home, 'workflows'), { recursive: true });
  writeFileSync(
    file(name),
    `name: ${workflow}\ntitle: T\ndescription: About ${workflow}\nhow: H\nwhy: W\nflow: {kind: ${kind}, id: a, agent: qa, task: ${task}}\n`,
  );
}
const folder = () =>
  new WorkflowFolder({
    folder: path.join(home, 'workflows'),
    rules,
    beside: [],
    reserved: RESERVED_WORDS,
    onProblem: (problem) => told.push(problem),
  });
const catalog = () => loadCatalog(home, { onProblem: (problem) => told.push(problem) });

describe('a folder of workflows', () => {
  test('that is not there is empty, and may come and go', () => {
    const own = folder();
    expect(own.read()).toEqual({ workflows: [], problems: [] });
    write('a.yaml', 'one');
    write('b.txt', 'two');
    expect(own.read().workflows.map(({ name }) => name)).toEqual(['one']);
    rmSync(path.join(home, 'workflows'), { recursive: true });
    expect(own.read()).toEqual({ workflows: [], problems: [] });
  });

  test('is read again only where it has changed', () => {
    write('a.yaml', 'one');
    write('b.yaml', 'two');
    const own = folder();
    const before = own.read();
    expect(own.read()).toBe(before);
    write('b.yaml', 'two', 'second');
    const after = own.read();
    expect(after.workflows[0]).toBe(before.workflows[0]);
    expect(after.workflows[1]?.flow).toMatchObject({ task: 'second' });
  });

  test('notices a change of the same length and time', () => {
    write('a.yaml', 'one', 'first');
    const own = folder();
    own.read();
    const { atime, mtime } = statSync(file('a.yaml'));
    write('new.tmp', 'one', 'other');
    utimesSync(file('new.tmp'), atime, mtime);
    renameSync(file('new.tmp'), file('a.yaml'));
    expect(own.read().workflows[0]?.flow).toMatchObject({ task: 'other' });
  });

  test('keeps the last good version of a broken file, tells once per change, and forgets it when mended', () => {
    write('a.yaml', 'one');
    const own = folder();
    own.read();
    write('a.yaml', 'one', 'second', 'agnet');
    for (const _ of [1, 2, 3]) {
      const { workflows, problems } = own.read();
      expect(workflows[0]?.flow).toMatchObject({ task: 'first' });
      expect(problems).toEqual([
        `${file('a.yaml')}:6:14: "agnet" is no kind of node. Did you mean "agent"? (the last good version of "one" is used)`,
      ]);
    }
    expect(told).toHaveLength(1);
    write('a.yaml', 'one', 'still', 'agnett');
    own.read();
    expect(told).toHaveLength(2);
    write('a.yaml', 'one', 'third');
    expect(own.read()).toMatchObject({ workflows: [{ flow: { task: 'third' } }], problems: [] });
    expect(told).toHaveLength(2);
  });

  test('takes no word of /orchestrate, and nothing from a new file that is broken', () => {
    write('a.yaml', 'workflows');
    write('b.yaml', 'two', 't', 'nothing');
    const { workflows, problems } = folder().read();
    expect(workflows).toEqual([]);
    expect(problems[0]).toContain('A workflow cannot be called "workflows"');
    expect(problems[1]).toContain('"nothing" is no kind of node');
  });

  test('that becomes unreadable keeps everything as it was', () => {
    write('a.yaml', 'one');
    const own = folder();
    own.read();
    const hidden = path.join(home, 'elsewhere');
    renameSync(path.join(home, 'workflows'), hidden);
    // A file in its place: looking into it fails for everybody, whatever they may read.
    writeFileSync(path.join(home, 'workflows'), '');
    expect(own.read().workflows.map(({ name }) => name)).toEqual(['one']);
    expect(own.read().problems).toHaveLength(1);
    expect(told).toHaveLength(1);
    rmSync(path.join(home, 'workflows'));
    renameSync(hidden, path.join(home, 'workflows'));
    expect(own.read()).toMatchObject({ workflows: [{ name: 'one' }], problems: [] });
  });

  test.skipIf(process.getuid?.() === 0)('names a file that may not be read', () => {
    write('a.yaml', 'one');
    chmodSync(file('a.yaml'), 0);
    expect(folder().read().problems[0]).toContain('cannot be read');
  });
});

describe('the catalogue while Baton runs', () => {
  test('follows the files, shipped workflows under them', () => {
    const { workflows } = catalog();
    expect([...workflows.keys()]).toEqual(expect.arrayContaining(['feature']));
    const shipped = workflows.get('feature');
    write('mine.yaml', 'feature');
    expect(workflows.get('feature')?.description).toBe('About feature');
    rmSync(file('mine.yaml'));
    expect(workflows.get('feature')).toEqual(shipped);
  });

  test('a broken file stops the start and is not told twice', () => {
    write('a.yaml', 'one', 't', 'agnet');
    expect(catalog).toThrow(/a\.yaml:6:14: "agnet" is no kind/);
    expect(told).toEqual([]);
  });

  test('what was handed out before a change stays as it was', () => {
    write('a.yaml', 'one');
    const { workflows } = catalog();
    const pinned = workflows.get('one');
    write('a.yaml', 'one', 'second');
    expect(workflows.get('one')?.flow).toMatchObject({ task: 'second' });
    expect(pinned?.flow).toMatchObject({ task: 'first' });
  });
});

describe('/orchestrate', () => {
  const listed = ({ workflows, problems }: ReturnType<typeof catalog>): string =>
    JSON.stringify(workflowList([...workflows.values()], problems(), false));

  test('has a word for a workflow as soon as its file is there, and none when it is gone', () => {
    const commands = liveCommands(catalog());
    expect(commands.has('one')).toBe(false);
    write('a.yaml', 'one');
    expect(commands.get('one')?.description).toBe('About one');
    rmSync(file('a.yaml'));
    expect([...commands.keys()]).not.toContain('one');
    expect([...commands.keys()]).toEqual(expect.arrayContaining([...RESERVED_WORDS]));
  });

  test('workflows tells what there is, how to start it, and which file is broken, without its folder', () => {
    write('a.yaml', 'one');
    const given = catalog();
    expect(listed(given)).toContain('/orchestrate <name> <what you want>');
    expect(listed(given)).toContain('"text":"one"');
    expect(listed(given)).not.toContain('Files to correct');
    write('a.yaml', 'one', 't', 'agnet');
    const text = listed(given);
    expect(text).toContain('"text":"one"');
    expect(text).toContain('a.yaml:6:14');
    expect(text).not.toContain(home);
  });

  test('workflows lists all that ship, grouped by how they go', () => {
    const [first, ...groups] = workflowList([...catalog().workflows.values()], [], false).text.split(
      /\n(?=[A-Z])/,
    );
    expect(first).toContain('/orchestrate &lt;name&gt; &lt;what you want&gt;');
    const names = groups.map((group) =>
      [...group.matchAll(/^`?([a-z-]+)`? [A-Z]/gm)].map(([, name = '']) => name),
    );
    expect(names[0]).toEqual(expect.arrayContaining(['simple', 'sdlc', 'branch']));
    expect(names[1]).toEqual(expect.arrayContaining(['feature', 'fullstack-streams']));
    expect(names[2]).toEqual(expect.arrayContaining(['mesh', 'hierarchical']));
    expect(names[3]).toEqual(expect.arrayContaining(['event-system', 'constrained-team']));
    expect(names.flat().sort()).toEqual([...catalog().workflows.keys()].sort());
  });

  test('workflows stays within what Slack takes, however many there are', () => {
    const many = Array.from({ length: 200 }, (_, i) => ({
      name: `w${'x'.repeat(28)}${i}`,
      title: 'T'.repeat(5_000),
      description: 'D'.repeat(5_000),
      how: 'H'.repeat(5_000),
      why: 'W',
      flow: { kind: 'agent', id: 'a' },
    }));
    const problems = Array.from({ length: 50 }, (_, i) => `/x/f${i}.yaml:1:1: ${'P'.repeat(5_000)}`);
    const answer = workflowList(many, problems, true);
    expect(validateMessage(answer)).toEqual([]);
    expect(JSON.stringify(answer.blocks)).toContain('and 152 more');
    expect(JSON.stringify(answer.blocks)).toContain('and 47 more');
  });
});

describe('workflows that call each other', () => {
  const call = (name: string, workflow: string, to: string, more = '') => {
    mkdirSync(path.join(home, 'workflows'), { recursive: true });
    writeFileSync(
      file(name),
      `name: ${workflow}\ntitle: T\ndescription: d\nhow: H\nwhy: W\nflow:\n  kind: workflow\n  id: a\n  workflow: ${to}\n${more}`,
    );
  };
  const circle = 'so it could go on for ever. Say how often it may: `max_depth: 3`.';

  test('in a circle without a bound are refused at the start, both by line; with a bound they are not', () => {
    call('a.yaml', 'one', 'two');
    call('b.yaml', 'two', 'one');
    expect(catalog).toThrow(`a.yaml:9:13: "one" calls itself by this node, ${circle}`);
    expect(catalog).toThrow(`b.yaml:9:13: "two" calls itself by this node, ${circle}`);
    call('b.yaml', 'two', 'one', '  max_depth: 2\n');
    expect([...catalog().workflows.keys()]).toEqual(expect.arrayContaining(['one', 'two']));
  });

  test('a file that closes a circle later is refused, and its last good version stays in use', () => {
    call('a.yaml', 'one', 'two');
    write('b.yaml', 'two');
    const loaded = catalog();
    expect(loaded.problems()).toEqual([]);
    call('b.yaml', 'two', 'one');
    expect(loaded.problems()).toEqual([expect.stringContaining('(the last good version of "two" is used)')]);
    expect(loaded.workflows.get('two')?.flow.kind).toBe('agent');
    expect(told.join()).toContain(circle);
    call('b.yaml', 'two', 'one', '  max_depth: 2\n');
    expect(loaded.problems()).toEqual([]);
  });

  test('one that is not there is refused, with the nearest name', () => {
    write('b.yaml', 'second');
    call('a.yaml', 'one', 'secnd');
    expect(catalog).toThrow('There is no workflow "secnd". Did you mean "second"?');
  });
});
