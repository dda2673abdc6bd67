import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { newSecret } from './ids.ts';
import { parseJson } from './json.ts';
import { ACK_MS, type Ack, type AppLink, type LinkEvents } from './link.ts';

/** Slack allows ten sockets per app. */
const MAX_SOCKETS = 10;
/** The client gives up when it hears no ping for 30 s. */
const PING_MS = 10_000;
/** A ticket from apps.connections.open is good for this long. */
const TICKET_MS = 30_000;

const ackSchema = z.object({ envelope_id: z.string(), payload: z.unknown().optional() });

type Connection = { socket: WebSocket; draining: boolean };
type Pending = { connection: Connection; sentAt: number; settle(ack: Ack): void };

export type SocketLink = AppLink &
  Readonly<{
    /** A single-use ticket for the WebSocket's URL. */
    issueTicket(): string;
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, ticket: string): void;
    /** Asks every connected socket to reconnect, as Slack does every few hours. */
    refresh(): void;
  }>;

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : new TextDecoder().decode(data);
}

/** The server's side of Socket Mode. Each payload goes to one socket, in turns. */
export function createSocketLink(clock: Clock, appId: string, events: LinkEvents): SocketLink {
  const server = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });
  const tickets = new Map<string, number>();
  const connections: Connection[] = [];
  const pending = new Map<string, Pending>();
  let turn = 0;
  let closed = false;

  const ready = (): Connection[] => connections.filter((connection) => !connection.draining);

  const forget = (connection: Connection): void => {
    const index = connections.indexOf(connection);
    if (index < 0) return;
    connections.splice(index, 1);
    for (const waiting of Array.from(pending.values())) {
      if (waiting.connection === connection) waiting.settle({ status: 'lost', reason: 'socket_closed' });
    }
    if (connections.length === 0 && !closed) events.connection(false);
  };

  const receive = (text: string): void => {
    const ack = ackSchema.safeParse(parseJson(text));
    if (!ack.success) return;
    const waiting = pending.get(ack.data.envelope_id);
    if (waiting === undefined) return;
    events.acked(clock.monotonic() - waiting.sentAt);
    waiting.settle({ status: 'acked', payload: ack.data.payload });
  };

  /** The next ping waits for the pong of the last, so that they cannot pile up. */
  const keepAlive = (connection: Connection): void => {
    clock.after(PING_MS, () => {
      if (!connections.includes(connection)) return;
      connection.socket.once('pong', () => keepAlive(connection));
      connection.socket.ping();
    });
  };

  const accept = (socket: WebSocket): void => {
    if (ready().length >= MAX_SOCKETS) {
      socket.send(JSON.stringify({ type: 'disconnect', reason: 'too_many_websockets' }));
      socket.close();
      return;
    }
    const connection: Connection = { socket, draining: false };
    connections.push(connection);
    socket.on('message', (data) => receive(textOf(data)));
    socket.on('close', () => forget(connection));
    socket.on('error', () => socket.terminate());
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: ready().length,
        debug_info: { host: 'desk', build_number: 1, approximate_connection_time: 18_060 },
        connection_info: { app_id: appId },
      }),
    );
    keepAlive(connection);
    events.connection(true);
  };

  return {
    connected: () => ready().length > 0,
    issueTicket() {
      const now = clock.now();
      for (const [ticket, at] of tickets) if (at < now - TICKET_MS) tickets.delete(ticket);
      const ticket = newSecret(16);
      tickets.set(ticket, now);
      return ticket;
    },
    upgrade(request, socket, head, ticket) {
      const issued = tickets.get(ticket);
      tickets.delete(ticket);
      if (issued === undefined || clock.now() - issued > TICKET_MS) {
        socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
        return;
      }
      server.handleUpgrade(request, socket, head, accept);
    },
    deliver(outgoing) {
      const open = ready();
      const connection = open[turn++ % Math.max(1, open.length)];
      if (connection === undefined) return Promise.resolve({ status: 'offline' });
      return new Promise((resolve) => {
        const settle = (ack: Ack): void => {
          if (!pending.delete(outgoing.id)) return;
          cancel();
          if (ack.status !== 'acked') events.unacked();
          resolve(ack);
        };
        const cancel = clock.after(ACK_MS, () => settle({ status: 'timeout' }));
        const envelope: Record<string, unknown> = {
          envelope_id: outgoing.id,
          type: outgoing.kind,
          accepts_response_payload: outgoing.acceptsResponse,
          payload: outgoing.payload,
        };
        if (outgoing.kind === 'events_api') {
          envelope['retry_attempt'] = outgoing.retryAttempt;
          envelope['retry_reason'] = outgoing.retryReason;
        }
        pending.set(outgoing.id, { connection, sentAt: clock.monotonic(), settle });
        connection.socket.send(JSON.stringify(envelope));
      });
    },
    refresh() {
      for (const connection of ready()) {
        connection.draining = true;
        const notice = { type: 'disconnect', reason: 'refresh_requested', debug_info: { host: 'desk' } };
        connection.socket.send(JSON.stringify(notice));
      }
    },
    close() {
      closed = true;
      for (const { socket } of connections.slice()) socket.terminate();
      server.close();
    },
  };
}
