import { createHmac } from 'node:crypto';
import type { Clock } from './clock.ts';
import { type Json, parseJson } from './json.ts';
import { ACK_MS, type Ack, type AppLink, type LinkEvents, type Outgoing } from './link.ts';

function bodyOf(outgoing: Outgoing): { type: string; text: string } {
  const form = 'application/x-www-form-urlencoded';
  switch (outgoing.kind) {
    case 'events_api':
      return { type: 'application/json', text: JSON.stringify(outgoing.payload) };
    case 'interactive':
      return {
        type: form,
        text: new URLSearchParams({ payload: JSON.stringify(outgoing.payload) }).toString(),
      };
    case 'slash_commands':
      return { type: form, text: formFields(outgoing.payload).toString() };
    default:
      return outgoing.kind satisfies never;
  }
}

function formFields(payload: Json): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [key, value] of Object.entries(payload)) fields.set(key, String(value));
  return fields;
}

/** Slack's request signature, version v0: HMAC-SHA256 over version, timestamp and body. */
function signature(secret: string, timestamp: string, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
}

/** Delivers to the app's Request URL over HTTP; the answer to the request is the acknowledgement. */
export function createHttpLink(
  clock: Clock,
  requestUrl: string,
  signingSecret: string,
  events: LinkEvents,
): AppLink {
  const post = async (outgoing: Outgoing, signal: AbortSignal): Promise<Ack> => {
    const body = bodyOf(outgoing);
    const timestamp = String(Math.floor(clock.now() / 1000));
    const headers: Record<string, string> = {
      'content-type': body.type,
      'user-agent': 'Slackbot 1.0 (desk)',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signature(signingSecret, timestamp, body.text),
    };
    if (outgoing.retryAttempt > 0) {
      headers['x-slack-retry-num'] = String(outgoing.retryAttempt);
      headers['x-slack-retry-reason'] = outgoing.retryReason;
    }
    try {
      const answer = await fetch(requestUrl, { method: 'POST', headers, body: body.text, signal });
      const text = await answer.text();
      if (!answer.ok) return { status: 'lost', reason: 'http_error' };
      const parsed = text === '' ? undefined : parseJson(text);
      return { status: 'acked', payload: parsed === undefined && text !== '' ? { text } : parsed };
    } catch {
      return signal.aborted ? { status: 'timeout' } : { status: 'lost', reason: 'connection_failed' };
    }
  };
  return {
    connected: () => true,
    async deliver(outgoing) {
      const abort = new AbortController();
      const cancel = clock.after(ACK_MS, () => abort.abort());
      const sentAt = clock.monotonic();
      const ack = await post(outgoing, abort.signal);
      cancel();
      if (ack.status === 'acked') events.acked(clock.monotonic() - sentAt);
      else events.unacked();
      return ack;
    },
    close() {},
  };
}
