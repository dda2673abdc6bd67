import type { Desk } from '../desk.ts';
import { newUuid } from '../ids.ts';
import type { Json } from '../json.ts';
import type { Outgoing } from '../link.ts';

/** What a person is told about what they did. `error` is Slack's word for it. */
export type Outcome = Readonly<{ ok: true } & Record<string, unknown>> | Refusal;
export type Refusal = Readonly<{ ok: false; error: string; errors?: Record<string, string> }>;

export type Delivered = Readonly<{ status: 'acked'; payload: unknown }> | Refusal;

export function refusal(error: string): Refusal {
  return { ok: false, error };
}

/** Sends a command or an interaction, and says in Slack's words when the app did not take it. */
export async function deliver(desk: Desk, kind: Outgoing['kind'], payload: Json): Promise<Delivered> {
  const ack = await desk.link.deliver({
    id: newUuid(),
    kind,
    payload,
    acceptsResponse: true,
    retryAttempt: 0,
    retryReason: '',
  });
  switch (ack.status) {
    case 'acked':
      return ack;
    case 'offline':
      return refusal('dispatch_failed');
    case 'timeout':
      return refusal('operation_timeout');
    case 'lost':
      return refusal(ack.reason === 'http_error' ? 'http_service_error' : 'operation_timeout');
    default:
      return ack satisfies never;
  }
}
