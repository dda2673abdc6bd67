import { readFileSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** A server of tools as a test wants it: what it lists, and what each tool does. */
export interface Script {
  readonly tools: readonly Listed[];
  /** What it lists after it was called once. */
  readonly later?: readonly Listed[];
  /** Instead of tools: more of them than anybody reads. */
  readonly endless?: boolean;
}

interface Listed {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: unknown;
  readonly does?: Deed;
  /** What it answers with, in place of a deed. */
  readonly says?: string;
}

type Deed =
  | 'echo'
  | 'environment'
  | 'write'
  | 'outside'
  | 'fail'
  | 'refuse'
  | 'hang'
  | 'die'
  | 'large'
  | 'image'
  | 'count'
  | 'huge'
  | 'chatter';

/** The server, to be given a transport. @param calls is told of each call */
export function toolServer(script: Script, calls: (name: string) => void = () => undefined): Server {
  const server = new Server(
    { name: 'tracker', version: '1' },
    { capabilities: { tools: { listChanged: true } } },
  );
  const state = { tools: script.tools, page: 0 };
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    const tools = state.tools.map(({ does: _does, says: _says, ...listed }) => ({
      inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
      ...listed,
    }));
    state.page += 1;
    // Hostile lists are no valid ones, so they are made as data.
    return JSON.parse(
      JSON.stringify(script.endless === true ? { tools: [], nextCursor: `page-${state.page}` } : { tools }),
    );
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    calls(params.name);
    const found = state.tools.find(({ name }) => name === params.name);
    if (script.later !== undefined) {
      state.tools = script.later;
      await server.sendToolListChanged();
    }
    if (found?.says !== undefined) return { content: [{ type: 'text', text: found.says }] };
    return await act(found?.does ?? 'echo', params.arguments ?? {}, server);
  });
  return server;
}

async function act(deed: Deed, given: Readonly<Record<string, unknown>>, server: Server) {
  const text = (words: string) => ({ content: [{ type: 'text', text: words }] });
  switch (deed) {
    case 'echo':
      return text(`heard ${JSON.stringify(given)}`);
    case 'environment':
      return text(JSON.stringify(env));
    case 'write':
    case 'outside':
      try {
        writeFileSync(deed === 'write' ? 'made-by-server.txt' : '/etc/made-by-server.txt', 'x');
        return text('written');
      } catch (error) {
        return text(`not written: ${error instanceof Error ? error.message : 'failed'}`);
      }
    case 'count': {
      const before = Number(readOr('count.txt', '0'));
      writeFileSync('count.txt', String(before + 1));
      return text(`call ${before + 1}`);
    }
    case 'fail':
      return { ...text('the tracker is on fire'), isError: true };
    case 'refuse':
      throw new Error('there is no such issue');
    case 'hang':
      return await new Promise<never>(() => undefined);
    case 'die':
      return process.exit(3);
    case 'large':
      return text(`begin ${'x'.repeat(50_000)} end`);
    case 'huge':
      return text('x'.repeat(8 * 1024 * 1024));
    case 'image':
      return {
        content: [
          { type: 'image', mimeType: 'image/png', data: 'AAAA' },
          { type: 'resource_link', name: 'page', uri: 'https://example.com/a' },
        ],
      };
    case 'chatter':
      for (let at = 0; at < 2_000; at += 1)
        await server.sendLoggingMessage({ level: 'info', data: `line ${at}` }).catch(() => undefined);
      return text('done');
    default:
      return deed satisfies never;
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
