import type { Json } from './json.ts';

/** `{{ result.branch }}`: a path of names and list positions. */
const PLACE = /\{\{\s*([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)\s*\}\}/g;
const ONLY_PLACE = /^\{\{\s*([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)\s*\}\}$/;

export interface Filled {
  readonly value: Json;
  /** Paths that led nowhere; their places are left empty. */
  readonly absent: readonly string[];
}

/**
 * Puts facts where `{{ path }}` stands, in every text within `template`. A text that is one place alone becomes what
 * stands there, whatever it is; within other words it becomes text.
 */
export function fillTemplate(template: Json, facts: Json): Filled {
  const absent: string[] = [];
  const look = (path: string): Json | undefined => {
    const found = at(facts, path);
    if (found === undefined) absent.push(path);
    return found;
  };
  const fill = (value: Json): Json => {
    if (typeof value === 'string') {
      const only = ONLY_PLACE.exec(value)?.[1];
      if (only !== undefined) return look(only) ?? null;
      return value.replace(PLACE, (_place, path: string) => asText(look(path)));
    }
    if (Array.isArray(value)) return value.map(fill);
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
    return value;
  };
  return { value: fill(template), absent };
}

function at(facts: Json, path: string): Json | undefined {
  let here: Json | undefined = facts;
  for (const name of path.split('.')) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, name)) return undefined;
    here = Array.isArray(here) ? here[Number(name)] : here[name];
  }
  return here;
}

function asText(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
