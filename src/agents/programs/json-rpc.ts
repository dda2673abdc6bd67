import { z } from 'zod';
import { type Json, jsonSchema } from '../../domain/json.ts';

/** Characters of one message: a large file with its escapes. More is a program gone wrong. */
const MAX_MESSAGE_CHARS = 8 * 1024 * 1024;
/** Lines that are no message: some programs print a greeting first. */
const MAX_STRAY_LINES = 200;
/** As JSON-RPC 2.0 numbers them. */
export const RPC = { invalidParams: -32_602, methodNotFound: -32_601, internal: -32_603 } as const;

const idSchema = z.union([z.string(), z.number()]);
const messageSchema = z.object({
  id: idSchema.nullish(),
  method: z.string().optional(),
  params: jsonSchema.optional(),
  result: jsonSchema.optional(),
  error: z.object({ code: z.number(), message: z.string() }).optional(),
});

export type RpcId = z.infer<typeof idSchema>;
export interface RpcError {
  readonly code: number;
  readonly message: string;
}
export type RpcReply = { readonly result: Json } | { readonly error: RpcError };

export interface PeerOptions {
  readonly say: (text: string) => void;
  readonly onRequest: (id: RpcId, method: string, params: Json) => void;
  readonly onNotification: (method: string, params: Json) => void;
  /** The other side does not speak the protocol; nothing it says is read any more. */
  readonly onTrouble: (problem: string) => void;
}

/** The other side said no to a request. */
export class RpcFailure extends Error {}

/** One side of JSON-RPC 2.0 over lines. */
export interface Peer {
  hear(chunk: Buffer): void;
  request(method: string, params: Json): Promise<Json>;
  notify(method: string, params: Json): void;
  reply(id: RpcId, reply: RpcReply): void;
  /** Fails all requests that have no answer. */
  close(problem: string): void;
}

export function createPeer({ say, onRequest, onNotification, onTrouble }: PeerOptions): Peer {
  const waiting = new Map<RpcId, PromiseWithResolvers<Json>>();
  const decoder = new TextDecoder();
  let rest = '';
  let next = 1;
  let stray = 0;
  let over = false;

  const close = (problem: string) => {
    over = true;
    for (const { reject } of waiting.values()) reject(new RpcFailure(problem));
    waiting.clear();
  };
  const trouble = (problem: string) => {
    close(problem);
    onTrouble(problem);
  };
  const send = (message: { readonly [key: string]: Json }) => {
    if (!over) say(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };

  const take = (line: string) => {
    if (line.trim() === '') return;
    const message = parse(line);
    if (message === null) {
      stray += 1;
      if (stray > MAX_STRAY_LINES) trouble('it prints text where it should speak its protocol');
      return;
    }
    const { id, method, params = null } = message;
    if (method !== undefined) {
      if (id === undefined || id === null) onNotification(method, params);
      else onRequest(id, method, params);
      return;
    }
    if (id === undefined || id === null) return;
    const request = waiting.get(id);
    waiting.delete(id);
    if (message.error !== undefined) request?.reject(new RpcFailure(message.error.message.slice(0, 500)));
    else request?.resolve(message.result ?? null);
  };

  return {
    hear(chunk) {
      if (over) return;
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (over) return;
        if (line.length > MAX_MESSAGE_CHARS) return trouble('it sent a message of more than 8 MB');
        take(line);
      }
      if (rest.length > MAX_MESSAGE_CHARS) trouble('it sent a message of more than 8 MB');
    },
    request(method, params) {
      const id = next;
      next += 1;
      const answer = Promise.withResolvers<Json>();
      // Whoever waits hears of it; a request that is given up is not unhandled.
      answer.promise.catch(() => undefined);
      if (over) answer.reject(new RpcFailure('it has ended'));
      else waiting.set(id, answer);
      send({ id, method, params });
      return answer.promise;
    },
    notify: (method, params) => send({ method, params }),
    reply: (id, reply) => send({ id, ...('result' in reply ? reply : { error: { ...reply.error } }) }),
    close,
  };
}

function parse(line: string): z.infer<typeof messageSchema> | null {
  try {
    const parsed = messageSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
