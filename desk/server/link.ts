import type { Json } from './json.ts';

/** Slack waits three seconds for an acknowledgement. */
export const ACK_MS = 3_000;

/** Something on its way to the app. */
export type Outgoing = Readonly<{
  id: string;
  kind: 'slash_commands' | 'interactive' | 'events_api';
  payload: Json;
  acceptsResponse: boolean;
  retryAttempt: number;
  retryReason: string;
}>;

export type Ack =
  | Readonly<{ status: 'acked'; payload: unknown }>
  /** Nobody is connected: nothing was sent. */
  | Readonly<{ status: 'offline' }>
  /** Sent, and no answer in time. */
  | Readonly<{ status: 'timeout' }>
  /** Sent, and the connection broke or the app answered with an error. */
  | Readonly<{ status: 'lost'; reason: string }>;

/** How payloads reach the app: over its sockets or over HTTP. */
export type AppLink = Readonly<{
  connected(): boolean;
  deliver(outgoing: Outgoing): Promise<Ack>;
  close(): void;
}>;

/** What a link tells the desk. */
export type LinkEvents = Readonly<{
  connection(connected: boolean): void;
  acked(ms: number): void;
  unacked(): void;
}>;
