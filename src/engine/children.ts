import { createHash } from 'node:crypto';
import { asJson, type Json } from '../domain/json.ts';
import { type Outcome, outcomeSchema } from '../domain/run.ts';

const PREFIX = 'child:';

/** The signal that tells a parent how its child ended. */
export function childSignal(childId: string): string {
  return `${PREFIX}${childId}`;
}

export function isChildSignal(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** A child's id follows from its parent's and the key: a replay finds the same child. */
export function childRunId(parentId: string, key: string): string {
  return `${parentId}.${createHash('sha256').update(key).digest('hex').slice(0, 10)}`;
}

/** How a child ended, as the payload of its signal, and back. */
export function outcomePayload(outcome: Outcome): Json {
  return asJson(outcome);
}

export function outcomeOf(payload: Json): Outcome {
  const parsed = outcomeSchema.safeParse(payload);
  if (parsed.success) return parsed.data;
  return {
    ok: false,
    failure: {
      class: 'structural',
      code: 'child_unreadable',
      message: 'The end of a child run cannot be read',
    },
  };
}
