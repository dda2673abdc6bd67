import { createServer } from 'node:http';
import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readClick } from '../../handlers/click.ts';
import type { OutboxRow } from '../../src/ports/outbox.ts';
import { controlWords } from '../../src/slack/control-words.ts';
import { undeliverable } from '../../src/slack/out/undeliverable.ts';
import { People } from '../../src/slack/people.ts';
import { session } from '../db/support.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('who somebody is, as Slack says', () => {
  let answer: unknown;
  let asked: number;
  let client: WebClient;
  let close: () => void;
  const clock = new VirtualClock();
  beforeEach(async () => {
    asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = z.object({ port: z.number() }).parse(server.address());
    client = new WebClient('xoxb-x', {
      slackApiUrl: `http://127.0.0.1:${port}/api/`,
      retryConfig: { retries: 0 },
    });
    close = () => {
      server.closeAllConnections();
      server.close();
    };
  });
  afterEach(() => close());
  const user = (more: object) => ({ ok: true, user: { id: 'U1', team_id: 'T1', ...more } });
  const person = { id: 'U1', team: 'T1', isBot: false, isGuest: false, isStranger: false };

  test.each([
    ['a member', {}, {}],
    ['a bot', { is_bot: true }, { isBot: true }],
    ['somebody who left', { deleted: true }, { isBot: true }],
    ['a guest of several channels', { is_restricted: true }, { isGuest: true }],
    ['a guest of one', { is_ultra_restricted: true }, { isGuest: true }],
    ['a stranger', { is_stranger: true }, { isStranger: true }],
    ['somebody of another workspace in a shared channel', { team_id: 'T2' }, { isStranger: true }],
  ])('%s', async (_name, said, expected) => {
    answer = user(said);
    expect(await new People(() => client, clock).decider('U1', 'T1', 'T1')).toEqual({
      ...person,
      ...expected,
    });
  });

  test.each([
    ['an error', { ok: false, error: 'user_not_found' }],
    ['nothing of use', { ok: true }],
  ])('%s: nobody decides on a guess, and it is asked anew', async (_name, said) => {
    answer = said;
    const people = new People(() => client, clock);
    await expect(people.decider('U1', 'T1', 'T1')).rejects.toThrow();
    answer = user({});
    expect(await people.decider('U1', 'T1', 'T1')).toEqual(person);
  });

  test('believed for half a minute, and per workspace', async () => {
    answer = user({});
    const people = new People(() => client, clock);
    await people.decider('U1', 'T1', 'T1');
    clock.advance(29_999);
    await people.decider('U1', 'T1', 'T1');
    expect(asked).toBe(1);
    await people.decider('U1', 'E1:T1', 'T1');
    expect(asked).toBe(2);
    clock.advance(1);
    answer = user({ is_restricted: true });
    expect(await people.decider('U1', 'T1', 'T1')).toMatchObject({ isGuest: true });
  });
});

describe('what a person reads after a button or command', () => {
  test('every way it can end has words of its own kind', () => {
    const all = (['start', 'cancel', 'stop', 'retry'] as const).flatMap((verb) =>
      (['done', 'unknown', 'not_yours', 'already', 'not_paused'] as const).map(
        (done) => [verb, done, controlWords(verb, done, 'U1')] as const,
      ),
    );
    for (const [verb, done, words] of all) expect(words, `${verb} ${done}`).toMatch(/^[A-Z].*\.$/s);
    expect(controlWords('stop', 'not_yours', 'U12345678')).toContain('<@U12345678>');
    expect(controlWords('start', 'already', 'U1')).not.toBe(controlWords('stop', 'already', 'U1'));
  });
});

describe('a message that could not be posted', () => {
  const row: OutboxRow = {
    id: 1,
    team: 'T1',
    key: 'epic:ses_1',
    kind: 'post',
    target: { kind: 'channel', channel: 'C1' },
    lane: 'approvals',
    text: 'The plan',
    blocks: [],
    status: 'sending',
    attempts: 1,
    notBefore: 0,
    error: null,
    createdAt: 0,
  };
  const words = {
    forwarded: (markup: string, text: string) => ({ text: `${markup}|${text}`, blocks: [] }),
    rehearsal: false,
  };
  const tell = (more: Partial<OutboxRow>, code: string, of = session()) =>
    undeliverable({ ...row, ...more }, code, of, words);

  test.each(['not_in_channel', 'channel_not_found'])(
    '%s: whoever asked gets it by DM, once, with what to do',
    async (code) => {
      expect(await tell({}, code)).toMatchObject({
        key: 'undeliverable:epic:ses_1',
        target: { kind: 'dm', user: 'U-alice' },
        text: expect.stringMatching(/\/invite.*\|The plan$/s),
      });
    },
  );
  test('any other reason is named', async () => {
    expect((await tell({}, 'is_archived'))?.text).toContain('is_archived');
  });
  test('an answer goes to the person it was for', async () => {
    expect((await tell({ user: 'U-bob' }, 'not_in_channel'))?.target).toEqual({ kind: 'dm', user: 'U-bob' });
  });
  test('a DM that fails is not answered by more DMs, nor is what nobody asked for', async () => {
    expect(await tell({ target: { kind: 'dm', user: 'U1' } }, 'cannot_dm_bot')).toBeNull();
    expect(await tell({ key: 'undeliverable:x' }, 'not_in_channel')).toBeNull();
    expect(await undeliverable(row, 'not_in_channel', null, words)).toBeNull();
  });
});

describe('a click', () => {
  const body = {
    team: { id: 'T1', enterprise_id: 'E1' },
    user: { id: 'U1' },
    channel: { id: 'C1' },
    trigger_id: 'tr',
    actions: [{ action_id: 'plan_start', action_ts: '1.1', value: 'run_1' }],
  };
  test('read with what makes it the same one when it comes again', () => {
    const read = readClick(body);
    expect(read?.click).toEqual({
      team: 'E1:T1',
      homeTeam: 'T1',
      user: 'U1',
      channel: 'C1',
      action: 'plan_start',
      value: 'run_1',
    });
    expect(readClick({ ...body, trigger_id: 'another' })?.intent).toBe(read?.intent);
    for (const other of [
      { user: { id: 'U2' } },
      { actions: [{ ...body.actions[0], action_ts: '1.2' }] },
      { team: { id: 'T1' } },
    ])
      expect(readClick({ ...body, ...other })?.intent).not.toBe(read?.intent);
  });
  test.each([
    [{}],
    [null],
    [{ ...body, actions: [] }],
    [{ ...body, team: null }],
    [{ ...body, actions: [{ action_id: 'a', action_ts: '1' }] }],
  ])('%j is none of ours', (other) => {
    expect(readClick(other)).toBeNull();
  });
});
