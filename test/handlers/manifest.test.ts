import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { allCommands } from '../../commands/index.ts';
import { SLASH_COMMAND } from '../../commands/register.ts';
import { RESERVED_WORDS } from '../../commands/reserved.ts';
import { actionIds, callbackIds } from '../../src/slack/actions.ts';

/** What each Web API method needs, and each event, as Slack documents them. */
const METHOD_SCOPES: Readonly<Record<string, readonly string[]>> = {
  'auth.test': [],
  'chat.postMessage': ['chat:write'],
  'chat.postEphemeral': ['chat:write'],
  'chat.update': ['chat:write'],
  'conversations.open': ['im:write'],
  'conversations.history': ['channels:history', 'groups:history', 'im:history'],
  'conversations.replies': ['channels:history', 'groups:history', 'im:history'],
  'users.info': ['users:read'],
  'usergroups.users.list': ['usergroups:read'],
  'users.list': ['users:read'],
  'views.open': [],
  'views.publish': [],
};
const EVENT_SCOPES: Readonly<Record<string, readonly string[]>> = {
  app_home_opened: [],
  app_mention: ['app_mentions:read'],
  app_uninstalled: [],
  tokens_revoked: [],
  'message.channels': ['channels:history'],
  'message.groups': ['groups:history'],
  'message.im': ['im:history'],
};
/** One event of the code stands for a subscription per kind of conversation. */
const SUBSCRIPTIONS: Readonly<Record<string, readonly string[]>> = {
  message: ['message.channels', 'message.groups', 'message.im'],
};

const manifest = z
  .object({
    features: z.object({
      slash_commands: z.array(
        z.object({ command: z.string(), usage_hint: z.string(), should_escape: z.boolean() }),
      ),
    }),
    oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }),
    settings: z.object({
      event_subscriptions: z.object({ bot_events: z.array(z.string()) }),
      interactivity: z.object({ is_enabled: z.boolean() }),
      socket_mode_enabled: z.boolean(),
    }),
  })
  .parse(parse(readFileSync(new URL('../../manifest.yml', import.meta.url), 'utf8')));

const root = fileURLToPath(new URL('../../', import.meta.url));
const source = ['src/slack', 'src/compose', 'commands', 'handlers']
  .flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map(
      (name) => `${root}${folder}/${name}`,
    ),
  )
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(name, 'utf8'))
  .join('\n');
const all = (pattern: RegExp) =>
  [...new Set([...source.matchAll(pattern)].flatMap(([, found]) => found ?? []))].sort();
const events = all(/app\.event\(\s*'([\w.]+)'/g)
  .flatMap((name) => SUBSCRIPTIONS[name] ?? [name])
  .sort();
const methods = [
  ...new Set([
    ...all(/apiCall\(\s*'([\w.]+)'/g),
    ...all(
      /\b(?:client|prompt|bulk)\.((?:auth|chat|conversations|usergroups\.users|users|views|reactions|files|pins)\.\w+)\(/g,
    ),
  ]),
].sort();

describe('manifest.yml says what the code does', () => {
  test('slash commands', () => {
    expect(manifest.features.slash_commands.map(({ command }) => command)).toEqual([SLASH_COMMAND]);
    expect(all(/app\.command\(\s*([\w']+)/g)).toEqual(['SLASH_COMMAND']);
    const [{ usage_hint: hint } = { usage_hint: '' }] = manifest.features.slash_commands;
    const words = [
      ...allCommands([
        { name: 'feature', title: '', description: '', how: '', why: '', flow: { kind: 'agent', id: 'a' } },
      ]).keys(),
    ];
    expect(new Set(hint.split('|').map((part) => part.trim().split(' ')[0]))).toEqual(new Set(words));
  });

  test('events', () => {
    expect(events.length).toBeGreaterThan(0);
    expect([...manifest.settings.event_subscriptions.bot_events].sort()).toEqual(events);
  });

  test('interactivity, because buttons and forms are listened to', () => {
    expect(Object.values(actionIds).length + Object.values(callbackIds).length).toBeGreaterThan(0);
    expect(manifest.settings.interactivity.is_enabled).toBe(true);
    expect(manifest.settings.socket_mode_enabled).toBe(true);
  });

  test('scopes: what the methods and events in use need, and not one more', () => {
    expect(methods).toEqual(Object.keys(METHOD_SCOPES).sort());
    const needed = new Set([
      'commands',
      ...methods.flatMap((method) => METHOD_SCOPES[method] ?? []),
      ...events.flatMap((event) => EVENT_SCOPES[event] ?? []),
    ]);
    expect([...manifest.oauth_config.scopes.bot].sort()).toEqual([...needed].sort());
  });

  test('a workflow named like a fixed word is refused', () => {
    const named = (name: string) => () =>
      allCommands([{ name, title: '', description: '', how: '', why: '', flow: { kind: 'agent', id: 'a' } }]);
    expect(named('status')).toThrow('A workflow cannot be called "status"');
    expect([...named('deploy')().keys()]).toEqual(['deploy', ...RESERVED_WORDS]);
  });
});
