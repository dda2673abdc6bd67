import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkedPayload, eventTypes } from '../../src/domain/bus-event.ts';
import { fromGithub } from '../../src/webhooks/github.ts';
import { HookServer } from '../../src/webhooks/server.ts';
import { WebHooks } from '../../src/webhooks/web-hooks.ts';
import { busWorld } from '../db/bus-world.ts';
import { NOW } from '../db/support.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const SECRET = 'secret-of-the-test';
const hmac = (text: string, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;

const pushed = (more: object = {}) => ({
  ref: 'refs/heads/main',
  before: 'a'.repeat(40),
  after: 'b'.repeat(40),
  repository: { full_name: 'acme/shop', pushed_at: NOW / 1_000 },
  sender: { login: 'ada' },
  commits: [{}, {}],
  head_commit: { message: 'Add the export\n\nAnd more' },
  ...more,
});
const run = (conclusion: string, more: object = {}) => ({
  action: 'completed',
  repository: { full_name: 'acme/shop' },
  sender: { login: 'ada' },
  workflow_run: {
    name: 'CI',
    head_branch: 'main',
    head_sha: 'c'.repeat(40),
    conclusion,
    html_url: 'https://github.example/run/1',
    updated_at: new Date(NOW).toISOString(),
    display_title: 'Add the export',
    ...more,
  },
});

let world: ReturnType<typeof busWorld>;
let clock: VirtualClock;
let server: HookServer;
let url: string;
let warned: string[];
let errors: unknown[];

beforeEach(async () => {
  world = busWorld();
  clock = new VirtualClock(NOW);
  warned = [];
  errors = [];
  const hooks = new WebHooks({
    hooks: [
      { name: 'github', event: null, variable: 'GITHUB_SECRET', secret: SECRET },
      { name: 'deploys', event: 'deployment-ready', variable: 'DEPLOY_SECRET', secret: SECRET },
      { name: 'closed', event: 'deployment-ready', variable: 'CLOSED_SECRET', secret: null },
    ],
    publish: async (event) => {
      checkedPayload(eventTypes(), event.name, event.payload);
      return world.bus.publish(event);
    },
    clock,
    log: { warn: (_fields, message) => void warned.push(message) },
  });
  server = new HookServer(hooks, 0, (error) => void errors.push(error));
  url = await server.start();
});
afterEach(async () => {
  await server.stop();
  world.remove();
});

async function send(path: string, body: string, headers: Record<string, string>, method = 'POST') {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' ? { body } : {}),
  });
  const text = await answer.text();
  const said: unknown = text === '' ? null : JSON.parse(text);
  return { status: answer.status, said };
}
const github = (body: unknown, more: Record<string, string> = {}, kind = 'push') => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return send('/hooks/github', text, {
    'x-github-event': kind,
    'x-github-delivery': 'delivery-1',
    'x-hub-signature-256': hmac(text),
    ...more,
  });
};
const own = (
  body: unknown,
  delivery = 'one',
  at: number | string = NOW / 1_000,
  more: Record<string, string> = {},
) => {
  const text = JSON.stringify(body);
  return send('/hooks/deploys', text, {
    'x-baton-timestamp': String(at),
    'x-baton-delivery': delivery,
    'x-baton-signature': hmac(`${at}.${delivery}.${text}`),
    ...more,
  });
};
const events = () =>
  world.now.raw
    .prepare('select name, payload, source from bus_events order by seq')
    .all()
    .map((row) => JSON.stringify(row));

describe('a delivery of GitHub', () => {
  test('is kept, then acknowledged', async () => {
    expect(await github(pushed())).toEqual({ status: 202, said: { event: 'evt_1', again: false } });
    const [kept] = events();
    expect(kept).toContain('code-pushed');
    expect(kept).toContain('Add the export');
    expect(errors).toEqual([]);
  });

  test('of a failed workflow says that tests failed', async () => {
    expect((await github(run('failure'), {}, 'workflow_run')).status).toBe(202);
    expect(events()).toHaveLength(1);
    expect(events()[0]).toContain('test-failed');
  });

  test.each([
    ['a success', run('success'), 'workflow_run'],
    ['one under way', { ...run('failure'), action: 'in_progress' }, 'workflow_run'],
    ['a ping', { zen: 'x' }, 'ping'],
    ['a tag', pushed({ ref: 'refs/tags/v1' }), 'push'],
    ['a branch that goes', pushed({ deleted: true }), 'push'],
  ])('of %s is acknowledged and left', async (_name, body, kind) => {
    const answer = await github(body, {}, kind);
    expect(answer).toEqual({ status: 202, said: { ignored: kind } });
    expect(events()).toEqual([]);
  });

  test('that comes again publishes once, under its own id or another', async () => {
    await github(pushed());
    expect((await github(pushed())).said).toEqual({ event: 'evt_1', again: true });
    expect((await github(pushed(), { 'x-github-delivery': 'another' })).said).toEqual({
      event: 'evt_1',
      again: true,
    });
    // The same after a restart.
    world.reopen();
    expect((await github(pushed(), { 'x-github-delivery': 'a-third' })).said).toEqual({
      event: 'evt_1',
      again: true,
    });
    expect(events()).toHaveLength(1);
    await github(pushed({ after: 'd'.repeat(40) }), { 'x-github-delivery': 'new' });
    expect(events()).toHaveLength(2);
  });

  test('of last week is refused', async () => {
    clock.advance(8 * 86_400_000);
    expect((await github(pushed())).status).toBe(401);
    expect(events()).toEqual([]);
  });

  test.each([
    ['another secret', { 'x-hub-signature-256': hmac(JSON.stringify(pushed()), 'other') }, 401],
    ['another body', { 'x-hub-signature-256': hmac('{}') }, 401],
    ['half a signature', { 'x-hub-signature-256': hmac(JSON.stringify(pushed())).slice(0, -1) }, 401],
    ['capitals', { 'x-hub-signature-256': hmac(JSON.stringify(pushed())).toUpperCase() }, 401],
    ['nothing', { 'x-hub-signature-256': '' }, 401],
    ['letters of several bytes', { 'x-hub-signature-256': `sha256=${'\u00e9'.repeat(64)}` }, 401],
    ['no event', { 'x-github-event': '' }, 202],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ])('signed with %s', async (_name, headers, status) => {
    expect((await github(pushed(), headers)).status).toBe(status);
    expect(events()).toEqual([]);
  });

  test('without a signature is refused', async () => {
    const { status } = await send('/hooks/github', '{}', {
      'x-github-event': 'push',
      'x-github-delivery': 'x',
    });
    expect(status).toBe(400);
  });

  test('of another shape, or no JSON, is the sender\u2019s to mend', async () => {
    expect((await github({ ref: 1 })).status).toBe(422);
    expect((await github('{"ref":')).status).toBe(400);
    expect(errors).toEqual([]);
  });
});

describe('a delivery of one\u2019s own', () => {
  test('is an event', async () => {
    expect((await own({ artifact: 'shop.tgz' })).status).toBe(202);
    expect(events()[0]).toContain('deployment-ready');
  });
  test('is the same under the same name, and another under another', async () => {
    await own({ artifact: 'shop.tgz' });
    expect((await own({ artifact: 'shop.tgz' })).said).toEqual({ event: 'evt_1', again: true });
    expect((await own({ artifact: 'shop.tgz' }, 'two')).said).toEqual({ event: 'evt_2', again: false });
  });
  test.each([
    [-300, 202],
    [300, 202],
    [-301, 401],
    [301, 401],
  ])('%d seconds away is answered with %d', async (seconds, status) => {
    expect((await own({ artifact: 'a' }, 'x', NOW / 1_000 + seconds)).status).toBe(status);
    expect(events()).toHaveLength(status === 202 ? 1 : 0);
  });
  test.each([
    ['a new name for an old one', { 'x-baton-delivery': 'renamed' }, 401],
    ['a new time for an old one', { 'x-baton-timestamp': String(NOW / 1_000 + 1) }, 401],
    ['a time in words', { 'x-baton-timestamp': 'now' }, 400],
    ['a name with signs', { 'x-baton-delivery': 'a.b' }, 400],
  ])('%s', async (_name, headers, status) => {
    expect((await own({ artifact: 'a' }, 'one', NOW / 1_000, headers)).status).toBe(status);
    expect(events()).toEqual([]);
  });
  test('with a field that its event has not is refused', async () => {
    const { status, said } = await own({ artefact: 'a' });
    expect(status).toBe(422);
    expect(JSON.stringify(said)).toContain('deployment-ready');
  });
});

describe('the door', () => {
  test('refuses everything where there is no secret, and says so', async () => {
    expect(warned).toEqual(['The hook "closed" refuses everything: CLOSED_SECRET is not set']);
    const text = '{"artifact":"a"}';
    const signed = { 'x-baton-timestamp': String(NOW / 1_000), 'x-baton-delivery': 'x' };
    for (const secret of ['', 'null', 'undefined']) {
      const signature = secret === '' ? 'sha256=' : hmac(`${NOW / 1_000}.x.${text}`, secret);
      const answer = await send('/hooks/closed', text, { ...signed, 'x-baton-signature': signature });
      expect(answer.status).toBe(503);
    }
    expect(events()).toEqual([]);
  });
  test('knows no other address and no other method', async () => {
    expect((await send('/hooks/other', '{}', {})).status).toBe(404);
    expect((await send('/hooks/', '{}', {})).status).toBe(404);
    expect((await send('/', '{}', {})).status).toBe(404);
    expect((await send('/hooks/github', '', {}, 'GET')).status).toBe(405);
    expect((await github(pushed(), {}, 'push?x')).status).toBe(202);
    expect(
      (
        await send('/hooks/github?x=1', '{}', {
          'x-hub-signature-256': hmac('{}'),
          'x-github-event': 'ping',
          'x-github-delivery': 'p',
        })
      ).status,
    ).toBe(202);
  });
  test('reads a megabyte and not a byte more, announced or not', async () => {
    const body = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    expect((await github(body(1024 * 1024))).status).toBe(422);
    expect((await github(body(1024 * 1024 + 1))).status).toBe(413);
    // In pieces, without saying how long it will be.
    const status = await new Promise<number>((resolve, reject) => {
      const sending = request(`${url}/hooks/github`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      });
      sending.on('response', (response) => resolve(response.statusCode ?? 0));
      sending.on('error', reject);
      for (let piece = 0; piece < 17; piece += 1) sending.write('x'.repeat(65_536));
      sending.end();
    });
    expect(status).toBe(413);
    expect(events()).toEqual([]);
  });
  test('survives what is no HTTP, and one who leaves in the middle', async () => {
    const { port } = new URL(url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end('\u0000\u0001 nonsense\r\n\r\n'));
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.resume();
    });
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          'POST /hooks/github HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
        );
        socket.destroy();
        resolve();
      });
    });
    expect((await github(pushed())).status).toBe(202);
  });
});

test('a check that failed names its branch and what it said', () => {
  const check = {
    ...run('failure'),
    check_run: {
      name: 'lint',
      head_sha: 'e',
      conclusion: 'timed_out',
      html_url: 'https://github.example/check/1',
      completed_at: '2027-01-15T08:00:00Z',
      output: { title: 'Two errors', summary: null },
      check_suite: { head_branch: 'topic' },
    },
  };
  expect(fromGithub('check_run', check)).toMatchObject({
    name: 'test-failed',
    at: Date.parse('2027-01-15T08:00:00Z'),
    payload: { check: 'lint', branch: 'topic', summary: 'Two errors', commit: 'e' },
  });
});
