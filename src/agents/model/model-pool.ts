import { admit, type CircuitOutcome, closedCircuit, settle, stateOf } from '../../domain/circuit.ts';
import { BatonError, type Failure, toFailure } from '../../domain/failure.ts';
import { noRateLimit, type RateLimit, WINDOW_MS } from '../../domain/rate-limit.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HealthStore } from '../../ports/health.ts';
import type { ProviderPauses } from '../../ports/provider-pauses.ts';
import type { RecentCalls } from '../../ports/recent-calls.ts';
import { type ModelRequest, transcriptTokens } from '../transcript.ts';
import type { CompletedReply, ModelClient } from './model-client.ts';
import { ProviderGate } from './provider-gate.ts';

/** One way to a model. */
export interface Endpoint {
  readonly client: ModelClient;
  /** The server it stands at: limits are per server, circuits per model and server. */
  readonly host: string;
  /** Whether it may be given a rest. The rehearsal's own server may not: it is started anew when it ends. */
  readonly rests: boolean;
}

export interface ModelPoolOptions {
  /** The configured one, then those that stand in for it, in order. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly clock: Clock;
  /** Null: circuits are not kept. */
  readonly health: HealthStore | null;
  /** Absent: what servers ask for is forgotten with the process. */
  readonly pauses?: ProviderPauses;
  /** Absent: the minute's count of calls begins anew with the process. */
  readonly recent?: RecentCalls;
  /** By host; no limit for those it does not know. */
  readonly limitOf?: (host: string) => RateLimit;
  /** Milliseconds one call may take, waiting for its turn aside. */
  readonly callMs?: number;
}

/** Who asks. */
export interface Caller {
  readonly runId: string;
  /** The step, the same at every attempt. */
  readonly step: string;
  readonly weight: number;
  readonly signal: AbortSignal;
  /** Told when the call has to wait for its turn: about how many milliseconds. */
  readonly onWait: (ms: number) => void;
  /** Told when it has waited, and is made now. */
  readonly onTurn: () => void;
  /** Asked right before the call is made, however long it waited for its turn; a rejection takes its place. */
  readonly before?: () => Promise<void>;
  /** Told when another model than the one that was asked for goes on. */
  readonly onFailover: (from: string, to: string, why: string) => Promise<void>;
}

export interface Answered {
  readonly reply: CompletedReply;
  readonly model: string;
  /** The server that answered. */
  readonly host: string;
  /** Whether another one answered in place of the one that was asked for. */
  readonly standIn: boolean;
  /** Milliseconds the call took; waiting for its turn does not count. */
  readonly durationMs: number;
}

/** A long answer of a slow model takes minutes; one that takes longer than this has come to nothing. */
const CALL_MS = 600_000;
/** A pause that outlasts this is not waited for in memory: the step ends, and its timer in the store begins it anew. */
const LONG_PAUSE_MS = 600_000;
/** Tokens of an answer as they are guessed beforehand. */
const ANSWER_TOKENS = 1_000;
/** Failures of a server, which a rest may mend. What a person must mend goes to the next at once, and rests nothing. */
const COUNTED: ReadonlySet<string> = new Set([
  'model_unreachable',
  'model_timeout',
  'stream_cut',
  'model_unreadable',
  'model_error',
]);
const ELSEWHERE: ReadonlySet<string> = new Set(['model_auth', 'model_unknown', 'model_quota', 'model_moved']);

/** Every call of a model: limits per server over all runs, a circuit per model, and those that stand in. */
export class ModelPool {
  readonly #options: ModelPoolOptions;
  readonly #gates = new Map<string, ProviderGate>();
  /** Gates whose kept pause is being read: what could not be read is read again by the next call. */
  readonly #opening = new Map<string, Promise<ProviderGate>>();

  constructor(options: ModelPoolOptions) {
    this.#options = options;
  }

  /** The configured model. */
  get model(): string {
    return this.#options.endpoints[0].client.model;
  }

  get host(): string {
    return this.#options.endpoints[0].host;
  }

  /** Calls under way and waiting, by host. */
  get load(): ReadonlyMap<string, { readonly open: number; readonly waiting: number }> {
    return new Map([...this.#gates].map(([host, gate]) => [host, gate.load]));
  }

  /**
   * One complete answer. A model that rests, comes to rest by this very failure, or needs a person (key, credit, name) is
   * followed by the next, as often as there is one.
   * @param asked the role's own model; null is the configured one
   */
  async complete(
    asked: string | null,
    request: Omit<ModelRequest, 'model'>,
    caller: Caller,
  ): Promise<Answered> {
    let given: { readonly name: string; readonly why: string; readonly error: BatonError } | null = null;
    for (const [index, endpoint] of this.#options.endpoints.entries()) {
      const model = index === 0 ? (asked ?? endpoint.client.model) : endpoint.client.model;
      const name = `${model}@${endpoint.host}`;
      const rest = await this.#admit(endpoint, name, caller.step);
      if (rest !== null) {
        given ??= { name, why: rest.failure.message, error: rest };
        continue;
      }
      if (given !== null) await caller.onFailover(given.name, name, given.why);
      try {
        return { ...(await this.#call(endpoint, name, { ...request, model }, caller)), standIn: index > 0 };
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        const resting = await this.#resting(endpoint, name);
        if (!ELSEWHERE.has(error.failure.code) && !resting) throw error;
        given = { name, why: error.failure.message, error };
      }
    }
    throw given?.error ?? new Error('there is no model');
  }

  async #call(
    endpoint: Endpoint,
    name: string,
    request: ModelRequest,
    caller: Caller,
  ): Promise<Omit<Answered, 'standIn'>> {
    const { clock } = this.#options;
    const gate = this.#gates.get(endpoint.host) ?? (await this.#open(endpoint.host));
    if (gate.pausedMs > LONG_PAUSE_MS) throw new BatonError(paused(endpoint.host, gate.pausedMs));
    const tokens = transcriptTokens(request.messages) + ANSWER_TOKENS;
    let told = false;
    const onWait = (ms: number): void => {
      told = true;
      caller.onWait(ms);
    };
    const slot = await gate.acquire({ ...caller, id: `${caller.step} ${name}`, tokens, onWait });
    if (told) caller.onTurn();
    const startedAt = clock.monotonic();
    const limit = new AbortController();
    const callMs = this.#options.callMs ?? CALL_MS;
    const cancelLimit = clock.after(callMs, () => limit.abort());
    let used: number | null = null;
    try {
      await caller.before?.();
      const reply = await endpoint.client.complete(request, AbortSignal.any([caller.signal, limit.signal]));
      used = reply.tokens === null ? null : reply.tokens.input + reply.tokens.output;
      gate.answered();
      await this.#settle(endpoint, name, caller.step, 'success');
      return {
        reply,
        model: request.model,
        host: endpoint.host,
        durationMs: Math.max(0, clock.monotonic() - startedAt),
      };
    } catch (error) {
      const failure =
        limit.signal.aborted && !caller.signal.aborted ? tooSlow(name, callMs) : toFailure(error);
      if (failure.code === 'model_busy') {
        const ms = gate.throttled(failure.retryAfterMs ?? null);
        await this.#options.pauses?.write(endpoint.host, clock.now() + ms);
      }
      await this.#settle(
        endpoint,
        name,
        caller.step,
        COUNTED.has(failure.code) ? 'failure' : 'neither',
        failure,
      );
      throw new BatonError(failure, error);
    } finally {
      cancelLimit();
      slot.end(used);
    }
  }

  #open(host: string): Promise<ProviderGate> {
    const known = this.#opening.get(host);
    if (known !== undefined) return known;
    const opening = this.#gateOf(host).finally(() => this.#opening.delete(host));
    this.#opening.set(host, opening);
    return opening;
  }

  async #gateOf(host: string): Promise<ProviderGate> {
    const { limitOf, clock, pauses, recent } = this.#options;
    const limit = limitOf?.(host) ?? noRateLimit;
    const gate = new ProviderGate(limit, clock);
    if (recent !== undefined && (limit.calls_per_minute !== null || limit.tokens_per_minute !== null)) {
      const now = clock.now();
      const calls = await recent.of(host, now - WINDOW_MS);
      // The machine's clock may have been set back since: nothing began later than now.
      gate.remember(calls.map(({ beganAt, tokens }) => ({ agoMs: Math.max(0, now - beganAt), tokens })));
    }
    const until = (await pauses?.read(host)) ?? null;
    if (until !== null && until > clock.now()) gate.pause(until - clock.now());
    this.#gates.set(host, gate);
    return gate;
  }

  /** Null when it may be called, otherwise why not. */
  async #admit({ rests }: Endpoint, name: string, by: string): Promise<BatonError | null> {
    const { health, clock } = this.#options;
    if (health === null || !rests) return null;
    const { circuit, lastFailure } = await health.read('model', name);
    if (circuit === closedCircuit || stateOf(circuit, clock.now()) === 'closed') return null;
    let refusal: { readonly retryInMs: number | null } | null = null;
    await health.change('model', name, (current) => {
      const found = admit(current, by, clock.now());
      refusal = found.ok ? null : found;
      return found.ok ? found.circuit : current;
    });
    const refused: { readonly retryInMs: number | null } | null = refusal;
    return refused === null ? null : new BatonError(resting(name, refused, lastFailure?.message ?? null));
  }

  async #settle(
    { rests }: Endpoint,
    name: string,
    by: string,
    outcome: CircuitOutcome,
    failure?: Failure,
  ): Promise<void> {
    const { health, clock } = this.#options;
    if (health === null || !rests) return;
    if (outcome !== 'failure') {
      // Nearly always nothing was wrong before, and nothing is to be written.
      const { circuit } = await health.read('model', name);
      if (settle(circuit, by, outcome, clock.now()) === circuit) return;
    }
    const last = failure === undefined ? undefined : { code: failure.code, message: failure.message };
    await health.change('model', name, (circuit) => settle(circuit, by, outcome, clock.now()), last);
  }

  async #resting({ rests }: Endpoint, name: string): Promise<boolean> {
    const { health, clock } = this.#options;
    if (health === null || !rests) return false;
    return stateOf((await health.read('model', name)).circuit, clock.now()) !== 'closed';
  }
}

function paused(host: string, ms: number): Failure {
  return {
    class: 'transient',
    code: 'model_busy',
    message: `The model server at ${host} asked to be left alone, for ${Math.ceil(ms / 60_000)} min more.`,
    retryAfterMs: ms,
  };
}

function tooSlow(name: string, ms: number): Failure {
  return {
    class: 'transient',
    code: 'model_timeout',
    message: `${name} had not finished its answer after ${Math.round(ms / 1_000)} s.`,
    hint: 'It may be overloaded; a smaller model in OPENAI_MODEL answers faster.',
  };
}

function resting(
  name: string,
  { retryInMs }: { readonly retryInMs: number | null },
  last: string | null,
): Failure {
  if (retryInMs === null)
    return {
      class: 'needs_person',
      code: 'model_quarantined',
      message: `${name} was taken out of use by a person.`,
      hint: `Type /orchestrate agents restore ${name}, then press Retry.`,
    };
  return {
    class: 'transient',
    code: 'model_resting',
    message: `${name} failed several times running and rests for ${Math.ceil(retryInMs / 1_000)} s.${last === null ? '' : ` The last time: ${last}`}`,
    hint: `It is tried again by itself. Once it works, /orchestrate agents restore ${name} ends the rest at once.`,
    retryAfterMs: retryInMs,
  };
}
