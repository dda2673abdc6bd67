import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { Random } from './random.ts';

/** Milliseconds Slack takes to answer a post; while it does, Baton cannot know whether it was posted. */
const ANSWER_MS = [60, 220] as const;
/** Milliseconds until an envelope comes a second time. */
const AGAIN_MS = [20, 600] as const;
/** Only the newest unacknowledged envelopes are brought again on a new connection. */
const UNACKED_KEPT = 20;

const SLOW = /^\/api\/chat\.(postMessage|update)$/;
const OPEN = /^\/api\/apps\.connections\.open$/;

export interface Link {
  /** What Baton is given as Slack's address. */
  readonly apiUrl: string;
  /** Calls back once, when the next post stands in the channel and its answer is still on its way. */
  onUnanswered(done: () => void): void;
  redelivered(): number;
  close(): Promise<void>;
}

export interface LinkOptions {
  /** The desk's own address, such as `http://127.0.0.1:1234`. */
  readonly desk: string;
  readonly random: Random;
  /** How many of the envelopes come twice, from 0 to 1; what was not acknowledged comes again anyway. */
  readonly twice: number;
}

/**
 * The network between Baton and the desk, which lives on when Baton is killed: answers to posts take as long as
 * Slack's do, and envelopes come more than once, as Slack says they may.
 */
export async function createLink({ desk, random, twice }: LinkOptions): Promise<Link> {
  const waiting: (() => void)[] = [];
  const unacked = new Map<string, string>();
  let redelivered = 0;
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer(
    (request, response) => void forward(request, response).catch(() => response.destroy()),
  );
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (baton) => join(baton, request.url ?? '/')),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const answer = await fetch(`${desk}${url}`, {
      method: request.method ?? 'GET',
      headers: headersOf(request),
      ...(body.length === 0 ? {} : { body }),
    });
    let text = await answer.text();
    if (OPEN.test(url)) text = text.replaceAll(desk.replace('http:', 'ws:'), `ws://127.0.0.1:${port}`);
    const send = (): void => {
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'application/json',
        ...retryAfter(answer),
      });
      response.end(text);
    };
    if (!SLOW.test(url)) return send();
    if (url.endsWith('postMessage') && text.includes('"ok":true'))
      for (const done of waiting.splice(0)) done();
    setTimeout(send, random.between(...ANSWER_MS));
  }

  function join(baton: WebSocket, url: string): void {
    const upstream = new WebSocket(`${desk.replace('http:', 'ws:')}${url}`);
    upstream.on('ping', () => baton.readyState === WebSocket.OPEN && baton.ping());
    upstream.on('message', (data) => {
      const text = textOf(data);
      deliver(baton, text);
    });
    upstream.on('close', () => baton.close());
    upstream.on('error', () => baton.terminate());
    baton.on('message', (data) => {
      const text = textOf(data);
      const ack = envelopeSchema.safeParse(json(text));
      if (ack.success) unacked.delete(ack.data.envelope_id);
      if (upstream.readyState === WebSocket.OPEN) upstream.send(text);
    });
    baton.on('close', () => upstream.terminate());
    baton.on('error', () => upstream.terminate());
    for (const text of unacked.values()) again(baton, text);
  }

  function deliver(baton: WebSocket, text: string): void {
    const envelope = envelopeSchema.safeParse(json(text));
    if (envelope.success) {
      unacked.set(envelope.data.envelope_id, text);
      for (const id of unacked.keys()) if (unacked.size > UNACKED_KEPT) unacked.delete(id);
      if (random.chance(twice)) again(baton, text);
    }
    if (baton.readyState === WebSocket.OPEN) baton.send(text);
  }

  function again(baton: WebSocket, text: string): void {
    setTimeout(
      () => {
        if (baton.readyState !== WebSocket.OPEN) return;
        redelivered += 1;
        baton.send(text);
      },
      random.between(...AGAIN_MS),
    );
  }

  return {
    apiUrl: `http://127.0.0.1:${port}/api/`,
    onUnanswered: (done) => void waiting.push(done),
    redelivered: () => redelivered,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const envelopeSchema = z.object({ envelope_id: z.string() });

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ['content-type', 'authorization']) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}

function retryAfter(answer: Response): Record<string, string> {
  const value = answer.headers.get('retry-after');
  return value === null ? {} : { 'retry-after': value };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : new TextDecoder().decode(data);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
