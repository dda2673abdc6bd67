import { createHash } from 'node:crypto';
import { canonicalJson, jsonSchema } from '../../domain/json.ts';
import type { ModelTurnInput, ModelTurnOutput } from '../activities.ts';

/** Where answers are kept. */
export interface AnswerStore {
  get(digest: string): Promise<string | null>;
  put(digest: string, reply: string): Promise<void>;
}

/** Answers that may be given again, and what they are bound to beside what was asked. */
export interface AnswerCache {
  readonly store: AnswerStore;
  /** The repository a run works on; null when it is not known, and nothing is kept. */
  readonly repositoryOf: (runId: string) => Promise<string | null>;
}

/** Tools that change nothing: a turn that may call others is never answered from what was kept. */
const READING: ReadonlySet<string> = new Set(['list', 'read', 'search']);
/** What the redactor leaves where a secret was: two texts that differ there must not share an answer. */
const MARK = '[redacted]';
/** Raised when what a digest is made of changes its meaning. */
const VERSION = 1;

/**
 * The digest over everything that was asked, of whom, and where; null when the turn must be asked anew: it may change
 * something, or a secret was cut out of it.
 * @param model with its server
 */
export function answerDigest(input: ModelTurnInput, model: string, repository: string): string | null {
  if (input.tools.some(({ name }) => !READING.has(name))) return null;
  const asked = canonicalJson(jsonSchema.parse({ version: VERSION, repository, server: model, ...input }));
  return asked.includes(MARK) ? null : createHash('sha256').update(asked).digest('hex');
}

/** Whether an answer may be kept: whole, and nothing was cut out of it. */
export function worthKeeping(output: ModelTurnOutput): boolean {
  return output.finish !== 'length' && !JSON.stringify(output).includes(MARK);
}
