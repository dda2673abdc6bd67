import { z } from 'zod';
import { type Snapshot, snapshotSchema } from '../contract.ts';

/** What a POST brings back. `errors` is per block_id and comes from a refused modal only. */
export type Answer =
  | { readonly ok: true; readonly channel: string | null }
  | { readonly ok: false; readonly error: string; readonly errors: Readonly<Record<string, string>> | null };

const answerSchema = z.union([
  z.object({ ok: z.literal(true), channel: z.string().optional() }),
  z.object({
    ok: z.literal(false),
    error: z.string().optional(),
    errors: z.record(z.string(), z.string()).optional(),
  }),
]);

export interface Api {
  readonly snapshot: (user: string | null) => Promise<Snapshot>;
  readonly post: (path: PostPath, body: unknown) => Promise<Answer>;
  readonly streamUrl: (user: string) => string;
}

type PostPath = 'message' | 'command' | 'action' | 'submit' | 'close' | 'home' | 'dm';

/**
 * The desk's HTTP interface. `post` never throws: an unreachable desk is an answer with `error: 'unreachable'`.
 * `snapshot` throws, because without one there is nothing to show.
 */
export function createApi(fetcher: typeof fetch): Api {
  return {
    snapshot: async (user) => {
      const response = await fetcher(
        user === null ? '/desk/snapshot' : `/desk/snapshot?user=${encodeURIComponent(user)}`,
      );
      if (!response.ok) throw new Error(`The desk answered ${response.status}.`);
      return snapshotSchema.parse(await response.json());
    },
    post: async (path, body) => {
      try {
        const response = await fetcher(`/desk/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        const parsed = answerSchema.safeParse(await response.json());
        if (!parsed.success) return refusal(`http_${response.status}`);
        return parsed.data.ok
          ? { ok: true, channel: parsed.data.channel ?? null }
          : { ok: false, error: parsed.data.error ?? 'refused', errors: parsed.data.errors ?? null };
      } catch {
        return refusal('unreachable');
      }
    },
    streamUrl: (user) => `/desk/stream?user=${encodeURIComponent(user)}`,
  };
}

function refusal(error: string): Answer {
  return { ok: false, error, errors: null };
}
