import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request as plain, type ServerResponse } from 'node:http';
import { request as secure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toFailure } from '../../domain/failure.ts';
import type { RunnerSettings } from '../../domain/runner-settings.ts';
import type { ProgramRequest } from '../../ports/workspace.ts';
import { type ToldUsage, UsageReader } from './told-usage.ts';

/** Runs in the sandbox and leads to the broker. */
const FORWARDER = fileURLToPath(new URL('./forward.ts', import.meta.url));
/** Headers that belong to one leg of the way, or that are ours to set. */
const NOT_PASSED = new Set([
  // What is packed could not be read along.
  'accept-encoding',
  'authorization',
  'connection',
  'cookie',
  'host',
  'keep-alive',
  'proxy-authorization',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
]);

/** Whoever counts what one program uses. */
export interface Passage {
  /** Asked before each call of a model; where it rejects, the call is not made. Returned is whom its end is told to. */
  readonly begin: () => Promise<(told: ToldUsage | null) => void>;
}

/** A program's own way to the model server. */
export interface OpenPassage {
  /** The socket it is led to. */
  readonly socket: string;
  close(): Promise<void>;
}

/** The way from a sandbox to the model server and nowhere else; the key is added here, so that no program holds it. */
export interface ModelBroker {
  /** A socket for one program, so that what passes is counted as its own. */
  open(passage: Passage): Promise<OpenPassage>;
  stop(): Promise<void>;
}

interface Upstream {
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

export function createModelBroker(upstream: Upstream): ModelBroker {
  let folder: Promise<string> | null = null;
  let count = 0;
  const open = new Set<OpenPassage>();
  return {
    async open(passage) {
      folder ??= mkdtemp(join(tmpdir(), 'baton-model-'));
      count += 1;
      const socket = join(await folder, String(count));
      const server = createServer((incoming, response) => {
        void pass(upstream, passage, incoming, response).catch(() => response.destroy());
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(socket, resolve);
      });
      // Whoever it is shown to may speak to it, of whatever user; to others the folder is closed.
      await chmod(socket, 0o666);
      server.unref();
      const way: OpenPassage = {
        socket,
        async close() {
          if (!open.delete(way)) return;
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        },
      };
      open.add(way);
      return way;
    },
    async stop() {
      await Promise.all([...open].map((way) => way.close()));
      if (folder !== null) await rm(await folder, { recursive: true, force: true });
    },
  };
}

async function pass(
  upstream: Upstream,
  passage: Passage,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = incoming.url ?? '';
  // One server, below its address: nothing else can be named.
  if (!/^\/v1\/[\w./?=&%-]*$/.test(path) || /\.\.|%2e|%2f/i.test(path)) {
    response.writeHead(403).end();
    return;
  }
  // A list of models, or whether one is there, is no call.
  if (incoming.method !== 'POST') {
    send(upstream, path, incoming, response, () => undefined);
    return;
  }
  let ended: (told: ToldUsage | null) => void;
  try {
    ended = await passage.begin();
  } catch (error) {
    const { code, message } = toFailure(error);
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { type: 'baton', code, message } }));
    return;
  }
  send(upstream, path, incoming, response, ended);
}

/** @param ended told once, with what the server said of the call; null: nothing came of it */
function send(
  { baseUrl, apiKey }: Upstream,
  path: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  ended: (told: ToldUsage | null) => void,
): void {
  let reader: UsageReader | null = null;
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    ended(reader === null ? null : reader.end());
  };
  const target = new URL(`${baseUrl.replace(/\/$/, '')}${path.slice('/v1'.length)}`);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).filter(([name]) => !NOT_PASSED.has(name)),
  );
  const request = target.protocol === 'https:' ? secure : plain;
  const outgoing = request(
    target,
    {
      method: incoming.method,
      headers: {
        ...headers,
        'accept-encoding': 'identity',
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
    },
    (answer) => {
      const status = answer.statusCode ?? 502;
      if (status < 300) reader = new UsageReader(answer.headers['content-type'] ?? '');
      answer.on('data', (chunk: Buffer) => reader?.hear(chunk));
      // Counted before the program has heard the end of it: whatever it does next comes after.
      answer.on('end', end);
      answer.on('error', () => response.destroy());
      response.writeHead(status, answer.headers);
      answer.pipe(response);
    },
  );
  outgoing.on('error', () => {
    end();
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.on('close', () => {
    outgoing.destroy();
    end();
  });
  incoming.pipe(outgoing);
}

/** How a program is started: with a way to the model where its settings say so. */
export async function commandOf(
  settings: RunnerSettings,
  broker: ModelBroker,
  passage: Passage,
): Promise<
  Pick<ProgramRequest, 'argv' | 'reads' | 'socket'> & {
    /** Takes its way to the model away. */
    readonly close: () => Promise<void>;
  }
> {
  const argv = [settings.command, ...settings.args];
  if (!settings.model) return { argv, reads: settings.reads, close: async () => undefined };
  const way = await broker.open(passage);
  return {
    argv: ['node', FORWARDER, way.socket, ...argv],
    reads: [...settings.reads, FORWARDER],
    socket: way.socket,
    close: () => way.close(),
  };
}
