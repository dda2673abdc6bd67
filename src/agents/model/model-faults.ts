import type { Failure } from '../../domain/failure.ts';

/** What can go wrong between us and a model server, before it is known what to do about it. */
export type ModelFault =
  /** Refused with a status, or reported inside a stream (status null). */
  | {
      readonly kind: 'reported';
      readonly status: number | null;
      readonly code: string | null;
      readonly message: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'unreachable'; readonly code: string | null }
  | { readonly kind: 'timeout' }
  /** Something else than a stream of events: a page, a JSON object, an event that is no JSON. */
  | { readonly kind: 'unreadable'; readonly type: string }
  /** The stream ended or broke before its terminal event. */
  | { readonly kind: 'cut'; readonly events: number };

/** A fault that shows in the middle of an answer. */
export class AnswerFault extends Error {
  readonly fault: ModelFault;
  constructor(fault: ModelFault) {
    super(fault.kind);
    this.fault = fault;
  }
}

/** What a message can name. */
export interface ModelFacts {
  readonly model: string;
  readonly host: string;
  /** Milliseconds since the epoch, to read a Retry-After that is a date. */
  readonly now: number;
}

/** A day: no rate limit asks for more, and a nonsensical header must not park a run for ever. */
const MAX_RETRY_AFTER_MS = 86_400_000;
/** Enough of a server's own words to recognise the trouble. */
const MAX_WORDS = 300;

const QUOTA_CODES = new Set(['insufficient_quota', 'billing_not_active', 'billing_hard_limit_reached']);
const REFUSAL_CODES = new Set(['content_filter', 'content_policy_violation']);
const BUSY_CODES = new Set(['rate_limit_exceeded', 'rate_limit_error', 'overloaded', 'overloaded_error']);
const AUTH_CODES = new Set(['invalid_api_key', 'invalid_authentication']);
const CONTEXT_CODES = new Set(['context_length_exceeded', 'string_above_max_length']);
/** For servers that give no code: the words OpenAI, vLLM, llama.cpp and Ollama use for a full context. */
const CONTEXT_WORDS = /context (?:length|window|size)|maximum context|too many tokens|prompt is too long/i;

/** What a fault means for the run. Pure; every row is tested. */
export function classifyModelFault(fault: ModelFault, facts: ModelFacts): Failure {
  const { host } = facts;
  switch (fault.kind) {
    case 'unreachable':
      return {
        class: 'transient',
        code: 'model_unreachable',
        message: `No connection to the model server at ${host}${fault.code === null ? '' : ` (${fault.code})`}.`,
        hint: 'Check that it is running and that OPENAI_BASE_URL names it.',
      };
    case 'timeout':
      return {
        class: 'transient',
        code: 'model_timeout',
        message: `The model server at ${host} did not answer in time.`,
        hint: 'It may be overloaded; a smaller model in OPENAI_MODEL answers faster.',
      };
    case 'unreadable':
      return {
        class: 'transient',
        code: 'model_unreadable',
        message: `The server at ${host} answered with ${fault.type} instead of the events of a model; nothing of it was used.`,
        hint: 'Check that OPENAI_BASE_URL names the model server and ends in the version (such as /v1), and that OPENAI_API fits it.',
      };
    case 'cut':
      return {
        class: 'transient',
        code: 'stream_cut',
        message: 'The answer of the model broke off before its end; nothing of it was used.',
        ...(fault.events === 0
          ? { hint: 'Nothing arrived at all: check that OPENAI_BASE_URL and OPENAI_API fit the server.' }
          : {}),
      };
    case 'reported':
      return classifyReported(fault, facts);
    default: {
      const never: never = fault;
      return never;
    }
  }
}

type Reported = Extract<ModelFault, { kind: 'reported' }>;

function classifyReported(fault: Reported, { host, model, now }: ModelFacts): Failure {
  const { status, code } = fault;
  const is = (codes: ReadonlySet<string>): boolean => code !== null && codes.has(code);
  const words = readable(fault.message);
  const said = words === '' ? '' : ` It said: ${words}`;
  const retryAfterMs = retryAfter(fault.headers, now);
  const wait = retryAfterMs === null ? {} : { retryAfterMs };

  if (is(QUOTA_CODES) || status === 402) {
    return {
      class: 'needs_person',
      code: 'model_quota',
      message: `The account at ${host} has no credit left.${said}`,
      hint: 'Top it up or set another OPENAI_API_KEY, then press Retry.',
    };
  }
  if (is(REFUSAL_CODES)) return refused(words);
  if (is(AUTH_CODES) || status === 401 || status === 403) {
    return {
      class: 'needs_person',
      code: 'model_auth',
      message: `The model server at ${host} did not accept the key.${said}`,
      hint: 'Set a valid OPENAI_API_KEY with access to this model, restart, then press Retry.',
    };
  }
  if (status !== null && status >= 300 && status < 400) {
    return {
      class: 'needs_person',
      code: 'model_moved',
      message: `The model server at ${host} sends its callers elsewhere${elsewhere(fault.headers)}. Nothing was sent there.`,
      hint: 'Set OPENAI_BASE_URL to where the server is, restart, then press Retry.',
    };
  }
  if (status === 404 || code === 'model_not_found') {
    return {
      class: 'needs_person',
      code: 'model_unknown',
      message: `The model “${model}” is not known at ${host}.${said}`,
      hint: 'Set OPENAI_MODEL to a model this server offers (or correct OPENAI_BASE_URL), restart, then press Retry.',
    };
  }
  if (status === 413 || is(CONTEXT_CODES) || (status === 400 && CONTEXT_WORDS.test(fault.message))) {
    return {
      class: 'terminal',
      code: 'context_too_long',
      message: `The conversation is longer than the model can read.${said}`,
      hint: 'Use a model with a larger context, or ask for a smaller piece of work.',
    };
  }
  if (status === 429 || is(BUSY_CODES)) {
    return {
      class: 'transient',
      code: 'model_busy',
      message: `The model server at ${host} is limiting how often it is called.${said}`,
      ...wait,
    };
  }
  const refusedByServer =
    status !== null && status >= 400 && status < 500 && ![408, 409, 425].includes(status);
  if (refusedByServer) {
    return {
      class: 'terminal',
      code: 'model_rejected',
      message: `The model server at ${host} refused the request (${status}).${said}`,
      hint: 'Check that OPENAI_API (responses or chat) and OPENAI_MODEL fit this server.',
    };
  }
  return {
    class: 'transient',
    code: 'model_error',
    message: `The model server at ${host} failed${status === null ? '' : ` (${status})`}.${said}`,
    ...wait,
  };
}

/** A server's words for people: a page becomes what can be read of it. */
function readable(text: string): string {
  return text
    .replace(/<(script|style)\b.*?<\/\1>/gis, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_WORDS);
}

/** The host alone: what follows it may hold a token. */
function elsewhere({ location }: Readonly<Record<string, string>>): string {
  return location !== undefined && URL.canParse(location) ? `, to ${new URL(location).host}` : '';
}

/** The failure for a model that would not do it: a state of its own, never repaired by asking again. */
export function refused(words: string): Failure {
  return {
    class: 'needs_person',
    code: 'model_refused',
    message: `The model declined this task.${words === '' ? '' : ` It said: ${words.slice(0, MAX_WORDS)}`}`,
    hint: 'Reword the request, or set another model in OPENAI_MODEL, then press Retry.',
  };
}

/** Milliseconds from `retry-after-ms` or `Retry-After` (seconds or an HTTP date, RFC 9110); null when absent. */
export function retryAfter(headers: Readonly<Record<string, string>>, now: number): number | null {
  const exact = headers['retry-after-ms'];
  const header = headers['retry-after'];
  let ms = Number.NaN;
  if (exact !== undefined && exact.trim() !== '') ms = Number(exact);
  if (!Number.isFinite(ms) && header !== undefined && header.trim() !== '') {
    const seconds = Number(header);
    ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now;
  }
  if (!Number.isFinite(ms)) return null;
  return Math.min(Math.max(Math.round(ms), 0), MAX_RETRY_AFTER_MS);
}
