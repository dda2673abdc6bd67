import { createHash } from 'node:crypto';
import type { Failure } from '../domain/failure.ts';
import { callIdentity, createRepetitionGuard, noProgress } from './guards.ts';
import type { ToolCallRequest } from './transcript.ts';

/** Calls that follow each other in the same order over and over: so many of them make one round. */
const ROUND_LENGTHS = [2, 3] as const;
/** Rounds after which the model is told, and after which the task ends. */
const ROUNDS_WARN = 3;
const ROUNDS_STOP = 5;
/** Tools whose success changes something: there what was asked counts, and elsewhere only what came of it. */
const CHANGING: ReadonlySet<string> = new Set(['write', 'edit', 'patch', 'ask', 'emit']);

/** What is to be said to the model or done with its task; null: go on. */
export type Finding =
  | { readonly do: 'warn'; readonly text: string }
  | { readonly do: 'stop'; readonly failure: Failure };

/** Sees a conversation that gets nowhere. Pure but for its own memory, so a replay finds the same. */
export interface Watch {
  /** Before a call is carried out. */
  called(call: ToolCallRequest): Finding | null;
  /** What came of it, as the model reads it. */
  answered(call: ToolCallRequest, text: string): void;
  /** After all calls of a turn. */
  turnEnded(): Finding | null;
}

/**
 * @param idleTurns turns in which no file changed and nothing new was learned, after which the task ends; null: neither
 *   that nor calls in turn are watched, as in runs that began before they were
 */
export function createWatch(idleTurns: number | null): Watch {
  const repeated = createRepetitionGuard();
  const calls: string[] = [];
  const known = new Set<string>();
  let idle = 0;
  let news = false;
  return {
    called(call) {
      const same = repeated(call);
      if (same === 'stop') return { do: 'stop', failure: noProgress };
      if (same === 'warn') return { do: 'warn', text: SAME_CALL };
      if (idleTurns === null) return null;
      calls.push(callIdentity(call));
      const rounds = Math.max(...ROUND_LENGTHS.map((length) => roundsOf(calls, length)));
      if (rounds >= ROUNDS_STOP) return { do: 'stop', failure: inCircles };
      return rounds >= ROUNDS_WARN ? { do: 'warn', text: IN_CIRCLES } : null;
    },
    answered(call, text) {
      const learned = digest(learnedFrom(call, text));
      if (known.has(learned)) return;
      known.add(learned);
      news = true;
    },
    turnEnded() {
      idle = news ? 0 : idle + 1;
      news = false;
      if (idleTurns === null) return null;
      if (idle >= idleTurns) return { do: 'stop', failure: nothingNew(idle) };
      return idle === Math.ceil(idleTurns / 2) ? { do: 'warn', text: NOTHING_NEW } : null;
    },
  };
}

/** How often the last `length` calls, not all the same, were made one after the other, up to now. */
function roundsOf(calls: readonly string[], length: number): number {
  const last = calls.slice(-length);
  if (last.length < length || new Set(last).size === 1) return 0;
  let rounds = 1;
  for (let end = calls.length - length; end >= length; end -= length) {
    for (let back = 1; back <= length; back += 1)
      if (calls[end - back] !== last[length - back]) return rounds;
    rounds += 1;
  }
  return rounds;
}

/** Counts and times in a command's output differ each time and say nothing new. */
function learnedFrom({ name, arguments: given }: ToolCallRequest, text: string): string {
  if (CHANGING.has(name)) return `${name} ${given} ${text}`;
  return `${name} ${name === 'run' ? text.replace(/\d+/g, '#') : text}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

const SAME_CALL =
  'You have made this same call several times running and its result does not change. Do something else.';
const IN_CIRCLES =
  'You make the same calls in turn, over and over, and nothing changes by it. Do something else, or end with your result and say what is missing.';
const NOTHING_NEW =
  'For several turns no file has changed and you have learned nothing new. Go on another way, or end now with your result and say what is missing.';

const inCircles: Failure = {
  class: 'terminal',
  code: 'no_progress',
  message: `The agent made the same calls in turn ${ROUNDS_STOP} times running and was stopped. What it wrote is kept in the worktree.`,
  hint: 'Say in the request what it may have missed, or set a stronger model in OPENAI_MODEL.',
};

function nothingNew(turns: number): Failure {
  return {
    class: 'terminal',
    code: 'no_progress',
    message: `For ${turns} turns the agent changed no file and learned nothing new, and was stopped. What it wrote is kept in the worktree.`,
    hint: 'Say in the request what it may have missed, or set a stronger model in OPENAI_MODEL.',
  };
}
