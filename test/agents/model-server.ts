import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** A model server for tests: real HTTP on loopback, answers by a function of the request, speaks SSE. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as one JSON body. */
  readonly body?: unknown;
  /** Sent as server-sent events. */
  readonly events?: readonly object[];
  /** What happens after the events: a proper end, a broken connection, or silence. */
  readonly after?: 'end' | 'break' | 'hang';
  /** Does it all itself, in place of the rest. */
  readonly raw?: (response: ServerResponse) => void;
}
export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}
export interface ModelServer {
  readonly url: string;
  readonly asked: Asked[];
  close(): Promise<void>;
}

export async function startModelServer(
  answer: (asked: Asked, count: number) => Answer,
): Promise<ModelServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = z
        .record(z.string(), z.unknown())
        .parse(JSON.parse(Buffer.concat(chunks).toString() || '{}'));
      const entry = { path: request.url ?? '', headers: request.headers, body };
      asked.push(entry);
      const reply = answer(entry, asked.length);
      if (reply.raw !== undefined) {
        reply.raw(response);
        return;
      }
      if (reply.events === undefined) {
        response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
        response.end(JSON.stringify(reply.body ?? {}));
        return;
      }
      response.writeHead(reply.status ?? 200, { 'content-type': 'text/event-stream', ...reply.headers });
      const chat = entry.path.endsWith('/chat/completions');
      for (const event of reply.events) {
        const name = chat ? '' : `event: ${z.object({ type: z.string() }).parse(event).type}\n`;
        response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
      }
      switch (reply.after ?? 'end') {
        case 'end':
          response.end(chat ? 'data: [DONE]\n\n' : '');
          break;
        case 'break':
          response.write(': a comment, so that the events before it are flushed\n\n', () =>
            response.destroy(),
          );
          break;
        case 'hang':
          break;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${portOf(server.address())}/v1`,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

/** A scripted turn, to be said in the words of either API. */
export interface Turn {
  readonly text?: string;
  readonly calls?: readonly { readonly id?: string; readonly name: string; readonly args: unknown }[];
  readonly finish?: 'length' | 'refusal';
  readonly tokens?: { readonly input: number; readonly output: number };
}

export type Api = 'chat' | 'responses';
export const apis = ['chat', 'responses'] as const;

export function turnEvents(api: Api, turn: Turn): object[] {
  return api === 'chat' ? chatEvents(turn) : responsesEvents(turn);
}

const argsText = (args: unknown): string => (typeof args === 'string' ? args : JSON.stringify(args));

function chatEvents({ text = '', calls = [], finish, tokens = { input: 100, output: 10 } }: Turn): object[] {
  const chunk = (delta: object, reason: string | null = null): object => ({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: reason }],
  });
  const half = Math.ceil(text.length / 2);
  const key = finish === 'refusal' ? 'refusal' : 'content';
  const events = [
    chunk({ role: 'assistant', [key]: text.slice(0, half) }),
    chunk({ [key]: text.slice(half) }),
  ];
  calls.forEach((call, index) => {
    const args = argsText(call.args);
    events.push(
      chunk({
        tool_calls: [
          {
            index,
            id: call.id ?? `call_${index}`,
            type: 'function',
            function: { name: call.name, arguments: '' },
          },
        ],
      }),
      chunk({ tool_calls: [{ index, function: { arguments: args.slice(0, 5) } }] }),
      chunk({ tool_calls: [{ index, function: { arguments: args.slice(5) } }] }),
    );
  });
  events.push(chunk({}, finish === 'length' ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop'));
  const usage = {
    prompt_tokens: tokens.input,
    completion_tokens: tokens.output,
    total_tokens: tokens.input + tokens.output,
    prompt_tokens_details: { cached_tokens: 40 },
    completion_tokens_details: { reasoning_tokens: 3 },
  };
  return [
    ...events,
    { id: 'c', object: 'chat.completion.chunk', created: 0, model: 'm', choices: [], usage },
  ];
}

function responsesEvents({
  text = '',
  calls = [],
  finish,
  tokens = { input: 100, output: 10 },
}: Turn): object[] {
  const part =
    finish === 'refusal'
      ? { type: 'refusal', refusal: text }
      : { type: 'output_text', text, annotations: [] };
  const message = { type: 'message', id: 'msg', role: 'assistant', status: 'completed', content: [part] };
  const output = [
    ...(text === '' ? [] : [message]),
    ...calls.map((call, index) => ({
      type: 'function_call',
      id: `fc_${index}`,
      call_id: call.id ?? `call_${index}`,
      name: call.name,
      arguments: argsText(call.args),
      status: finish === 'length' ? 'incomplete' : 'completed',
    })),
  ];
  const response = {
    id: 'r',
    object: 'response',
    status: finish === 'length' ? 'incomplete' : 'completed',
    incomplete_details: finish === 'length' ? { reason: 'max_output_tokens' } : null,
    output,
    usage: {
      input_tokens: tokens.input,
      output_tokens: tokens.output,
      total_tokens: tokens.input + tokens.output,
      input_tokens_details: { cached_tokens: 40 },
      output_tokens_details: { reasoning_tokens: 3 },
    },
  };
  return [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
    ...output.map((item, index) => ({ type: 'response.output_item.done', output_index: index, item })),
    { type: finish === 'length' ? 'response.incomplete' : 'response.completed', response },
  ];
}

/** The wire's own terminal event removed: what a stream looks like that was cut politely. */
export function withoutEnd(api: Api, events: readonly object[]): object[] {
  // Chat ends with the finish reason and then the usage.
  return events.slice(0, api === 'chat' ? -2 : -1);
}
