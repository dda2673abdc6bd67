import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cast } from './cast.ts';
import { chatChunks, chatCompletion, readChat } from './chat.ts';
import { chooseCast, play } from './play.ts';
import { readResponses, response, responseEvents } from './responses.ts';
import { ApiError, answerId, createdAt, estimateUsage, modelName, type PlayRequest } from './wire.ts';

export interface CastServerOptions {
  /** Asked in this order who is for a request. */
  readonly casts: readonly Cast[];
  /** About how long an answer takes, in milliseconds, so that people can watch; 0 answers at once. */
  readonly delayMs: number;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface CastServer {
  /** The base URL for an OpenAI client: `http://127.0.0.1:<port>/v1`. */
  readonly url: string;
  /** Ends answers under way as well. */
  close(): Promise<void>;
}

/**
 * Serves the casts to OpenAI clients on 127.0.0.1. It holds no state: an answer depends on its request alone.
 *
 * @throws the system's error when the port is taken.
 */
export async function startCast(options: CastServerOptions): Promise<CastServer> {
  const server = createServer((request, answer) => {
    // A client that goes away in mid-answer is no fault of ours; it asks again and gets the same.
    answer.on('error', () => {});
    serve(request, answer, options).catch((error: unknown) => fail(answer, error));
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The cast has no port to listen on.');
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  answer: ServerResponse,
  options: CastServerOptions,
): Promise<void> {
  // `/v1` may be left out: some people set the base URL with it, some without.
  const path = new URL(request.url ?? '/', 'http://localhost').pathname.replace(/^\/v1(?=\/)/, '');
  switch (path) {
    case '/health':
      allow(request, 'GET');
      return sendJson(answer, 200, { status: 'ok', casts: options.casts.map((cast) => cast.name) });
    case '/models':
      allow(request, 'GET');
      return sendJson(answer, 200, { object: 'list', data: [modelEntry()] });
    case `/models/${modelName}`:
      allow(request, 'GET');
      return sendJson(answer, 200, modelEntry());
    case '/chat/completions':
      allow(request, 'POST');
      return answerChat(readChat(await readBody(request)), answer, options);
    case '/responses':
      allow(request, 'POST');
      return answerResponses(readResponses(await readBody(request)), answer, options);
    default:
      throw new ApiError(404, 'unknown_url', `Unknown request URL: ${request.method} ${path}`);
  }
}

function modelEntry() {
  return { id: modelName, object: 'model', created: createdAt, owned_by: 'baton' };
}

function allow(request: IncomingMessage, method: string): void {
  if (request.method !== method)
    throw new ApiError(405, 'method_not_allowed', `Use ${method} for this URL, not ${request.method}.`);
}

async function answerChat(request: PlayRequest, answer: ServerResponse, options: CastServerOptions) {
  const turn = play(request.transcript, chooseCast(request.transcript, options.casts));
  const usage = estimateUsage(request.transcript, turn);
  const frames = chatChunks(request, turn, usage).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  const pause = pauseMs(request, options.delayMs);
  if (request.stream) return stream(answer, [...frames, 'data: [DONE]\n\n'], pause);
  if (await wait(answer, pause)) sendJson(answer, 200, chatCompletion(request, turn, usage));
}

async function answerResponses(request: PlayRequest, answer: ServerResponse, options: CastServerOptions) {
  const turn = play(request.transcript, chooseCast(request.transcript, options.casts));
  const usage = estimateUsage(request.transcript, turn);
  const pause = pauseMs(request, options.delayMs);
  if (request.stream) {
    const events = responseEvents(request, turn, usage);
    return stream(
      answer,
      events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
      pause,
    );
  }
  if (await wait(answer, pause)) sendJson(answer, 200, response(request, turn, usage));
}

/** The delay, varied by a quarter either way: by what the request holds, so that it repeats exactly too. */
function pauseMs(request: PlayRequest, delayMs: number): number {
  const share = Number.parseInt(answerId('', request.transcript).slice(0, 4), 16) / 0xffff;
  return Math.round(delayMs * (0.75 + share / 2));
}

/** Half of the pause before the first word, the rest between the pieces, as with a model that thinks first. */
async function stream(answer: ServerResponse, frames: readonly string[], pause: number): Promise<void> {
  answer.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  answer.flushHeaders();
  if (!(await wait(answer, pause / 2))) return;
  for (const frame of frames) {
    if (!(await wait(answer, pause / 2 / frames.length))) return;
    answer.write(frame);
  }
  answer.end();
}

/** Waits; false when the client has gone meanwhile. */
async function wait(answer: ServerResponse, ms: number): Promise<boolean> {
  if (ms <= 0) return !answer.destroyed;
  const gone = new AbortController();
  const stop = () => gone.abort();
  answer.once('close', stop);
  try {
    await sleep(ms, undefined, { signal: gone.signal });
    return !answer.destroyed;
  } catch {
    return false;
  } finally {
    answer.off('close', stop);
  }
}

/** 32 MiB: far above any transcript an agent's token cap allows, and below what would hurt this process. */
const maxBodyBytes = 32 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBodyBytes)
      throw new ApiError(413, 'request_too_large', 'The request is larger than 32 MiB.');
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ApiError(400, 'invalid_json', 'The body is not valid JSON.');
  }
}

function sendJson(answer: ServerResponse, status: number, body: object): void {
  answer.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

function fail(answer: ServerResponse, error: unknown): void {
  if (answer.headersSent || answer.destroyed) {
    answer.destroy();
    return;
  }
  const known =
    error instanceof ApiError ? error : new ApiError(500, 'internal_error', 'The cast failed to answer.');
  // The rest of a body that was refused is not read, so this connection cannot be used again.
  if (known.status === 413) answer.setHeader('connection', 'close');
  sendJson(answer, known.status, known.toJson());
}
