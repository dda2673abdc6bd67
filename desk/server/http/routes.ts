import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Desk } from '../desk.ts';
import { type Fault, type Faults, faultSchema } from '../faults.ts';
import { type Json, parseJson, stringField } from '../json.ts';
import { actingPerson, DEEDS, snapshot } from '../page-api.ts';
import { answerResponseUrl } from '../responses.ts';
import { type Answer, callMethod, countAnswer } from '../web-api/call.ts';
import type { Tokens } from '../web-api/method.ts';
import { isJsonRequest, readArguments, readText, sendJson, sendText } from './body.ts';
import { sendFile } from './files.ts';
import { fromLoopbackHost, fromOwnPage } from './guard.ts';
import { openStream } from './stream.ts';

export type RouteDeps = Readonly<{
  desk: Desk;
  tokens: Tokens;
  faults: Faults;
  pageDir: string;
  /** Asks the app's sockets to reconnect. */
  refresh: () => void;
}>;

function bearer(request: IncomingMessage, args: Json): string | undefined {
  const match = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? stringField(args, 'token');
}

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

function plantedAnswer(fault: Fault): Answer | null {
  if (fault.http !== undefined) {
    const body = { ok: false, error: fault.http === 429 ? 'ratelimited' : 'internal_error' };
    const retryAfter = fault.retryAfter ?? (fault.http === 429 ? 1 : undefined);
    return { status: fault.http, body, ...(retryAfter === undefined ? {} : { retryAfter }) };
  }
  return fault.error === undefined ? null : { status: 200, body: { ok: false, error: fault.error } };
}

function sendAnswer(response: ServerResponse, answer: Answer): void {
  const headers: Record<string, string> =
    answer.retryAfter === undefined ? {} : { 'retry-after': String(answer.retryAfter) };
  sendJson(response, answer.status, answer.body, headers);
}

async function webApi(
  deps: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
  method: string,
): Promise<void> {
  const { desk, tokens, faults } = deps;
  const text = await readText(request);
  if (text === null) return sendJson(response, 200, { ok: false, error: 'request_too_large' });
  const args = readArguments(request, text);
  if (args === null) return sendJson(response, 200, { ok: false, error: 'invalid_json' });
  const fault = faults.take(method);
  if (fault?.delayMs !== undefined) await wait(desk.clock, fault.delayMs);
  const planted = fault === undefined ? null : plantedAnswer(fault);
  if (planted !== null) {
    countAnswer(desk, method, planted);
    return sendAnswer(response, planted);
  }
  const answer = callMethod(desk, tokens, method, args, bearer(request, args));
  if (fault?.dropAfterApply) request.socket.destroy();
  else sendAnswer(response, answer);
}

async function responseUrl(
  { desk }: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
): Promise<void> {
  const text = await readText(request);
  const form = text === null ? null : new URLSearchParams(text).get('payload');
  const body = text === null ? undefined : parseJson(isJsonRequest(request) ? text : (form ?? text));
  const answer = answerResponseUrl(desk, id, body);
  sendText(response, answer.status, answer.text);
}

async function deskPost(
  deps: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  if (!isJsonRequest(request)) return sendJson(response, 415, { ok: false, error: 'send_json' });
  const text = await readText(request);
  const body = text === null ? undefined : parseJson(text === '' ? '{}' : text);
  if (path === 'test/fault') {
    const fault = faultSchema.safeParse(body);
    if (fault.success) deps.faults.plant(fault.data);
    return sendJson(response, fault.success ? 200 : 400, { ok: fault.success });
  }
  if (path === 'test/refresh') {
    deps.refresh();
    return sendJson(response, 200, { ok: true });
  }
  const deed = Object.hasOwn(DEEDS, path) ? DEEDS[path] : undefined;
  if (deed === undefined) return sendJson(response, 404, { ok: false, error: 'not_found' });
  sendJson(response, 200, await deed(deps.desk, body));
}

function deskGet({ desk }: RouteDeps, request: IncomingMessage, response: ServerResponse, url: URL): void {
  const user = actingPerson(desk, url.searchParams.get('user')).id;
  switch (url.pathname) {
    case '/desk/snapshot':
      sendJson(response, 200, snapshot(desk, user));
      break;
    case '/desk/stats':
      sendJson(response, 200, desk.counter.read());
      break;
    case '/desk/stream': {
      const header = request.headers['last-event-id'];
      const last = typeof header === 'string' ? header : url.searchParams.get('lastEventId');
      openStream(desk, user, last, request, response);
      break;
    }
    default:
      sendJson(response, 404, { ok: false, error: 'not_found' });
  }
}

/** Answers one HTTP request: Web API, response URLs, the page's API, or the page itself. */
export async function route(
  deps: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const [, area = '', ...rest] = url.pathname.split('/');
  if (!fromLoopbackHost(request)) return sendText(response, 403, 'This desk answers on this machine only.\n');
  if (area === 'api') return await webApi(deps, request, response, rest.join('/'));
  if (area === 'response' && request.method === 'POST') {
    return await responseUrl(deps, request, response, rest.join('/'));
  }
  if (area === 'desk') {
    if (!fromOwnPage(request)) return sendJson(response, 403, { ok: false, error: 'other_origin' });
    if (request.method === 'POST') return await deskPost(deps, request, response, rest.join('/'));
    if (request.method === 'GET') return deskGet(deps, request, response, url);
  }
  if (request.method !== 'GET') return sendText(response, 405, 'Not allowed.\n');
  await sendFile(response, deps.pageDir, url.pathname);
}
