import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ErrorCode, McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { McpServer } from '../../domain/mcp-settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Workspace } from '../../ports/workspace.ts';
import { httpTransport } from './http.ts';
import { ProgramTransport } from './program-transport.ts';
import { type CallResult, callResultSchema } from './result.ts';
import { McpRefusal, McpTrouble } from './trouble.ts';

/** Milliseconds for a server to start and say hello, and to list its tools. */
const GREETING_MS = 30_000;
/** Milliseconds for which a list of tools is believed; a server that says it changed is asked at once. */
const LIST_MS = 30_000;
/** Milliseconds a server's program may live: it is ended with its worktree, or when nobody calls it, long before. */
const LIFE_MS = 24 * 3_600_000;
const MAX_PAGES = 10;
/** Tools that are looked through; more is a flood. */
const MAX_LISTED = 500;

export interface Connection {
  /** What it lists, as it came; a moment old unless it is to be fresh. @throws McpTrouble */
  list(fresh: boolean, signal: AbortSignal): Promise<readonly unknown[]>;
  /** @throws McpTrouble when it did not answer, McpRefusal when it said no */
  call(
    tool: string,
    given: Readonly<Record<string, unknown>>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<CallResult>;
  close(): Promise<void>;
  /** Whether nothing can be asked of it any more. */
  readonly gone: boolean;
}

export interface ConnectOptions {
  readonly server: McpServer;
  /** Of the variables that its settings name. */
  readonly values: Readonly<Record<string, string>>;
  /** Where its program runs, if it is one. */
  readonly place: Pick<Workspace, 'start'>;
  readonly clock: Clock;
}

interface State {
  gone: boolean;
  /** Whether what it listed may be no longer so. */
  stale: boolean;
  listedAt: number;
  listed: readonly unknown[];
}

const pageSchema = z.looseObject({
  tools: z.array(z.unknown()).max(MAX_LISTED),
  nextCursor: z.string().optional(),
});

/** Starts or reaches a server and greets it. @throws McpTrouble */
export async function connect({ server, values, place, clock }: ConnectOptions): Promise<Connection> {
  const over = new AbortController();
  const program = server.kind === 'stdio' ? programOf(server, values, place, over.signal) : null;
  const web = server.kind === 'http' ? httpTransport(server, values) : null;
  const transport = program ?? web?.transport;
  if (transport === undefined) throw new McpTrouble('there is no way to it');
  // Its own ways of listing and calling would compile the schemas that a server sends; requests as such do not.
  const client = new Client({ name: 'baton', version: '1' });
  const state: State = { gone: false, stale: true, listedAt: 0, listed: [] };
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    state.stale = true;
  });
  client.onclose = () => {
    state.gone = true;
  };
  const close = async () => {
    state.gone = true;
    await client.close().catch(() => undefined);
    over.abort();
  };
  const trouble = (error: unknown): McpTrouble =>
    new McpTrouble(program?.problem ?? web?.problem() ?? wordsOf(error));
  try {
    await client.connect(transport, { timeout: GREETING_MS });
  } catch (error) {
    const why = trouble(error);
    await close();
    throw why;
  }
  const tried = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      // Given up from outside; others may be using it.
      if (signal.aborted) throw error;
      if (error instanceof McpError && isAnswer(error)) throw new McpRefusal(error.message.slice(0, 1_000));
      const why = trouble(error);
      await close();
      throw why;
    }
  };
  return {
    get gone() {
      return state.gone;
    },
    close,
    async list(fresh, signal) {
      if (!fresh && !state.stale && clock.monotonic() - state.listedAt < LIST_MS) return state.listed;
      state.stale = false;
      const listed = await tried(signal, () => pages(client, signal)).catch((error: unknown) => {
        state.stale = true;
        throw error instanceof McpRefusal ? new McpTrouble(`it lists no tools: ${error.message}`) : error;
      });
      state.listed = listed;
      state.listedAt = clock.monotonic();
      return listed;
    },
    call: (name, given, timeout, signal) =>
      tried(signal, () =>
        client.request(
          { method: 'tools/call', params: { name, arguments: { ...given } } },
          callResultSchema,
          {
            timeout,
            signal,
          },
        ),
      ),
  };
}

async function pages(client: Client, signal: AbortSignal): Promise<unknown[]> {
  const listed: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const { tools, nextCursor } = await client.request({ method: 'tools/list', params }, pageSchema, {
      timeout: GREETING_MS,
      signal,
    });
    listed.push(...tools);
    if (listed.length > MAX_LISTED) break;
    if (nextCursor === undefined) return listed;
    cursor = nextCursor;
  }
  throw new Error(`it lists tools without end (more than ${listed.length})`);
}

function programOf(
  server: Extract<McpServer, { kind: 'stdio' }>,
  values: Readonly<Record<string, string>>,
  place: Pick<Workspace, 'start'>,
  signal: AbortSignal,
): ProgramTransport {
  const changes = Object.values(server.tools).some(
    ({ effect }) => effect === 'write' || effect === 'execute',
  );
  return new ProgramTransport((hear) =>
    place.start({
      argv: [server.command, ...server.args],
      environment: server.env,
      secrets: Object.fromEntries(server.secrets.map((name) => [name, values[name] ?? ''])),
      reads: server.reads,
      readOnly: !changes,
      timeoutMs: LIFE_MS,
      signal,
      // Fails closed: without a sandbox no server's program is started.
      allowUnsandboxed: false,
      hear,
    }),
  );
}

/** Timeouts and closed connections are ours; everything else was said by the server. */
function isAnswer({ code }: McpError): boolean {
  return code !== ErrorCode.RequestTimeout && code !== ErrorCode.ConnectionClosed;
}

function wordsOf(error: unknown): string {
  if (error instanceof McpError && error.code === ErrorCode.RequestTimeout)
    return 'it did not answer in time';
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const why = cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
  return why.replace(/\s+/g, ' ').slice(0, 300);
}
