import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Decision, NewDecision } from '../ports/decisions.ts';

/** What a person decided about a run. @param intent of the click or words it was made by; null: that does not matter */
export function personDecision(
  id: string,
  kind: string,
  actor: string,
  choice: string,
  reason: string,
  intent: string | null = null,
): NewDecision {
  const evidence = intent === null ? {} : { intent: intentDigest(intent) };
  return { id, kind, actor, actorKind: 'person', choice, reason, alternatives: [], evidence };
}

/** Whether a decision was made by this very click, and not by one before it. */
export function isMadeBy(decision: Decision | null, intent: string | null): boolean {
  if (intent === null) return true;
  const made = madeBySchema.safeParse(decision?.evidence).data?.intent;
  return made === undefined || made === intentDigest(intent);
}

/** Decisions of earlier versions do not say by which click they were made. */
const madeBySchema = z.object({ intent: z.string() });

/** Short enough for an id, and the same whenever the intent is delivered. */
export function intentDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}
