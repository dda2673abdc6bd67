import type { Desk } from '../desk.ts';
import type { Json } from '../json.ts';
import type { Tier } from '../limits.ts';
import type { Rotation } from '../rotation.ts';

export type Tokens = Readonly<{
  botToken: string;
  appToken: string;
  /** Those that the bot is given on installing, where they end; null: the one above holds for ever. */
  rotation: Rotation | null;
}>;

/** One Web API method. `run` returns the answer without `ok`, or throws ApiError or RateLimited. */
export type Method = Readonly<{
  tier: Tier;
  /** `none`: whoever asks has no token yet. */
  token: 'bot' | 'app' | 'none';
  run(desk: Desk, args: Json, tokens: Tokens): Json;
}>;

export type Methods = Readonly<Record<string, Method>>;
