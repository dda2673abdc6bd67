import type { Desk } from '../desk.ts';
import { ApiError, RateLimited } from '../errors.ts';
import type { Json } from '../json.ts';
import { chatMethods } from './chat.ts';
import { conversationsMethods } from './conversations.ts';
import type { Method, Methods, Tokens } from './method.ts';
import { oauthMethods } from './oauth.ts';
import { peopleMethods } from './people.ts';
import { teamMethods } from './team.ts';
import { viewsMethods } from './views.ts';

/** An HTTP answer of the Web API. `retryAfter` becomes the Retry-After header, in seconds. */
export type Answer = Readonly<{ status: number; body: Json; retryAfter?: number }>;

const METHODS: Methods = Object.freeze({
  ...chatMethods,
  ...conversationsMethods,
  ...oauthMethods,
  ...peopleMethods,
  ...teamMethods,
  ...viewsMethods,
});

function refuse(error: string, messages: readonly string[] = []): Answer {
  const body: Json = { ok: false, error };
  if (messages.length > 0) {
    if (error === 'invalid_blocks') body['errors'] = messages.map((text) => text.replace('[ERROR] ', ''));
    body['response_metadata'] = { messages };
  }
  return { status: 200, body };
}

function tokenError(method: Method, token: string | undefined, tokens: Tokens): string | null {
  if (method.token === 'none') return null;
  if (token === undefined || token === '') return 'not_authed';
  const wanted = method.token === 'app' ? tokens.appToken : tokens.botToken;
  if (token === wanted) return null;
  const issued = tokens.rotation?.look(token) ?? 'unknown';
  if (issued === 'expired') return 'token_expired';
  if (issued === 'good') return method.token === 'bot' ? null : 'not_allowed_token_type';
  return token === tokens.appToken || token === tokens.botToken ? 'not_allowed_token_type' : 'invalid_auth';
}

function perform(desk: Desk, name: string, args: Json, token: string | undefined, tokens: Tokens): Answer {
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (method === undefined) return refuse('unknown_method');
  const wrong = tokenError(method, token, tokens);
  if (wrong !== null) return refuse(wrong);
  try {
    const wait = desk.limits.call(name, method.tier);
    if (wait > 0) throw new RateLimited(wait);
    return { status: 200, body: { ok: true, ...method.run(desk, args, tokens) } };
  } catch (error) {
    if (error instanceof RateLimited) {
      return { status: 429, body: { ok: false, error: 'ratelimited' }, retryAfter: error.retryAfter };
    }
    if (error instanceof ApiError) return refuse(error.code, error.messages);
    throw error;
  }
}

/** Answers one Web API call and counts it. An unknown method gets HTTP 200 and `unknown_method`, as at Slack. */
export function callMethod(
  desk: Desk,
  tokens: Tokens,
  name: string,
  args: Json,
  token: string | undefined,
): Answer {
  const answer = perform(desk, name, args, token, tokens);
  countAnswer(desk, name, answer);
  return answer;
}

/** Counts an answer, also one that a planted fault made. */
export function countAnswer(desk: Desk, name: string, answer: Answer): void {
  const fine = answer.status === 200 && answer.body['ok'] === true;
  desk.counter.call(name, answer.status === 429 ? 'limited' : fine ? 'ok' : 'error');
}
