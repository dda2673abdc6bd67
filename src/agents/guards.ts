import type { AgentTask } from '../domain/agent.ts';
import type { Failure } from '../domain/failure.ts';
import { canonicalJson, jsonSchema } from '../domain/json.ts';
import { parseJsonObject } from './results.ts';
import type { ToolCallRequest } from './transcript.ts';

/** Calls of one turn that are carried out; the rest are answered with a note. */
export const MAX_CALLS_PER_TURN = 16;
/** The same call running: from the third on the model is told, at the fifth the task ends. */
const WARN_AT = 3;
const STOP_AT = 5;
/** Answers cut off at the length limit in a row, after which smaller pieces are not to be expected. */
export const MAX_TRUNCATED = 3;
/** Repair turns for a result that does not fit. */
export const MAX_REPAIRS = 2;
/** Share of a cap after which the model is asked to come to an end. */
const NEARLY = 0.9;

/** What a task has used so far. Waiting (pauses, retries, approvals) does not count as time. */
export interface Spent {
  readonly turns: number;
  readonly tokens: number;
  readonly workedMs: number;
  /** US dollars, calls without a known price at the dearest that is; counted by runs that have a cap on it. */
  readonly usd?: number;
}

/** The cap that is reached, as the failure that ends the task; null while there is room. */
export function capReached(spent: Spent, limits: AgentTask['limits']): Failure | null {
  if (spent.turns >= limits.turns) return exhausted('turn_limit', `${limits.turns} turns`);
  if (spent.tokens >= limits.tokens) return exhausted('token_limit', `${limits.tokens} tokens`);
  if (spent.workedMs >= limits.timeoutMs) {
    return exhausted('time_limit', `${Math.round(limits.timeoutMs / 1_000)} seconds of work`);
  }
  if (limits.usd !== undefined && (spent.usd ?? 0) >= limits.usd)
    return exhausted('cost_limit', `$${limits.usd.toFixed(2)}`);
  return null;
}

function exhausted(code: string, cap: string): Failure {
  return {
    class: 'terminal',
    code,
    message: `The agent used up its ${cap} without a result. What it wrote is kept in the worktree.`,
    hint: 'Ask for a smaller piece of work, or raise the limit of this step.',
  };
}

/** Whether this turn should be the last: the model is then told to answer and may call no tool. */
export function isLastTurn(spent: Spent, limits: AgentTask['limits']): boolean {
  return (
    spent.turns + 1 >= limits.turns ||
    spent.tokens >= limits.tokens * NEARLY ||
    spent.workedMs >= limits.timeoutMs * NEARLY ||
    (spent.usd ?? 0) >= (limits.usd ?? Number.POSITIVE_INFINITY) * NEARLY
  );
}

export type Repetition = 'fine' | 'warn' | 'stop';

/** Sees the same call made over and over. Order of keys and spaces do not make a call another. */
export function createRepetitionGuard(): (call: ToolCallRequest) => Repetition {
  let last = '';
  let count = 0;
  return (call) => {
    const identity = callIdentity(call);
    count = identity === last ? count + 1 : 1;
    last = identity;
    if (count >= STOP_AT) return 'stop';
    return count >= WARN_AT ? 'warn' : 'fine';
  };
}

/** What makes a call the same as another. */
export function callIdentity(call: ToolCallRequest): string {
  return `${call.name} ${normalised(call.arguments)}`;
}

function normalised(argumentsText: string): string {
  const parsed = jsonSchema.safeParse(parseJsonObject(argumentsText));
  return parsed.success ? canonicalJson(parsed.data) : argumentsText;
}

export const noProgress: Failure = {
  class: 'terminal',
  code: 'no_progress',
  message: `The agent made the same call ${STOP_AT} times running and was stopped. What it wrote is kept in the worktree.`,
  hint: 'Say in the request what it may have missed, or set a stronger model in OPENAI_MODEL.',
};

export const truncated: Failure = {
  class: 'terminal',
  code: 'model_truncated',
  message: `The model’s answer was cut off at its length limit ${MAX_TRUNCATED} times running; nothing of it was carried out.`,
  hint: 'Ask for a smaller piece of work, or set a model with longer answers in OPENAI_MODEL.',
};

/** The failure after the last repair turn. */
export function resultInvalid(problem: string): Failure {
  return {
    class: 'terminal',
    code: 'result_invalid',
    message: `The agent ended without a usable result, after ${MAX_REPAIRS} corrections. ${problem}`,
    hint: 'What it wrote is kept in the worktree. A stronger model in OPENAI_MODEL usually helps.',
  };
}
