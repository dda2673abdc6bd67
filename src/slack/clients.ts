import { type Logger, LogLevel, WebClient } from '@slack/web-api';
import type { Redact } from '../ports/redactor.ts';

/** Where the sender and its clients say what happened. A pino logger fits. */
export interface SendLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** The clients of one workspace. */
export interface Clients {
  /** Posts, updates and reading back. */
  readonly bulk: WebClient;
  /** Views, ephemeral answers, opening DMs: never behind the bulk. */
  readonly prompt: WebClient;
}

export interface ClientOptions {
  readonly token: string;
  /** Ends in `/api/`. */
  readonly apiUrl: string;
  readonly redact: Redact;
  readonly log: SendLog;
}

/** Long enough for Slack on a bad day; afterwards the call counts as ambiguous. */
const BULK_TIMEOUT_MS = 15_000;
/** A trigger_id lives for 3 s: what is later is of no use. */
const PROMPT_TIMEOUT_MS = 3_000;

/**
 * Web API clients without retries of their own: the default (10 over half an hour, `chat.postMessage` included)
 * doubles and reorders messages, and one rate limit would stall everything behind it.
 */
export function createClients({ token, apiUrl, redact, log }: ClientOptions): Clients {
  const client = (name: string, timeout: number) =>
    new WebClient(token, {
      slackApiUrl: apiUrl,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      timeout,
      logger: loggerTo(log, redact, name),
    });
  return { bulk: client('bulk', BULK_TIMEOUT_MS), prompt: client('prompt', PROMPT_TIMEOUT_MS) };
}

/** The client's own words, redacted. Debug and info are left out: they carry whole payloads. */
function loggerTo(log: SendLog, redact: Redact, client: string): Logger {
  const words = (parts: readonly unknown[]) => redact(parts.map(String).join(' '));
  return {
    debug: () => {},
    info: () => {},
    warn: (...parts) => log.warn({ client }, words(parts)),
    error: (...parts) => log.error({ client }, words(parts)),
    setLevel: () => {},
    getLevel: () => LogLevel.WARN,
    setName: () => {},
  };
}
