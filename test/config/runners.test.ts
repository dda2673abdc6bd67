import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { toFailure } from '../../src/domain/failure.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'runners-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The settings of a file, or what is said to be wrong with it. */
function read(text: string, environment: Record<string, string> = {}) {
  const file = path.join(folder, 'baton.yaml');
  writeFileSync(file, text);
  try {
    return { config: readConfig({ ...environment, BATON_CONFIG: file }), problem: '' };
  } catch (error) {
    return { config: null, problem: toFailure(error).message };
  }
}

test('runners are read with what is usual left out', () => {
  expect(read('runners:\n  coder: { kind: acp, command: codex-acp }\n').config?.runners).toEqual({
    coder: { kind: 'acp', command: 'codex-acp', args: [], env: {}, reads: [], model: false, agents: [] },
  });
});

describe('what is wrong is told by file, line and column', () => {
  test.each([
    ['no kind', 'runners:\n  coder: { command: x }\n', 'baton.yaml, line 2: ', 'runners.coder.kind'],
    [
      'a kind nobody knows',
      'runners:\n  coder:\n    kind: telepathy\n    command: x\n',
      'baton.yaml, line 3: ',
      'kind',
    ],
    ['no program', 'runners:\n  coder: { kind: acp }\n', 'baton.yaml, line 2: ', 'runners.coder.command'],
    [
      'an empty program',
      'runners:\n  coder: { kind: acp, command: "" }\n',
      'baton.yaml, line 2: ',
      'command',
    ],
    [
      'one line in place of words',
      'runners:\n  coder:\n    kind: acp\n    command: x\n    args: acp --fast\n',
      'baton.yaml, line 5: ',
      'args',
    ],
    [
      'a relative path',
      'runners:\n  coder:\n    kind: acp\n    command: x\n    reads: [tools]\n',
      'baton.yaml, line 5: ',
      'absolute path',
    ],
    [
      'a variable that is none',
      'runners:\n  coder: { kind: acp, command: x, env: { "A-B": c } }\n',
      'baton.yaml, line 2: ',
      'env',
    ],
    [
      'a key nobody knows',
      'runners:\n  coder:\n    kind: acp\n    command: x\n    sandbox: off\n',
      '',
      'sandbox',
    ],
    ['the name of Baton’s own', 'runners:\n  model: { kind: acp, command: x }\n', '', 'Baton’s own loop'],
    [
      'a name that is none',
      'runners:\n  "My Coder": { kind: acp, command: x }\n',
      'baton.yaml, line 2: ',
      'lower-case',
    ],
    [
      'one agent for two',
      'runners:\n  a: { kind: acp, command: x, agents: [qa] }\n  b: { kind: acp, command: y, agents: [qa] }\n',
      '',
      'one runner only',
    ],
    [
      'the same name twice',
      'runners:\n  a: { kind: acp, command: x }\n  a: { kind: acp, command: y }\n',
      'line 3',
      'unique',
    ],
    [
      'a tool server without tools',
      'mcp:\n  t:\n    kind: http\n    url: https://a.example\n    agents: ["*"]\n    tools: {}\n',
      'baton.yaml, line 6: ',
      'at least one tool',
    ],
    [
      'a tool without an effect',
      'mcp:\n  t:\n    kind: http\n    url: https://a.example\n    agents: ["*"]\n    tools: { find: {} }\n',
      'baton.yaml, line 6: ',
      'tools.find',
    ],
  ])('%s', (_what, text, place, words) => {
    const { problem } = read(text);
    expect(problem).toContain(place);
    expect(problem).toContain(words);
  });

  test('a secret that is not there names its variable and its server', () => {
    const text =
      'mcp:\n  t: { kind: http, url: "https://a.example", bearer: T_TOKEN, agents: ["*"], tools: { find: read } }\n';
    expect(read(text).problem).toContain('mcp.t: the variable T_TOKEN, which it is to be given, is not set');
    const { config } = read(text, { T_TOKEN: 'secret-of-t-12345' });
    expect(config?.secrets).toContain('secret-of-t-12345');
  });
});
