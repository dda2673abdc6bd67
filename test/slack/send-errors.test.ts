import { createServer } from 'node:http';
import {
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from '@slack/web-api';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { faultOf } from '../../src/slack/out/send-errors.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** What the real client throws when asked to call this address. */
async function thrownBy(slackApiUrl: string, timeout: number): Promise<unknown> {
  const client = new WebClient('xoxb-test', {
    slackApiUrl,
    timeout,
    logLevel: LogLevel.ERROR,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  });
  return client.apiCall('api.test').then(
    () => null,
    (error: unknown) => error,
  );
}

test('a server that never answers leaves it open whether the message was sent', async () => {
  const server = createServer(() => {});
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  expect(faultOf(await thrownBy(`http://127.0.0.1:${port}/api/`, 30))).toMatchObject({ kind: 'ambiguous' });
});

test('a name that does not exist and a port nobody listens on are definite', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(faultOf(await thrownBy(`http://127.0.0.1:${port}/api/`, 2_000))).toEqual({
    kind: 'unsent',
    code: 'ECONNREFUSED',
  });
  expect(faultOf(await thrownBy('http://baton.invalid/api/', 5_000)).kind).toBe('unsent');
});

const platform = (error: string) => faultOf(new WebAPIPlatformError({ ok: false, error })).kind;

test.each([
  ['internal_error', 'ambiguous'],
  ['fatal_error', 'ambiguous'],
  ['service_unavailable', 'ambiguous'],
  ['ratelimited', 'limited'],
  ['message_not_found', 'gone'],
  ['is_archived', 'unreachable'],
  ['token_revoked', 'frozen'],
  ['invalid_auth', 'frozen'],
  ['msg_blocks_too_long', 'undrawable'],
  ['missing_scope', 'refused'],
  ['an_error_of_next_year', 'refused'],
])('%s is %s', (error, kind) => expect(platform(error)).toBe(kind));

test('a rate limit carries its wait, a server error is open, a client error is not', () => {
  expect(faultOf(new WebAPIRateLimitedError(7))).toMatchObject({ kind: 'limited', retryAfterMs: 7_000 });
  expect(faultOf(new WebAPIHTTPError(502, 'Bad Gateway', {}))).toMatchObject({
    kind: 'ambiguous',
    code: 'http_502',
  });
  expect(faultOf(new WebAPIHTTPError(413, 'Too large', {}))).toMatchObject({ kind: 'refused' });
});

test('what nobody foresaw is looked into before anything is sent again', () => {
  expect(faultOf(new TypeError('surprise')).kind).toBe('ambiguous');
  expect(faultOf('text').kind).toBe('ambiguous');
});
