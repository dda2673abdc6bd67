import { WebSocket } from 'ws';
import { z } from 'zod';
import type { TestDesk } from './harness.ts';
import { TOKENS } from './harness.ts';

const envelopeSchema = z.object({
  type: z.string(),
  envelope_id: z.string().optional(),
  reason: z.string().optional(),
  retry_attempt: z.number().optional(),
  retry_reason: z.string().optional(),
  payload: z.looseObject({}).optional(),
});
type Envelope = z.infer<typeof envelopeSchema>;

export type SocketClient = Readonly<{
  /** The next envelope, in order of arrival. */
  next(): Promise<Envelope>;
  /** Envelopes that have arrived and were not taken. */
  waiting(): number;
  ack(envelope: Envelope, payload?: unknown): void;
  close(): Promise<void>;
}>;

/** A bare Socket Mode client that acknowledges only what the test tells it to. */
export async function socketClient(t: TestDesk): Promise<SocketClient> {
  const answer = await t.api('apps.connections.open', {}, TOKENS.appToken);
  const socket = new WebSocket(z.object({ url: z.string() }).parse(answer).url);
  const arrived: Envelope[] = [];
  const takers: ((envelope: Envelope) => void)[] = [];
  socket.on('message', (data) => {
    const envelope = envelopeSchema.parse(JSON.parse(Buffer.isBuffer(data) ? data.toString() : ''));
    const taker = takers.shift();
    if (taker === undefined) arrived.push(envelope);
    else taker(envelope);
  });
  const next = (): Promise<Envelope> => {
    const first = arrived.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve) => takers.push(resolve));
  };
  const hello = await next();
  if (hello.type !== 'hello') throw new Error(`expected hello, got ${hello.type} ${hello.reason}`);
  return {
    next,
    waiting: () => arrived.length,
    ack: ({ envelope_id }, payload) => socket.send(JSON.stringify({ envelope_id, payload })),
    close: () =>
      new Promise((resolve) => {
        socket.once('close', () => resolve());
        socket.close();
      }),
  };
}
