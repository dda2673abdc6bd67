import { describe, expect, it } from 'vitest';
import { mcpSchema } from '../../src/domain/mcp-settings.ts';

describe('settings of tool servers', () => {
  const good = { kind: 'http', url: 'https://tools.example.com/mcp', agents: ['*'], tools: { find: 'read' } };
  const problemsOf = (servers: unknown) => {
    const parsed = mcpSchema.safeParse(servers);
    return parsed.success ? '' : JSON.stringify(parsed.error.issues);
  };

  it('say only what is not usual', () => {
    expect(
      mcpSchema.parse({
        t: { ...good, tools: { find: 'read', post: 'network', make: { effect: 'write', approval: 'none' } } },
      }),
    ).toMatchObject({
      t: {
        tools: {
          find: { effect: 'read', approval: 'none', timeout: '1m', max_chars: 12_000, calls: 60 },
          post: { effect: 'network', approval: 'ask' },
          make: { effect: 'write', approval: 'none' },
        },
      },
    });
  });

  it.each([
    ['no tool', { t: { ...good, tools: {} } }, 'names at least one tool'],
    ['an effect nobody knows', { t: { ...good, tools: { find: 'look' } } }, 'tools'],
    [
      'two names that models could not tell apart',
      { t: { ...good, tools: { 'a.b': 'read', a_b: 'read' } } },
      'one name',
    ],
    [
      'a secret in the clear',
      { t: { ...good, url: 'http://tools.example.com/mcp', bearer: 'TOKEN' } },
      'only over https',
    ],
    ['a name that is no name', { 'T T': good }, 'lower-case'],
    ['a secret in place of a variable', { t: { ...good, bearer: 'xoxb-1' } }, 'environment variable'],
    ['no kind', { t: { url: 'https://a' } }, 'kind'],
  ])('with %s are refused', (_what, servers, words) => {
    expect(problemsOf(servers)).toContain(words);
  });
});
