import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App, Receiver } from '@slack/bolt';
import { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import type { ReplayGuard } from '../../ports/store.ts';

/** Slack's own window, applied to both sides: a time from the future is as wrong as one from the past. */
const WINDOW_MS = 5 * 60_000;
/** Slack's largest payloads are well under this. */
const MAX_BODY = 1024 * 1024;

export interface HttpReceiverOptions {
  readonly signingSecret: string;
  readonly port: number;
  readonly clock: Clock;
  readonly replays: ReplayGuard;
  readonly onError: (error: unknown) => void;
  /** Another door behind the same port, which is asked first whether a request is its own. */
  readonly beside?: OtherDoor | null;
}

export interface OtherDoor {
  takes(request: IncomingMessage): boolean;
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export type Verification = 'ok' | 'malformed' | 'stale' | 'forged';

/** Checks a request's signature over its raw body (Slack's scheme v0) and its time. Pure. */
export function verify(input: {
  readonly secret: string;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly body: Buffer;
  readonly now: number;
}): Verification {
  const { timestamp, signature } = input;
  if (timestamp === undefined || signature === undefined || !/^\d{1,12}$/.test(timestamp)) return 'malformed';
  if (Math.abs(input.now - Number(timestamp) * 1_000) > WINDOW_MS) return 'stale';
  const expected = Buffer.from(
    `v0=${createHmac('sha256', input.secret).update(`v0:${timestamp}:`).update(input.body).digest('hex')}`,
  );
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected) ? 'ok' : 'forged';
}

/** Bolt's door over HTTP: verified over the raw body, seen once, then given to the app. */
export class HttpReceiver implements Receiver {
  readonly #options: HttpReceiverOptions;
  #app: App | null = null;
  #server: Server | null = null;

  constructor(options: HttpReceiverOptions) {
    this.#options = options;
  }

  init(app: App): void {
    this.#app = app;
  }

  async start(): Promise<AddressInfo> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.#options.onError(error);
        if (!response.headersSent) response.writeHead(500).end();
      });
    });
    this.#server = server;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.#options.port, '127.0.0.1', resolve);
    await promise;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The HTTP door has no port');
    return address;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { beside } = this.#options;
    if (beside?.takes(request) === true) return beside.serve(request, response);
    if (request.method !== 'POST') return void response.writeHead(404).end();
    const body = await readBody(request);
    if (body === null) return void response.writeHead(413).end();
    const { signingSecret: secret, clock, replays } = this.#options;
    const signature = header(request, 'x-slack-signature');
    const verdict = verify({
      secret,
      timestamp: header(request, 'x-slack-request-timestamp'),
      signature,
      body,
      now: clock.now(),
    });
    if (verdict !== 'ok' || signature === undefined)
      return void response.writeHead(verdict === 'malformed' ? 400 : 401).end();
    if (!(await replays.firstSeen(signature, clock.now()))) return void response.writeHead(409).end();
    const event = parseBody(request, body.toString('utf8'));
    if (event === null) return void response.writeHead(400).end();
    if (event['type'] === 'url_verification') return answer(response, { challenge: event['challenge'] });
    if (event['ssl_check'] !== undefined) return void response.writeHead(200).end();
    let acknowledged = false;
    await this.#app?.processEvent({
      body: event,
      ack: async (content: unknown) => {
        if (acknowledged) return;
        acknowledged = true;
        answer(response, content);
      },
    });
    if (!acknowledged) response.writeHead(404).end();
  }
}

function answer(response: ServerResponse, content: unknown): void {
  if (content === undefined || content === null || content === '') response.writeHead(200).end();
  else if (typeof content === 'string')
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(content);
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
}

async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(z.union([z.instanceof(Uint8Array), z.string()]).parse(chunk));
    size += bytes.length;
    if (size > MAX_BODY) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const bodySchema = z.record(z.string(), z.unknown());

function parseBody(request: IncomingMessage, text: string): Record<string, unknown> | null {
  try {
    if (header(request, 'content-type')?.startsWith('application/json') === true)
      return bodySchema.parse(JSON.parse(text));
    const form = Object.fromEntries(new URLSearchParams(text));
    // Interactions come as one field that holds JSON.
    return form['payload'] === undefined ? form : bodySchema.parse(JSON.parse(form['payload']));
  } catch {
    return null;
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
