import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api';

/** What a failed call means for the message. The kind says what happens next. */
export type Fault =
  /** Not sent; Slack asked us to wait. */
  | { readonly kind: 'limited'; readonly code: string; readonly retryAfterMs: number }
  /** Not sent; try again. */
  | { readonly kind: 'unsent'; readonly code: string }
  /** Sent or not: look before trying again. */
  | { readonly kind: 'ambiguous'; readonly code: string }
  /** The message to be rewritten is gone. */
  | { readonly kind: 'gone'; readonly code: string }
  /** Nothing can be posted there. */
  | { readonly kind: 'unreachable'; readonly code: string }
  /** The workspace's token is no good. */
  | { readonly kind: 'frozen'; readonly code: string }
  /** Slack will not take these blocks or this much text. */
  | { readonly kind: 'undrawable'; readonly code: string }
  /** Refused for good, for another reason. */
  | { readonly kind: 'refused'; readonly code: string };

type CodeKind = Exclude<Fault['kind'], 'limited'>;

/** Slack's answers by what they mean; everything it does not name is `refused`. */
const BY_CODE: ReadonlyMap<string, CodeKind> = new Map<string, CodeKind>([
  ...codes('ambiguous', ['internal_error', 'fatal_error', 'service_unavailable']),
  ...codes('unsent', ['request_timeout', 'team_added_to_org', 'accesslimited']),
  ...codes('gone', ['message_not_found', 'edit_window_closed']),
  ...codes('unreachable', [
    'is_archived',
    'not_in_channel',
    'channel_not_found',
    'restricted_action',
    'restricted_action_read_only_channel',
    'restricted_action_thread_only_channel',
    'cannot_dm_bot',
    'user_not_found',
    'user_disabled',
    'users_not_found',
    'user_not_in_channel',
    'messages_tab_disabled',
    'thread_not_found',
    'cannot_reply_to_message',
  ]),
  ...codes('frozen', [
    'token_revoked',
    'token_expired',
    'invalid_auth',
    'not_authed',
    'account_inactive',
    'team_access_not_granted',
    'org_login_required',
    'ekm_access_denied',
  ]),
  ...codes('undrawable', [
    'invalid_blocks',
    'invalid_blocks_format',
    'msg_too_long',
    'msg_blocks_too_long',
    'no_text',
    'invalid_attachments',
  ]),
]);

/** Network errors raised before a request can have left. */
const NEVER_LEFT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Used when Slack limits a call without saying for how long. */
const DEFAULT_WAIT_MS = 30_000;

function codes(kind: CodeKind, names: readonly string[]): [string, CodeKind][] {
  return names.map((name) => [name, kind]);
}

/** Any error of a Web API call. What nobody foresaw is ambiguous: reading back costs less than a doubled message. */
export function faultOf(error: unknown): Fault {
  if (error instanceof WebAPIRateLimitedError) {
    return { kind: 'limited', code: 'ratelimited', retryAfterMs: error.retryAfter * 1_000 };
  }
  if (error instanceof WebAPIPlatformError) return ofCode(error.data.error);
  if (error instanceof WebAPIHTTPError) {
    const code = `http_${error.statusCode}`;
    return { kind: error.statusCode >= 500 ? 'ambiguous' : 'refused', code };
  }
  if (error instanceof WebAPIRequestError) {
    const code = networkCode(error.original);
    return { kind: NEVER_LEFT.has(code) ? 'unsent' : 'ambiguous', code };
  }
  return { kind: 'ambiguous', code: error instanceof Error ? error.name : 'unknown' };
}

function ofCode(code: string): Fault {
  if (code === 'ratelimited' || code === 'rate_limited') {
    return { kind: 'limited', code, retryAfterMs: DEFAULT_WAIT_MS };
  }
  return { kind: BY_CODE.get(code) ?? 'refused', code };
}

/** The code of a network error: `fetch` wraps it, sometimes twice. */
function networkCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at.name === 'TimeoutError' || at.name === 'AbortError') return at.name;
  }
  return 'network_error';
}
