import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from './clock.ts';
import type { Desk } from './desk.ts';
import { createEventQueue, type EventQueue } from './event-queue.ts';
import { createFaults } from './faults.ts';
import { sendText } from './http/body.ts';
import { fromLoopbackHost } from './http/guard.ts';
import { route } from './http/routes.ts';
import { createHttpLink } from './http-link.ts';
import { createHub } from './hub.ts';
import { tsSource } from './ids.ts';
import { createLimits } from './limits.ts';
import type { LinkEvents } from './link.ts';
import { readManifest } from './manifest.ts';
import { createRotation } from './rotation.ts';
import { identityOf, seed } from './seed.ts';
import { createSocketLink } from './socket.ts';
import { createCounter } from './stats.ts';
import { openDatabase } from './store/database.ts';
import { openDirectory } from './store/directory.ts';
import { openMessages } from './store/messages.ts';
import { openQueue } from './store/queue.ts';
import { openViews } from './store/views.ts';
import { createTriggers } from './triggers.ts';

export type DeskOptions = Readonly<{
  /** 0 picks a free port. */
  port: number;
  /** Folder of the desk's own SQLite file; made when missing. */
  dataDir: string;
  botToken: string;
  appToken: string;
  signingSecret: string;
  /** Milliseconds for which a token is good that `oauth.v2.access` gives out; for ever unless given. */
  tokenLifeMs?: number | undefined;
  /** Deliver over signed HTTP to this URL instead of Socket Mode. */
  requestUrl?: string | undefined;
  /** A Slack manifest.yml: names, slash commands and subscriptions. */
  manifestPath?: string | undefined;
  /** The built page; default desk/dist. */
  pageDir?: string | undefined;
  clock?: Clock | undefined;
  /** Members beside the usual ones, `member1` and so on, for when many act at once. */
  members?: number | undefined;
}>;

export type RunningDesk = Readonly<{ url: string; port: number; close(): Promise<void> }>;

const PAGE_DIR = fileURLToPath(new URL('../dist', import.meta.url));

/**
 * Starts a local workspace on 127.0.0.1 that speaks Slack's Web API and Socket Mode. State is kept in
 * `dataDir`. Rejects with EADDRINUSE when the port is taken and with a readable error for a bad manifest.
 */
export async function startDesk(options: DeskOptions): Promise<RunningDesk> {
  const clock = options.clock ?? systemClock();
  const setup = readManifest(options.manifestPath);
  const db = openDatabase(options.dataDir);
  const identity = identityOf(db);
  const directory = openDirectory(db);
  const messages = openMessages(db);
  const queue = openQueue(db);
  seed(directory, identity, setup, clock.now(), options.members);
  const hub = createHub(clock.now());
  const counter = createCounter(messages);
  const started: { events?: EventQueue; port: number } = { port: options.port };
  const baseUrl = (): string => `http://127.0.0.1:${started.port}`;

  const linkEvents: LinkEvents = {
    connection(connected) {
      hub.emit({ type: 'app', connected }, 'all');
      if (connected) started.events?.kick();
    },
    acked: (ms) => counter.acked(ms),
    unacked: () => counter.unacked(),
  };
  const socket =
    options.requestUrl === undefined ? createSocketLink(clock, identity.appId, linkEvents) : null;
  const link = socket ?? createHttpLink(clock, options.requestUrl ?? '', options.signingSecret, linkEvents);
  const events = createEventQueue(clock, queue, link);
  started.events = events;

  const desk: Desk = {
    clock,
    identity,
    setup,
    directory,
    messages,
    views: openViews(db),
    queue,
    hub,
    limits: createLimits(clock),
    triggers: createTriggers(clock, identity.teamId),
    counter,
    link,
    events,
    nextTs: tsSource(() => clock.now(), messages.lastTs()),
    baseUrl,
    socketUrl: () =>
      socket === null ? null : `ws://127.0.0.1:${started.port}/link?ticket=${socket.issueTicket()}`,
  };
  const deps = {
    desk,
    tokens: {
      botToken: options.botToken,
      appToken: options.appToken,
      rotation: options.tokenLifeMs === undefined ? null : createRotation(clock, options.tokenLifeMs),
    },
    faults: createFaults(),
    pageDir: options.pageDir ?? PAGE_DIR,
    refresh: () => socket?.refresh(),
  };

  const server = createServer((request, response) => {
    route(deps, request, response).catch((error: unknown) => {
      console.error('desk: a request failed:', error);
      if (!response.headersSent) sendText(response, 500, 'The desk failed; see its log.\n');
      else response.end();
    });
  });
  server.on('upgrade', (request, stream, head) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (socket === null || url.pathname !== '/link' || !fromLoopbackHost(request)) {
      stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    socket.upgrade(request, stream, head, url.searchParams.get('ticket') ?? '');
  });
  try {
    started.port = await listen(server, options.port);
  } catch (error) {
    db.close();
    throw error;
  }
  events.kick();
  return {
    url: baseUrl(),
    port: started.port,
    async close() {
      events.close();
      link.close();
      hub.clear();
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await stopped;
      db.close();
    },
  };
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve(portOf(server.address()));
    });
  });
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('The desk has no port.');
  return address.port;
}
