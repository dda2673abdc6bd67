import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request as plain, type ServerResponse } from 'node:http';
import { request as secure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunnerSettings } from '../../domain/runner-settings.ts';
import type { ProgramRequest } from '../../ports/workspace.ts';

/** Runs in the sandbox and leads to the broker. */
const FORWARDER = fileURLToPath(new URL('./forward.ts', import.meta.url));
/** Headers that belong to one leg of the way, or that are ours to set. */
const NOT_PASSED = new Set([
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

/** The way from a sandbox to the model server and nowhere else; the key is added here, so that no program holds it. */
export interface ModelBroker {
  /** The socket programs are led to. Listens from the first call on. */
  socket(): Promise<string>;
  stop(): Promise<void>;
}

export function createModelBroker(endpoint: {
  readonly baseUrl: string;
  readonly apiKey: string | null;
}): ModelBroker {
  const server = createServer((request, response) => pass(endpoint, request, response));
  let opened: Promise<{ readonly folder: string; readonly path: string }> | null = null;
  const open = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'baton-model-'));
    const path = join(folder, 'socket');
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    // Whoever it is shown to may speak to it, of whatever user; to others the folder is closed.
    await chmod(path, 0o666);
    server.unref();
    return { folder, path };
  };
  return {
    async socket() {
      opened ??= open();
      return (await opened).path;
    },
    async stop() {
      if (opened === null) return;
      const { folder } = await opened;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function pass(
  { baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey: string | null },
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  const path = incoming.url ?? '';
  // One server, below its address: nothing else can be named.
  if (!/^\/v1\/[\w./?=&%-]*$/.test(path) || /\.\.|%2e|%2f/i.test(path)) {
    response.writeHead(403).end();
    return;
  }
  const target = new URL(`${baseUrl.replace(/\/$/, '')}${path.slice('/v1'.length)}`);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).filter(([name]) => !NOT_PASSED.has(name)),
  );
  const send = target.protocol === 'https:' ? secure : plain;
  const outgoing = send(
    target,
    {
      method: incoming.method,
      headers: { ...headers, ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }) },
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    },
  );
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

/** How a program is started: with a way to the model where its settings say so. */
export async function commandOf(
  settings: RunnerSettings,
  broker: ModelBroker,
): Promise<Pick<ProgramRequest, 'argv' | 'reads' | 'socket'>> {
  const argv = [settings.command, ...settings.args];
  if (!settings.model) return { argv, reads: settings.reads };
  const socket = await broker.socket();
  return { argv: ['node', FORWARDER, socket, ...argv], reads: [...settings.reads, FORWARDER], socket };
}
