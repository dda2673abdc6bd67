import { describe, expect, test } from 'vitest';
import { CastFileError, loadCasts, parseCast } from '../../src/cast/load.ts';

function problemsOf(text: string): string[] {
  try {
    parseCast(text, '/somewhere/mine.yaml');
    return [];
  } catch (error) {
    if (error instanceof CastFileError) return error.message.split('\n');
    throw error;
  }
}

const withLine = (line: string) => `name: Mine
roles:
  backend:
    - say: fine
    - ${line}
`;

describe('a cast file that cannot be played says where', () => {
  test.each([
    ['broken YAML', 'name: [', /^mine\.yaml:1:8 /],
    ['a key twice', 'name: a\nname: b\nroles: {}', /^mine\.yaml:2:1 .*unique/],
    ['an unknown key', withLine('{ say: x, whn: { turn: 0 } }'), /^mine\.yaml:5:17 .*"whn"/],
    ['an unknown condition', withLine('{ when: { tern: 0 }, say: x }'), /^mine\.yaml:5:17 .*"tern"/],
    [
      'a turn that is no number',
      withLine('{ when: { turn: first }, say: x }'),
      /^mine\.yaml:5:23 roles\.backend\.1\.when\.turn/,
    ],
    ['an empty line', withLine('{ when: { turn: 0 } }'), /^mine\.yaml:5:7 .*`say`, `calls` or `result`/],
    [
      'calls without a turn',
      withLine('{ calls: [{ tool: read, arguments: { path: a } }] }'),
      /^mine\.yaml:5:16 .*played for ever/,
    ],
    [
      'a result with calls',
      withLine(
        '{ when: { turn: 0 }, calls: [{ tool: list, arguments: {} }], result: { summary: a, files: [], warnings: [] } }',
      ),
      /^mine\.yaml:5:\d+ .*without `calls`/,
    ],
    [
      'words beside a result',
      withLine('{ say: x, result: { summary: a, files: [], warnings: [] } }'),
      /^mine\.yaml:5:14 .*`summary`/,
    ],
    [
      'a result of the wrong form',
      withLine('{ result: { summary: a, quality: 101, approved: true, issues: [] } }'),
      /^mine\.yaml:5:40 .*result\.quality/,
    ],
    [
      'a result with a field missing',
      withLine('{ result: { summary: a, files: [] } }'),
      /^mine\.yaml:5:17 .*result\.warnings/,
    ],
    ['no name', 'roles: {}', /^mine\.yaml:1:1 name/],
    ['no lines', 'name: a\nroles:\n  qa: []', /^mine\.yaml:3:7 roles\.qa/],
    ['an empty file', '', /^mine\.yaml:1:1 /],
    [
      'an alias bomb',
      `a: &a [x]\nb: &b [${'*a,'.repeat(60)}]\nname: n\nroles: {c: [${'*b,'.repeat(60)}]}`,
      /too many aliases/,
    ],
  ])('%s', (_, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  test('all the problems of all the files at once', async () => {
    const loading = loadCasts(['/nowhere/a.yaml', '/nowhere/b.yaml']);
    await expect(loading).rejects.toThrow(/a\.yaml.*ENOENT[\s\S]*b\.yaml.*ENOENT/);
  });
});

test('a cast as small as it gets', () => {
  expect(parseCast('name: a\nroles: { qa: [{ say: hello }] }', 'a.yaml')).toEqual({
    name: 'a',
    roles: { qa: [{ when: {}, say: 'hello' }] },
  });
});
