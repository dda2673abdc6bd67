import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { McpServer } from '../../domain/mcp-settings.ts';

/** Bytes of one answer: a large result is a tenth of it. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * The way to a server over HTTP. Follows no redirect, since headers may hold secrets; reads no more of an answer than
 * is of use; and holds no stream open on which a server could talk unasked.
 * @param values of the variables that the settings name
 */
export function httpTransport(
  server: Extract<McpServer, { kind: 'http' }>,
  values: Readonly<Record<string, string>>,
): { readonly transport: StreamableHTTPClientTransport; readonly problem: () => string | null } {
  let problem: string | null = null;
  const headers = Object.entries(server.headers).map(([name, variable]) => [name, values[variable] ?? '']);
  const bearer =
    server.bearer === undefined ? [] : [['authorization', `Bearer ${values[server.bearer] ?? ''}`]];
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    requestInit: { headers: Object.fromEntries([...headers, ...bearer]) },
    fetch: async (url, init) => {
      if ((init?.method ?? 'GET') === 'GET') return new Response(null, { status: 405 });
      const answer = await fetch(url, { ...init, redirect: 'error' });
      return new Response(answer.body === null ? null : answer.body.pipeThrough(bounded(tooMuch)), answer);
    },
    reconnectionOptions: {
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 0,
    },
  });
  const tooMuch = () => {
    problem = 'it answered with more than 4 MB';
    // Whoever waits for the answer hears of it at once.
    void transport.close();
  };
  return { transport, problem: () => problem };
}

function bounded(tooMuch: () => void): TransformStream<Uint8Array, Uint8Array> {
  let seen = 0;
  return new TransformStream({
    transform(chunk, controller) {
      seen += chunk.byteLength;
      if (seen <= MAX_ANSWER_BYTES) return controller.enqueue(chunk);
      tooMuch();
      controller.terminate();
    },
  });
}
