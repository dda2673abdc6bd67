import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { toFailure } from '../../src/domain/failure.ts';
import { limitFor } from '../../src/domain/rate-limit.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BOT = { SLACK_BOT_TOKEN: 'xoxb-1' };
const file = (text: string, called = 'baton.yaml') => {
  const name = path.join(folder, called);
  writeFileSync(name, text);
  return { BATON_CONFIG: name };
};
/** Without a file of its own a test would read whatever lies in the folder it runs in. */
const read = (environment: Record<string, string | undefined>) =>
  readConfig({ ...file('', 'empty.yaml'), ...environment });
function wrong(environment: Record<string, string | undefined>): string {
  try {
    read(environment);
  } catch (error) {
    const { class: of, code, message, hint } = toFailure(error);
    expect([of, code, hint]).toEqual(['terminal', 'config_invalid', 'Nothing was started.']);
    return message;
  }
  throw new Error('it was accepted');
}

describe('what is wrong or missing names its variable and where to get it', () => {
  test.each([
    [{ SLACK_BOT_TOKEN: 'xoxp-1' }, 'SLACK_BOT_TOKEN', 'OAuth & Permissions'],
    [{ SLACK_APP_TOKEN: 'xapp-1' }, 'SLACK_BOT_TOKEN is missing', 'OAuth & Permissions'],
    [{ SLACK_SIGNING_SECRET: 'long enough' }, 'SLACK_BOT_TOKEN is missing', 'OAuth & Permissions'],
    [BOT, 'SLACK_APP_TOKEN is missing', 'App-Level Tokens'],
    [{ ...BOT, SLACK_APP_TOKEN: '' }, 'SLACK_APP_TOKEN is missing', 'SLACK_SIGNING_SECRET instead'],
    [{ ...BOT, SLACK_APP_TOKEN: 'xoxb-2' }, 'SLACK_APP_TOKEN', 'connections:write'],
    [{ ...BOT, SLACK_SIGNING_SECRET: 'short' }, 'SLACK_SIGNING_SECRET', 'Basic Information'],
    [{ SLACK_CLIENT_ID: '1.2' }, 'SLACK_CLIENT_SECRET is missing', 'docs/oauth.md'],
    [{ SLACK_CLIENT_ID: '1.2', SLACK_CLIENT_SECRET: 's' }, 'SLACK_STATE_SECRET is missing', 'docs/oauth.md'],
    [{ SLACK_STATE_SECRET: 'short' }, 'SLACK_STATE_SECRET', 'at least 16'],
    [{ SLACK_API_URL: 'slack' }, 'SLACK_API_URL', 'https://slack.com/api/'],
    [{ SLACK_API_URL: 'localhost:3000/api/' }, 'SLACK_API_URL', 'https://slack.com/api/'],
    [{ OPENAI_BASE_URL: 'localhost:11434/v1' }, 'OPENAI_BASE_URL', 'http://127.0.0.1:11434/v1'],
    [{ OPENAI_BASE_URL: 'ftp://x/v1' }, 'OPENAI_BASE_URL', 'http://127.0.0.1:11434/v1'],
    [{ OPENAI_API: 'completions' }, 'OPENAI_API', '"chat"'],
    [{ PORT: 'http' }, 'PORT', '0 picks a free one'],
    [{ PORT: '70000' }, 'PORT', '65535'],
    [{ PORT: '-1' }, 'PORT', '0'],
    [{ PORT: '1.5' }, 'PORT', 'whole number'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL', 'silent'],
    [{ CAST_DELAY_MS: 'slow' }, 'CAST_DELAY_MS', 'number'],
    [{ BATON_CONFIG: '/nonexistent/baton.yaml' }, 'BATON_CONFIG', 'does not exist'],
  ])('%j', (environment, variable, where) => {
    const message = wrong(environment);
    expect(message).toContain(variable);
    expect(message).toContain(where);
  });

  test('several at once are all named', () => {
    const message = wrong({ SLACK_BOT_TOKEN: 'a', OPENAI_API: 'b', PORT: 'c' });
    for (const name of ['SLACK_BOT_TOKEN', 'OPENAI_API', 'PORT']) expect(message).toContain(name);
  });

  test('a secret is never part of the message', () => {
    expect(wrong({ SLACK_BOT_TOKEN: 'my-secret-token', SLACK_SIGNING_SECRET: 'secret1' })).not.toMatch(
      /my-secret-token|secret1/,
    );
  });

  test.each([
    ['repository: [a]\n', 'repository'],
    ['prices:\n  gpt-x: {input: 1}\n', 'prices.gpt-x'],
    ['repository: "a\n', 'baton.yaml'],
    ['repository: a\nrepository: b\n', 'unique'],
    ['just words', 'baton.yaml'],
  ])('a file that says %j', (text, said) => {
    const message = wrong(file(text));
    expect(message).toContain(said);
    expect(message).toContain(folder);
  });
});

describe('what holds', () => {
  test('nothing set: the desk, the rehearsal, the sample', () => {
    expect(read({ SLACK_BOT_TOKEN: '', PORT: undefined })).toMatchObject({
      slack: { mode: 'desk' },
      model: { mode: 'rehearsal' },
      repository: null,
      port: null,
      secrets: [],
      policy: {
        problem: null,
        base: {
          people: [],
          fourEyes: false,
          remindAfterMs: 600_000,
          escalateAfterMs: 1_200_000,
          expireAfterMs: 86_400_000,
        },
      },
    });
  });

  test.each([
    ['approvals:\n  peopel: [U1]\n', 'peopel'],
    ['approvals:\n  expire_after: 24\n', 'approvals.expire_after'],
    ['approvals:\n  expire_after: "24"\n', 'approvals.expire_after: Write a duration with its unit'],
    ['approvals:\n  triggers: [{ when: deplyo }]\n', 'approvals.triggers.0.when'],
    ['approvals:\n  triggers: [{ when: files }]\n', 'files needs patterns'],
    ['access:\n  approver: [bob]\n', 'access.approver.0: is no Slack id'],
  ])('a policy that cannot be read lets nobody pass, and says why: %j', (text, said) => {
    const { policy } = read(file(text));
    expect(policy.problem).toContain(said);
    expect(policy.base.problem).toBe(policy.problem);
  });

  test('the door follows from what is set: an app token means a socket, a signing secret alone HTTP', () => {
    const both = { ...BOT, SLACK_APP_TOKEN: 'xapp-1', SLACK_SIGNING_SECRET: 'secret-secret' };
    expect(read(both).slack).toEqual({
      mode: 'socket',
      botToken: 'xoxb-1',
      appToken: 'xapp-1',
      apiUrl: 'https://slack.com/api/',
    });
    expect(read({ ...both, SLACK_APP_TOKEN: '', SLACK_API_URL: 'http://127.0.0.1:1/api/' }).slack).toEqual({
      mode: 'http',
      botToken: 'xoxb-1',
      signingSecret: 'secret-secret',
      apiUrl: 'http://127.0.0.1:1/api/',
    });
    expect(read({ ...both, OPENAI_API_KEY: 'sk-1' }).secrets).toEqual([
      'xoxb-1',
      'xapp-1',
      'secret-secret',
      'sk-1',
    ]);
  });

  test.each([
    [{ OPENAI_API_KEY: 'sk-1' }, { api: 'responses', apiKey: 'sk-1', baseUrl: 'https://api.openai.com/v1' }],
    [
      { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1', OPENAI_API: 'chat', OPENAI_MODEL: 'local' },
      { api: 'chat', apiKey: null, baseUrl: 'http://127.0.0.1:11434/v1', model: 'local' },
    ],
  ])('a model: %j', (environment, model) =>
    expect(read(environment).model).toMatchObject({ mode: 'model', ...model }),
  );

  test('the environment goes before the file, the file before the defaults', () => {
    const text =
      'repository: /from/file\napprovals:\n  people: [U1]\n  remind_after: 5m\nprices:\n  gpt-x: {input: 1, cached: 0.1, output: 10}\n';
    expect(read(file(text))).toMatchObject({
      repository: '/from/file',
      policy: { base: { people: ['U1'], remindAfterMs: 300_000, escalateAfterMs: 1_200_000 } },
      prices: { 'gpt-x': { output: 10 } },
    });
    expect(read({ ...file(text), BATON_REPOSITORY: '/from/environment', PORT: '0' })).toMatchObject({
      repository: '/from/environment',
      port: 0,
    });
  });

  test('sixty calls a minute unless configured; a single server differs only in what it names', () => {
    expect(limitFor(read({}).limits, 'api.openai.com').calls_per_minute).toBe(60);
    const text = 'limits: {calls_per_minute: 10, servers: {"127.0.0.1:1": {calls_per_minute: null}}}\n';
    const { limits } = read(file(text));
    expect(limitFor(limits, 'elsewhere')).toMatchObject({ calls_per_minute: 10, concurrent: 8 });
    expect(limitFor(limits, '127.0.0.1:1')).toMatchObject({ calls_per_minute: null, concurrent: 8 });
  });

  test('models that stand in share the key on the same server alone, and their keys are secrets', () => {
    const text =
      'models:\n  backup:\n    - {model: small}\n    - {model: other, base_url: "http://127.0.0.1:1/v1", api: chat}\n    - {model: third, base_url: "http://127.0.0.1:2/v1", key_env: THIRD_KEY}\n';
    const { backups, secrets } = read({ ...file(text), OPENAI_API_KEY: 'sk-1', THIRD_KEY: 'third-secret' });
    expect(backups).toEqual([
      { model: 'small', baseUrl: 'https://api.openai.com/v1', api: 'responses', apiKey: 'sk-1' },
      { model: 'other', baseUrl: 'http://127.0.0.1:1/v1', api: 'chat', apiKey: null },
      { model: 'third', baseUrl: 'http://127.0.0.1:2/v1', api: 'responses', apiKey: 'third-secret' },
    ]);
    expect(secrets).toContain('third-secret');
    expect(wrong({ ...file(text), OPENAI_API_KEY: 'sk-1' })).toContain('THIRD_KEY');
  });
});
