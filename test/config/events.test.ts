import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkedEvents } from '../../src/compose/subscriptions.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { toFailure } from '../../src/domain/failure.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'baton-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(yaml: string, environment: Record<string, string> = {}): Config {
  const file = path.join(folder, 'baton.yaml');
  writeFileSync(file, yaml);
  return readConfig({ BATON_CONFIG: file, ...environment });
}
const check = (yaml: string) => checkedEvents(read(yaml).events, ['feature', 'bug'], ['/repos/shop']);
const words = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    const { code, message } = toFailure(error);
    expect(code).toBe('config_invalid');
    return message;
  }
  throw new Error('It was accepted.');
};
const entry = (more: string): string =>
  `subscriptions:\n  - {channel: C0123ABCD, by: U0123ABCD, on: test-failed, workflow: bug, ${more}}\n`;

describe('subscriptions', () => {
  test('are read with their defaults', () => {
    const { subscriptions } = check(entry('where: event.branch == "main"'));
    expect(subscriptions).toEqual([
      {
        id: 'sub:test-failed-bug',
        on: ['test-failed'],
        where: 'event.branch == "main"',
        workflow: 'bug',
        with: 'Answer to the event {{ name }}',
        channel: 'C0123ABCD',
        by: 'U0123ABCD',
        priority: 'normal',
        auto_start: false,
      },
    ]);
  });
  test.each([
    ['on: test-failde', 'subscriptions.0.on: There is no event "test-failde". Did you mean "test-failed"?'],
    ['workflow: bugg', 'subscriptions.0.workflow: There is no workflow "bugg". Did you mean "bug"?'],
    ['where: "event.branch =="', 'subscriptions.0.where: '],
    ['repo: /repos/other', 'subscriptions.0.repo: Baton may not work in /repos/other'],
    ['route: auto', 'Write either `workflow: <name>` or `route: auto`'],
    ['by: alice', 'A person is a member id, such as U0123ABCD'],
    ['channel: "#general"', 'A channel is its id, such as C0123ABCD'],
    ['debounce: 5', 'debounce'],
    ['batch: {size: 0, within: 1m}', 'batch.size'],
    ['prioriti: high', 'prioriti'],
  ])('%s is refused', (more, message) => {
    const [key] = more.split(':');
    const yaml = entry(more).replace(new RegExp(`${key}: [^,]+, (?=.*${key}:)`), '');
    expect(words(() => check(yaml))).toContain(message);
  });
  test('of one name are told apart', () => {
    const two = entry('debounce: 1m') + entry('debounce: 2m').split('\n').slice(1).join('\n');
    expect(words(() => check(two))).toContain('Two subscriptions are called "test-failed-bug"');
    expect(check(two.replace('debounce: 2m', 'name: second')).subscriptions).toHaveLength(2);
  });
});

describe('events of one\u2019s own', () => {
  test('are known with their fields', () => {
    const { types } = check('events: { release-cut: { version: text, size: "number?" } }\n');
    const type = types.get('release-cut');
    expect(type?.safeParse({ version: '1' }).success).toBe(true);
    expect(type?.safeParse({ version: '1', size: '3' }).success).toBe(false);
    expect(type?.safeParse({ size: 3 }).success).toBe(false);
    expect(type?.safeParse({ version: '1', other: 1 }).success).toBe(false);
  });
  test.each([
    ['events: { test-failed: {} }', 'events.test-failed: Baton knows that event already'],
    ['events: { mine: { size: int } }', 'A field is text, number, boolean, list, object or any'],
    ['events: { Mine: {} }', 'An event is named in lower-case letters'],
  ])('%s is refused', (yaml, message) => {
    expect(words(() => check(yaml))).toContain(message);
  });
});

describe('hooks', () => {
  const hooks =
    'hooks: { github: { secret: HOOK_SECRET }, mine: { secret: MY_SECRET, event: test-failed } }\n';
  test('have their secrets from the environment, kept out of sight', () => {
    const config = read(hooks, { HOOK_SECRET: 'long enough to be one' });
    expect(config.hooks.list).toEqual([
      { name: 'github', event: null, variable: 'HOOK_SECRET', secret: 'long enough to be one' },
      { name: 'mine', event: 'test-failed', variable: 'MY_SECRET', secret: null },
    ]);
    expect(config.secrets).toContain('long enough to be one');
  });
  test.each([
    ['a short secret', hooks, { HOOK_SECRET: 'short' }, 'at least 16 characters'],
    ['the secret itself', 'hooks: { github: { secret: "s3cret-itself" } }', {}, 'the name of a variable'],
    ['no event', 'hooks: { mine: { secret: A_B } }', {}, 'Write which `event` it publishes'],
    ['an event for GitHub', 'hooks: { github: { secret: A_B, event: x } }', {}, 'leave `event` out'],
  ])('%s is refused', (_name, yaml, environment, message) => {
    expect(words(() => read(yaml, environment))).toContain(message);
  });
});
