import { parse } from 'yaml';
import { z } from 'zod';
import type { ChangedFile } from '../../ports/workspace.ts';
import type { Finding } from './change.ts';

type Data = unknown;
type Fields = Readonly<Record<string, Data>>;

const fieldsSchema = z.record(z.string(), z.unknown());

/** Words for people: they bind nobody. */
const PROSE = new Set([
  'description',
  'summary',
  'example',
  'examples',
  'title',
  'tags',
  'externalDocs',
  'info',
  'deprecated',
  'contact',
  'license',
]);
/** What narrows what is accepted: new ones refuse what was fine before. */
const NARROWING = new Set([
  'maxLength',
  'minLength',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'maxItems',
  'minItems',
  'uniqueItems',
  'maxProperties',
  'minProperties',
  'enum',
  'const',
  'format',
  'type',
  'not',
  'additionalProperties',
  'allOf',
  'oneOf',
  'anyOf',
  'security',
  '$ref',
  'discriminator',
]);

/** What a client written against the description before would not survive. */
export function openApiBreaks(files: readonly ChangedFile[]): Finding[] {
  return files.flatMap((file): Finding[] => {
    const { path, before, after } = file;
    if (!/\.(ya?ml|json)$/i.test(path)) return [];
    const named = /(^|\/)(openapi|swagger)[^/]*\.(ya?ml|json)$/i.test(path);
    if (file.unread) return named ? [{ path, why: 'it is too large to compare' }] : [];
    if (before === null || !(named || isDescription(before))) return [];
    if (after === null) return [{ path, why: 'the API’s description is gone' }];
    const was = read(before);
    const is = read(after);
    // One that could not be read before is nothing to compare with; one that cannot now says nothing any more.
    if (was === null) return [{ path, why: 'the description before cannot be read' }];
    if (is === null) return [{ path, why: 'the description cannot be read any more' }];
    const why = broken(was, is, '');
    return why === null ? [] : [{ path, why }];
  });
}

function isDescription(text: string): boolean {
  return /^\s*["']?(openapi|swagger)["']?\s*:/m.test(text);
}

/** Limits keep a hostile description from filling the memory. */
function read(text: string): Fields | null {
  try {
    return fieldsSchema.parse(parse(text, { maxAliasCount: 100, uniqueKeys: false }));
  } catch {
    return null;
  }
}

/** The first thing that breaks on the way from one description to the other; null: nothing does. */
function broken(was: Data, is: Data, at: string): string | null {
  if (Array.isArray(was)) return Array.isArray(is) ? brokenList(was, is, at) : `${at} is no list any more`;
  const before = asFields(was);
  if (before === null) return was === is ? null : `${at} was ${text(was)}, and is ${text(is)}`;
  const after = asFields(is);
  if (after === null) return `${at} is gone or something else`;
  for (const [key, value] of Object.entries(before)) {
    // A property of a schema may well be called "description": there it is a name, not prose.
    if ((PROSE.has(key) && !isNames(at)) || key.startsWith('x-')) continue;
    if (!(key in after)) {
      if (isNames(at) || !loosens(key, at)) return `${join(at, key)} is gone`;
      continue;
    }
    const why = broken(value, after[key], join(at, key));
    if (why !== null) return why;
  }
  for (const [key, value] of Object.entries(after)) {
    if (key in before || isNames(at)) continue;
    if (NARROWING.has(key)) return `${join(at, key)} is new and refuses what was accepted`;
    if (key === 'required' && (value === true || (Array.isArray(value) && value.length > 0)))
      return `${join(at, key)} is new: ${text(value)}`;
    if (key === 'parameters' && Array.isArray(value) && value.some(isRequired))
      return `${join(at, key)} has a new one that is required`;
    if (key === 'requestBody' && isRequired(value)) return `${join(at, key)} is new and required`;
  }
  return null;
}

/** What may be dropped without refusing anybody. In answers, and in shared parts that may be answers, it is a promise. */
function loosens(key: string, at: string): boolean {
  return key === 'deprecated' || (key === 'required' && isAsked(at));
}

function isAsked(at: string): boolean {
  return /\/(requestBody|parameters)\b/.test(at) && !at.includes('/responses');
}

function brokenList(was: readonly Data[], is: readonly Data[], at: string): string | null {
  if (at.endsWith('/required')) {
    const known = new Set(was);
    const added = is.find((each) => !known.has(each));
    if (added !== undefined) return `${at} now holds ${text(added)}`;
    const kept = new Set(is);
    const lost = isAsked(at) ? undefined : was.find((each) => !kept.has(each));
    return lost === undefined ? null : `${at} does not hold ${text(lost)} any more`;
  }
  const keyed = new Map(is.map((each) => [keyOf(each), each]));
  for (const each of was) {
    const key = keyOf(each);
    const now = keyed.get(key);
    if (now === undefined) return `${at} lost ${key.slice(0, 80)}`;
    const why = broken(each, now, `${at}/${key.slice(0, 60)}`);
    if (why !== null) return why;
  }
  const known = new Set(was.map(keyOf));
  const added = is.find((each) => !known.has(keyOf(each)));
  if (added === undefined) return null;
  if (at.endsWith('/parameters')) return isRequired(added) ? `${at} has a new one that is required` : null;
  return /\/(allOf|security)$/.test(at) ? `${at} has a new part` : null;
}

/** What an entry of a list is known by: a parameter by its name and place, a reference by its target. */
function keyOf(value: Data): string {
  const fields = asFields(value);
  if (fields === null) return text(value);
  if (typeof fields['name'] === 'string') return `${text(fields['in'])} ${fields['name']}`;
  return typeof fields['$ref'] === 'string' ? fields['$ref'] : text(value);
}

/** Where keys are names that somebody chose, not words of the format. */
function isNames(at: string): boolean {
  return /\/(properties|paths|schemas|definitions|responses|parameters|headers|callbacks|patternProperties|requestBodies|securitySchemes|content)$/.test(
    at,
  );
}

function isRequired(value: Data): boolean {
  const fields = asFields(value);
  // What a reference leads to may be required.
  return (
    fields !== null &&
    (fields['required'] === true || fields['$ref'] !== undefined || fields['in'] === 'path')
  );
}

function asFields(value: Data): Fields | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  const parsed = fieldsSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

function join(at: string, key: string): string {
  return `${at}/${key}`;
}

function text(value: Data): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
