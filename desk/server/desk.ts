import type { Clock } from './clock.ts';
import type { EventQueue } from './event-queue.ts';
import type { Hub } from './hub.ts';
import type { Limits } from './limits.ts';
import type { AppLink } from './link.ts';
import type { AppSetup } from './manifest.ts';
import type { Counter } from './stats.ts';
import type { Directory } from './store/directory.ts';
import type { Messages } from './store/messages.ts';
import type { Queue } from './store/queue.ts';
import type { Views } from './store/views.ts';
import type { Triggers } from './triggers.ts';

export type Identity = Readonly<{
  teamId: string;
  teamName: string;
  teamDomain: string;
  appId: string;
  botUser: string;
  botId: string;
  /** The deprecated verification token that Slack still puts into payloads. */
  verification: string;
}>;

/** Everything a request handler may need; made once in start.ts and passed along. */
export type Desk = Readonly<{
  clock: Clock;
  identity: Identity;
  setup: AppSetup;
  directory: Directory;
  messages: Messages;
  views: Views;
  queue: Queue;
  hub: Hub;
  limits: Limits;
  triggers: Triggers;
  counter: Counter;
  link: AppLink;
  events: EventQueue;
  nextTs: () => string;
  /** `http://127.0.0.1:PORT`, known once listening. */
  baseUrl: () => string;
  /** The WebSocket URL for one new connection; null when the desk delivers over HTTP. */
  socketUrl: () => string | null;
}>;
