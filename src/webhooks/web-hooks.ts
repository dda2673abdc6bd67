import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { eventId } from '../domain/bus-event.ts';
import { toFailure } from '../domain/failure.ts';
import { GITHUB } from '../domain/hook.ts';
import { type Json, jsonSchema } from '../domain/json.ts';
import type { NewBusEvent, Published } from '../ports/bus.ts';
import type { Clock } from '../ports/clock.ts';
import { fromGithub } from './github.ts';
import { type Verification, verifyGithub, verifyTimed } from './signature.ts';

const PREFIX = '/hooks/';
const MAX_BODY = 1024 * 1024;
/** GitHub delivers again for three days. What is older would come after its keys may be forgotten. */
const OLDEST_MS = 7 * 86_400_000;

/** One address under `/hooks/`. */
export interface HookSettings {
  readonly name: string;
  /** What it publishes; null for GitHub, which says itself. */
  readonly event: string | null;
  readonly variable: string;
  /** Null: nobody may send here. */
  readonly secret: string | null;
}

export interface WebHooksOptions {
  readonly hooks: readonly HookSettings[];
  readonly publish: (event: NewBusEvent) => Promise<Published>;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: Json };
}

/** Events from outside: signed, seen once, kept, and only then acknowledged. */
export class WebHooks {
  readonly #options: WebHooksOptions;
  readonly #hooks: ReadonlyMap<string, HookSettings>;

  constructor(options: WebHooksOptions) {
    this.#options = options;
    this.#hooks = new Map(options.hooks.map((hook) => [hook.name, hook]));
    for (const { name, variable, secret } of options.hooks)
      if (secret === null)
        options.log.warn({ hook: name }, `The hook "${name}" refuses everything: ${variable} is not set`);
  }

  /** Whether a request is for this door; every other is somebody else's. */
  takes({ url }: Pick<IncomingMessage, 'url'>): boolean {
    return url?.startsWith(PREFIX) === true;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request);
    response.writeHead(status, {
      'content-type': 'application/json',
      connection: status === 413 ? 'close' : 'keep-alive',
    });
    response.end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const hook = this.#hooks.get((request.url ?? '').slice(PREFIX.length).split('?')[0] ?? '');
    if (hook === undefined) return refuse(404, 'There is no such hook');
    if (request.method !== 'POST') return refuse(405, 'Send it with POST');
    if (hook.secret === null) {
      this.#options.log.warn({ hook: hook.name }, `A delivery was refused: ${hook.variable} is not set`);
      return refuse(503, 'This hook has no secret, so nothing is accepted');
    }
    if (header(request, 'content-type')?.startsWith('application/json') !== true)
      return refuse(415, 'Send it as application/json');
    const body = await readBody(request);
    if (body === null) return refuse(413, `At most ${MAX_BODY} bytes`);
    const verdict = this.#verify(hook, hook.secret, request, body);
    if (verdict !== 'ok') {
      this.#options.log.warn({ hook: hook.name, verdict }, 'A delivery was refused');
      return refuse(verdict === 'malformed' ? 400 : 401, WORDS[verdict]);
    }
    return this.#accept(hook, request, body);
  }

  #verify(hook: HookSettings, secret: string, request: IncomingMessage, body: Buffer): Verification {
    if (hook.name === GITHUB) return verifyGithub(secret, header(request, 'x-hub-signature-256'), body);
    const given = {
      timestamp: header(request, 'x-baton-timestamp'),
      delivery: header(request, 'x-baton-delivery'),
      signature: header(request, 'x-baton-signature'),
    };
    return verifyTimed(secret, given, body, this.#options.clock.now());
  }

  async #accept(hook: HookSettings, request: IncomingMessage, body: Buffer): Promise<Answer> {
    const event = this.#read(hook, request, body);
    if ('status' in event) return event;
    try {
      const { seq, again, refused } = await this.#options.publish({
        ...event,
        sourceKind: 'hook',
        source: hook.name,
        runId: null,
        at: this.#options.clock.now(),
      });
      return { status: 202, body: { event: eventId(seq), again, ...(refused === null ? {} : { refused }) } };
    } catch (error) {
      const failure = toFailure(error);
      // What is wrong with the event is the sender's to mend; all else is worth sending again.
      if (failure.code.startsWith('event_')) return refuse(422, failure.message);
      throw error;
    }
  }

  #read(
    hook: HookSettings,
    request: IncomingMessage,
    body: Buffer,
  ): Pick<NewBusEvent, 'keys' | 'name' | 'payload'> | Answer {
    const { clock } = this.#options;
    let data: unknown;
    try {
      data = JSON.parse(body.toString('utf8'));
    } catch {
      return refuse(400, 'That is no JSON');
    }
    const delivered = `hook:${hook.name}:delivery:`;
    if (hook.event !== null) {
      const payload = jsonSchema.parse(data);
      return {
        keys: [`${delivered}${header(request, 'x-baton-delivery') ?? ''}`],
        name: hook.event,
        payload,
      };
    }
    const kind = header(request, 'x-github-event');
    const delivery = header(request, 'x-github-delivery');
    if (kind === undefined || delivery === undefined || delivery.length > 100)
      return refuse(400, 'GitHub sends X-GitHub-Event and X-GitHub-Delivery');
    try {
      const event = fromGithub(kind, data);
      if (event === null) return { status: 202, body: { ignored: kind.slice(0, 100) } };
      if (clock.now() - event.at > OLDEST_MS) return refuse(401, WORDS.stale);
      // The delivery's id is not signed, so an old body under a new id has to be known by itself.
      const digest = createHash('sha256').update(body).digest('hex');
      return {
        keys: [`hook:${hook.name}:body:${digest}`, `${delivered}${delivery}`],
        name: event.name,
        payload: event.payload,
      };
    } catch (error) {
      if (error instanceof z.ZodError) return refuse(422, toFailure(error).message);
      throw error;
    }
  }
}

const WORDS = {
  malformed: 'The signature, or what it covers, is missing',
  stale: 'That is too old, or of the future',
  forged: 'The signature does not fit',
} as const satisfies Record<Exclude<Verification, 'ok'>, string>;

function refuse(status: number, error: string): Answer {
  return { status, body: { error } };
}

/** Null as soon as it is too long. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > MAX_BODY) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(z.union([z.instanceof(Uint8Array), z.string()]).parse(chunk));
    size += bytes.length;
    if (size > MAX_BODY) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
