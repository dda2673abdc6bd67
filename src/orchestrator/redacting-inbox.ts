import type { Json } from '../domain/json.ts';
import type { Redact } from '../ports/redactor.ts';
import type { Inbox } from '../ports/store.ts';
import { redactJson } from './redact-json.ts';

/** Where deliveries hold what people typed. Ids and nonces beside it must stay as they are. */
const TYPED = new Set(['text', 'rest', 'request', 'description', 'repository']);

/** An inbox that keeps no secret that somebody typed: it is taken out before the delivery is stored. */
export function redactingInbox(inbox: Inbox, redact: Redact): Inbox {
  return {
    ...inbox,
    accept: (intent, kind, payload, now) => inbox.accept(intent, kind, typedRedacted(payload, redact), now),
  };
}

function typedRedacted(payload: Json, redact: Redact): Json {
  if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) return payload;
  return Object.fromEntries(
    Object.entries(payload).map(([key, value]) => [key, TYPED.has(key) ? redactJson(value, redact) : value]),
  );
}
