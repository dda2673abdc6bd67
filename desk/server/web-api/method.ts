import type { Desk } from '../desk.ts';
import type { Json } from '../json.ts';
import type { Tier } from '../limits.ts';

/** One Web API method. `run` returns the answer without `ok`, or throws ApiError or RateLimited. */
export type Method = Readonly<{
  tier: Tier;
  token: 'bot' | 'app';
  run(desk: Desk, args: Json): Json;
}>;

export type Methods = Readonly<Record<string, Method>>;
