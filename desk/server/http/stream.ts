import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DeskEvent } from '../../contract.ts';
import type { Desk } from '../desk.ts';
import { snapshot } from '../page-api.ts';
import { SECURITY_HEADERS } from './guard.ts';

/** Proxies and browsers drop silent streams; a comment this often keeps one open. */
const HEARTBEAT_MS = 15_000;

/** Everything a person can see as events, for a page whose last event is no longer kept. */
function everything(desk: Desk, user: string): DeskEvent[] {
  const now = snapshot(desk, user);
  return [
    { type: 'app', connected: now.app.connected },
    ...now.channels.map((channel) => ({ type: 'channel', channel }) as const),
    ...now.messages.map((message) => ({ type: 'message', message }) as const),
    { type: 'modals', modals: now.modals },
    ...(now.home === null ? [] : [{ type: 'home', home: now.home } as const]),
  ];
}

/** Follows what `user` can see as Server-Sent Events, going on after `Last-Event-ID`. */
export function openStream(
  desk: Desk,
  user: string,
  lastId: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  const send = (id: number, event: DeskEvent): void => {
    response.write(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  response.write('retry: 500\n\n');
  if (lastId !== null && lastId !== '') {
    const missed = desk.hub.since(user, Number(lastId));
    const position = desk.hub.position();
    if (missed === null) for (const event of everything(desk, user)) send(position, event);
    else for (const { id, event } of missed) send(id, event);
  }
  const unfollow = desk.hub.follow(user, send);
  let cancel = () => {};
  const beat = (): void => {
    response.write(': still here\n\n');
    cancel = desk.clock.after(HEARTBEAT_MS, beat);
  };
  cancel = desk.clock.after(HEARTBEAT_MS, beat);
  request.on('close', () => {
    unfollow();
    cancel();
  });
}
