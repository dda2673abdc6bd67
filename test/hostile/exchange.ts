import { z } from 'zod';
import type { Kept } from '../handlers/world.ts';

/** Requests of Slack with single fields exchanged. */

export type Data = { [key: string]: unknown };
const dataSchema = z.record(z.string(), z.unknown());

/** What an interaction says, whatever way it came. */
export function read({ body, headers }: Kept): { data: Data; write: (data: Data) => Kept } {
  if (body.startsWith('{'))
    return {
      data: dataSchema.parse(JSON.parse(body)),
      write: (data) => ({ headers, body: JSON.stringify(data) }),
    };
  const fields = new URLSearchParams(body);
  const payload = fields.get('payload');
  if (payload !== null)
    return {
      data: dataSchema.parse(JSON.parse(payload)),
      write: (data) => ({ headers, body: new URLSearchParams({ payload: JSON.stringify(data) }).toString() }),
    };
  const strings = z.record(z.string(), z.string());
  return {
    data: Object.fromEntries(fields),
    write: (data) => ({ headers, body: new URLSearchParams(strings.parse(data)).toString() }),
  };
}

/** Every text in it, by its path. */
export function leaves(value: unknown, at: string[] = []): [string, string][] {
  if (typeof value === 'string') return [[at.join('.'), value]];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, each]) => leaves(each, [...at, key]));
}

export function exchanged(data: Data, at: string, value: string): Data {
  const copy = dataSchema.parse(structuredClone(data));
  const keys = at.split('.');
  let here: unknown = copy;
  for (const key of keys.slice(0, -1))
    here = typeof here === 'object' && here !== null ? Reflect.get(here, key) : null;
  if (here !== null && typeof here === 'object') Reflect.set(here, keys.at(-1) ?? '', value);
  return copy;
}

/** The fields that say who, where and about what. */
export const MATTERS =
  /^(user\.id|user_id|event\.user|team\.id|team_id|(team\.)?enterprise_id|enterprise\.id|actions\.0\.value|view\.private_metadata|text|event\.(channel|thread_ts))$/;

/** What makes it another one than the last, which would else be taken for that one sent again. */
export function anew(data: Data, n: number): Data {
  const later = (1_900_000_000 + n).toString();
  const unique: Readonly<Record<string, string>> = {
    trigger_id: `trigger${n}`,
    'actions.0.action_ts': `${later}.000100`,
    'view.hash': `hash${n}`,
    'event.ts': `${later}.000100`,
  };
  const has = new Set(leaves(data).map(([at]) => at));
  return Object.entries(unique).reduce(
    (made, [at, value]) => (has.has(at) ? exchanged(made, at, value) : made),
    data,
  );
}
