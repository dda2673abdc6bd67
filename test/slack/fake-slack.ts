import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';

/** A message as this server keeps it. */
export interface Kept {
  readonly channel: string;
  readonly ts: string;
  readonly threadTs: string | null;
  readonly outboxId: number | null;
  text: string;
  blocks: unknown[];
}

/** How one call goes wrong. `after_doing`: the message is kept, the answer never comes. */
export type Trouble =
  | { readonly kind: 'error'; readonly error: string }
  | { readonly kind: 'http'; readonly status: number; readonly afterDoing: boolean }
  | { readonly kind: 'limited'; readonly seconds: number }
  | { readonly kind: 'reset'; readonly afterDoing: boolean };

export interface FakeSlack {
  readonly url: string;
  readonly messages: Kept[];
  /** Every call in order: method and arguments. */
  readonly calls: {
    readonly method: string;
    readonly args: Readonly<Record<string, string>>;
    readonly at: number;
  }[];
  /** The next call of `method` goes wrong so. */
  trouble(method: string, ...troubles: readonly Trouble[]): void;
  close(): Promise<void>;
}

const metadata = z.object({ event_payload: z.object({ outbox_id: z.number() }) });

/** As little of Slack's Web API as the sender needs, with faults on order. @param time stamps the calls */
export async function startFakeSlack(time: () => number): Promise<FakeSlack> {
  const messages: Kept[] = [];
  const calls: { method: string; args: Record<string, string>; at: number }[] = [];
  const troubles = new Map<string, Trouble[]>();
  let counter = 0;

  function perform(method: string, args: Record<string, string>): Record<string, unknown> {
    const channel = args['channel'] ?? '';
    switch (method) {
      case 'chat.postMessage': {
        counter += 1;
        const ts = `${Math.floor(time() / 1000)}.${String(counter).padStart(6, '0')}`;
        messages.push({
          channel,
          ts,
          threadTs: args['thread_ts'] ?? null,
          outboxId: metadata.parse(JSON.parse(args['metadata'] ?? '{}')).event_payload.outbox_id,
          text: args['text'] ?? '',
          blocks: z.array(z.unknown()).parse(JSON.parse(args['blocks'] ?? '[]')),
        });
        return { ok: true, channel, ts };
      }
      case 'chat.update': {
        const found = messages.find((message) => message.channel === channel && message.ts === args['ts']);
        if (found === undefined) return { ok: false, error: 'message_not_found' };
        found.text = args['text'] ?? '';
        found.blocks = z.array(z.unknown()).parse(JSON.parse(args['blocks'] ?? '[]'));
        return { ok: true, channel, ts: found.ts };
      }
      case 'conversations.open':
        return { ok: true, channel: { id: `D${args['users']}` } };
      case 'conversations.replies':
      case 'conversations.history': {
        const inThread = method === 'conversations.replies';
        const found = messages.filter(
          (message) => message.channel === channel && message.threadTs === (inThread ? args['ts'] : null),
        );
        // A page holds two, so that paging is seen to work.
        const from = Number(args['cursor'] ?? '0');
        const next = from + 2 < found.length ? String(from + 2) : '';
        return {
          ok: true,
          messages: found.slice(from, from + 2).map(({ ts, text, outboxId }) => ({
            ts,
            text,
            ...(args['include_all_metadata'] === 'true'
              ? { metadata: { event_type: 'baton_message', event_payload: { outbox_id: outboxId } } }
              : {}),
          })),
          response_metadata: { next_cursor: next },
        };
      }
      default:
        return { ok: true };
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const method = (request.url ?? '').replace('/api/', '');
    const args = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
    calls.push({ method, args, at: time() });
    const trouble = troubles.get(method)?.shift();
    const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body));
    switch (trouble?.kind) {
      case undefined:
        return void json(200, perform(method, args));
      case 'error':
        return void json(200, { ok: false, error: trouble.error });
      case 'limited':
        return void json(
          429,
          { ok: false, error: 'ratelimited' },
          { 'retry-after': String(trouble.seconds) },
        );
      case 'http':
        if (trouble.afterDoing) perform(method, args);
        return void json(trouble.status, { ok: false });
      case 'reset':
        if (trouble.afterDoing) perform(method, args);
        return void request.socket.destroy();
      default:
        trouble satisfies never;
    }
  }

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}/api/`,
    messages,
    calls,
    trouble: (method, ...more) => void troubles.set(method, [...(troubles.get(method) ?? []), ...more]),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
