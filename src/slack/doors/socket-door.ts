import { type App, LogLevel, type Receiver, SocketModeReceiver } from '@slack/bolt';
import { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import { BatonError, toFailure } from '../../domain/failure.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SendLog } from '../clients.ts';

/** Wait before the second and later attempts to come back: doubled each time, up to a time a person still bears. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** A connection that lasted this long was a good one: coming back after it begins at once. */
const GOOD_AFTER_MS = 30_000;
/** Long enough for Slack on a bad day; afterwards it is asked again. */
const OPEN_TIMEOUT_MS = 10_000;

/** A socket that opened and says nothing for so long will not: it is given up. */
const HELLO_LIMIT_MS = 20_000;

/** Slack's answers that no waiting mends. */
const TOKEN_REFUSED = new Set([
  'invalid_auth',
  'not_authed',
  'not_allowed_token_type',
  'token_revoked',
  'token_expired',
  'account_inactive',
  'missing_scope',
  'no_permission',
  'user_removed_from_team',
  'team_disabled',
]);

export interface SocketDoorOptions {
  readonly appToken: string;
  /** Ends in `/api/`. */
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly log: SendLog;
  readonly redact: (text: string) => string;
}

/**
 * Bolt's door over Socket Mode, coming back by itself however a connection ends. The client's own reconnecting
 * waits longer the longer Slack was away, without bound, and ends the whole process when Slack refuses it.
 */
export class SocketDoor implements Receiver {
  readonly #options: SocketDoorOptions;
  readonly #receiver: SocketModeReceiver;
  /** `down` before the first connection and after the stop; `back` while coming back. */
  #state: 'down' | 'up' | 'back' | 'stopped' = 'down';
  #upSince = 0;
  #failures = 0;
  #cancelWait: () => void = () => undefined;

  constructor(options: SocketDoorOptions) {
    this.#options = options;
    this.#receiver = new SocketModeReceiver({
      appToken: options.appToken,
      autoReconnectEnabled: false,
      logger: quietLogger(options),
      installerOptions: {
        clientOptions: {
          slackApiUrl: options.apiUrl,
          retryConfig: { retries: 0 },
          rejectRateLimitedCalls: true,
          timeout: OPEN_TIMEOUT_MS,
        },
      },
    });
    this.#receiver.client.on('disconnected', () => this.#lost());
  }

  init(app: App): void {
    this.#receiver.init(app);
  }

  /** @throws BatonError `slack_token` or `slack_unreachable` */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      throw notConnected(error, this.#options.redact);
    }
    this.#cameUp();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#cancelWait();
    await this.#receiver.stop();
  }

  /** Resolves once Slack has said hello. */
  async #connect(): Promise<void> {
    const cancel = this.#options.clock.after(HELLO_LIMIT_MS, () => void this.#receiver.stop());
    try {
      await this.#receiver.start();
    } finally {
      cancel();
    }
  }

  #cameUp(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'up';
    this.#upSince = this.#options.clock.monotonic();
  }

  #lost(): void {
    if (this.#state !== 'up') return;
    this.#state = 'back';
    const { clock, log } = this.#options;
    const lasted = clock.monotonic() - this.#upSince;
    if (lasted >= GOOD_AFTER_MS) this.#failures = 0;
    else this.#failures += 1;
    log.info({ lastedMs: Math.round(lasted) }, 'The connection to Slack ended; coming back');
    this.#again(waitMs(this.#failures));
  }

  #again(ms: number): void {
    this.#cancelWait = this.#options.clock.after(ms, () => void this.#comeBack());
  }

  /** Never rejects. */
  async #comeBack(): Promise<void> {
    if (this.#state !== 'back') return;
    const { log, redact } = this.#options;
    try {
      await this.#connect();
      this.#cameUp();
      log.info({ failures: this.#failures }, 'Connected to Slack again');
    } catch (error) {
      this.#failures += 1;
      const asked = error instanceof WebAPIRateLimitedError ? error.retryAfter * 1_000 : 0;
      const ms = Math.max(asked, waitMs(this.#failures));
      log.warn({ error: redact(wordsOf(error)), waitMs: ms }, 'Slack could not be reached; trying again');
      if (this.#state === 'back') this.#again(ms);
    }
  }
}

function waitMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(16, failures - 1));
}

/** The first connection failed: words for the person at the terminal. */
function notConnected(error: unknown, redact: (text: string) => string): BatonError {
  if (error instanceof WebAPIPlatformError && TOKEN_REFUSED.has(error.data.error)) {
    return new BatonError(
      {
        class: 'terminal',
        code: 'slack_token',
        message: `Slack does not accept SLACK_APP_TOKEN (${error.data.error})`,
        hint: 'Copy it again from your app\'s page under "Basic Information", "App-Level Tokens" (scope connections:write; it starts with "xapp-"), then start again. Nothing was lost.',
      },
      error,
    );
  }
  return new BatonError(
    {
      class: 'terminal',
      code: 'slack_unreachable',
      message: `Slack could not be reached: ${redact(wordsOf(error))}`,
      hint: 'Check the network and SLACK_API_URL, then start again. Nothing was lost.',
    },
    error,
  );
}

/** The client rejects with nothing at all when a socket closes before Slack has said hello. */
function wordsOf(error: unknown): string {
  if (error === undefined) return 'the connection was closed before it was ready';
  return toFailure(error).message;
}

/** What the client says of each failed attempt is said here already, with what follows from it. */
function quietLogger({ log, redact }: SocketDoorOptions) {
  const words = (parts: readonly unknown[]): string => redact(parts.map(String).join(' '));
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (...parts: unknown[]) => log.info({ client: 'socket' }, words(parts)),
    error: (...parts: unknown[]) => log.warn({ client: 'socket' }, words(parts)),
    setLevel: () => undefined,
    getLevel: () => LogLevel.ERROR,
    setName: () => undefined,
  };
}
