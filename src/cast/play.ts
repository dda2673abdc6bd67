import { createHash } from 'node:crypto';
import { agentResults, type ResultKind, resultKinds } from '../domain/agent.ts';
import type { Json } from '../domain/json.ts';
import type { Cast, Condition, Line } from './cast.ts';
import { readScene, type Scene, type Transcript } from './transcript.ts';

/** A call of a tool as both APIs carry it: the arguments are JSON text. */
export interface AssistantCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** One answer: words, calls of tools, or both. Without calls the words are the final result. */
export interface AssistantTurn {
  readonly text: string;
  readonly calls: readonly AssistantCall[];
}

/** The cast for a request: the first that names one of its words, or that takes any request. */
export function chooseCast(transcript: Transcript, casts: readonly Cast[]): Cast | null {
  const { request } = readScene(transcript);
  return casts.find((cast) => cast.request?.any_of.some((word) => holdsWord(request, word)) ?? true) ?? null;
}

/**
 * The answer to a transcript: a pure function of it, whatever was asked before, so that asking again after a
 * crash gives the same answer. Never throws; where the cast has no lines it says so in the result asked for.
 */
export function play(transcript: Transcript, cast: Cast | null): AssistantTurn {
  const scene = { ...readScene(transcript), kind: kindAskedFor(transcript) };
  const line = linesOf(cast, scene.role).find((each) => holds(each.when, scene));
  if (line === undefined) return endWith(transcript, noLines(scene, cast));
  if (line.calls !== undefined && !transcript.mayCall) return endWith(transcript, cutShort);
  return speak(line, scene);
}

function linesOf(cast: Cast | null, role: string | null): readonly Line[] {
  // Own names only: a role called "constructor" is unknown like any other.
  if (cast === null || role === null) return [];
  const own = Object.hasOwn(cast.roles, role) ? (cast.roles[role] ?? []) : [];
  // Lines under "any" are for every role, after its own.
  return [...own, ...(Object.hasOwn(cast.roles, 'any') ? (cast.roles['any'] ?? []) : [])];
}

const cutShort = 'Rehearsal: no more calls of tools were allowed, so this part ends before its last line.';

function speak(line: Line, scene: Scene): AssistantTurn {
  const fill = (value: Json) => fillIn(value, scene);
  if (line.result !== undefined) return { text: JSON.stringify(fill(line.result)), calls: [] };
  const calls = (line.calls ?? []).map((call, at) => ({
    id: `call_${scene.turn}_${at}`,
    name: call.tool,
    arguments: JSON.stringify(fill(call.arguments)),
  }));
  return { text: line.say === undefined ? '' : fillText(line.say, scene), calls };
}

function holds(when: Condition, scene: Scene & { readonly kind: ResultKind | null }): boolean {
  return (
    (when.node === undefined || when.node === scene.node) &&
    (when.turn === undefined || when.turn === scene.turn) &&
    (when.feedback === undefined || when.feedback === (scene.feedback !== null)) &&
    contains(scene.feedback, when.feedback_contains) &&
    contains(scene.request, when.request_contains) &&
    (when.kind === undefined || when.kind === scene.kind) &&
    contains(scene.task, when.task_contains) &&
    contains(scene.lastTool, when.last_tool_contains)
  );
}

function contains(text: string | null, wanted: string | undefined): boolean {
  return wanted === undefined || (text ?? '').toLowerCase().includes(wanted.toLowerCase());
}

/** Whole words only, so that a cast for "export" is not taken for "exporters". */
function holdsWord(text: string, word: string): boolean {
  const letter = '[\\p{L}\\p{N}]';
  return new RegExp(`(?<!${letter})${escapeRegExp(word)}(?!${letter})`, 'iu').test(text);
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** What `{{…}}` stands for in words, arguments and results of a cast. */
function placeholders(scene: Scene): ReadonlyMap<string, string> {
  const feedback = scene.feedback ?? '';
  return new Map([
    ['role', scene.role ?? ''],
    ['node', scene.node ?? ''],
    ['request', scene.request],
    ['request_slug', slug(scene.request)],
    ['option_1', scene.options[0] ?? ''],
    ['option_2', scene.options[1] ?? ''],
    ['option_3', scene.options[2] ?? ''],
    ['feedback', feedback],
    ['feedback_slug', slug(feedback)],
  ]);
}

function fillIn(value: Json, scene: Scene): Json {
  if (typeof value === 'string') return fillText(value, scene);
  if (Array.isArray(value)) return value.map((item) => fillIn(item, scene));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillIn(item, scene)]));
}

function fillText(text: string, scene: Scene): string {
  const known = placeholders(scene);
  // In one pass: a person's words are put in as they are, also when they hold braces themselves.
  return text.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => known.get(name) ?? whole);
}

/** 40 characters keep a file name readable; the hash keeps two texts apart that begin alike. */
const slugLength = 40;

function slug(text: string): string {
  const plain = text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-');
  const short = plain.slice(0, slugLength).replaceAll(/^-+|-+$/g, '');
  return `${short || 'note'}-${createHash('sha256').update(text).digest('hex').slice(0, 6)}`;
}

function noLines(scene: Scene, cast: Cast | null): string {
  if (cast === null)
    return 'Rehearsal: no cast is for this request, so nothing was done. Set OPENAI_API_KEY for real work, or add a cast.';
  const who = scene.role === null ? 'this agent' : `the role "${scene.role}"`;
  const where = scene.node === null ? '' : ` at "${scene.node}"`;
  return `Rehearsal: the cast "${cast.name}" has no lines for ${who}${where}, so nothing was done. Add lines to the cast, or set OPENAI_API_KEY for real work.`;
}

/** Words of the server's own, in the kind of result asked for. */
function endWith(transcript: Transcript, summary: string): AssistantTurn {
  const kind = kindAskedFor(transcript);
  return {
    text: kind === null ? summary : JSON.stringify(emptyResult(kind, summary, readScene(transcript).options)),
    calls: [],
  };
}

/**
 * The kind of result asked for: by the schema's name, or, as some requests carry no schema while tools may be
 * called, by the fields the prompt tells of. Null (plain words) when neither is one of ours.
 */
function kindAskedFor({ resultName, system }: Transcript): ResultKind | null {
  const named = resultKinds.find((kind) => resultName?.toLowerCase().includes(kind));
  const told = (kind: ResultKind) =>
    Object.keys(agentResults[kind].shape).every((field) => system.includes(`"${field}"`));
  return named ?? resultKinds.find(told) ?? null;
}

/** Chooses the first option where one must be chosen: honest about it, and the same every time. */
function emptyResult(kind: ResultKind, summary: string, options: readonly string[]): Json {
  const first = options[0] ?? '';
  switch (kind) {
    case 'spec':
      return { summary, points: [], risks: [], files: [] };
    case 'work':
      return { summary, files: [], warnings: [summary] };
    case 'review':
      return {
        summary,
        quality: 0,
        approved: false,
        issues: [summary],
      };
    case 'vote':
      return { summary, choice: first, reason: summary };
    case 'route':
      return { summary, agent: first, task: summary, reason: summary, done: true };
    case 'answer':
      return { summary, answer: summary, confidence: 0, reason: summary };
    case 'verdict':
      return { summary, met: false, score: 0, issues: [summary] };
    case 'items':
      return { summary, items: [] };
    default: {
      const never: never = kind;
      return never;
    }
  }
}
