import { createHash } from 'node:crypto';
import { asJson } from '../domain/json.ts';
import type { Steering } from '../domain/steering.ts';

/** Why a run that a person paused stands. */
export function byHand() {
  return {
    class: 'needs_person',
    code: 'paused_by_person',
    message: 'Paused by hand',
    hint: 'What was under way finishes and nothing new starts. Resume goes on from here.',
  } as const;
}

/** What a button or command says, as words would. */
export function steeringOf(kind: 'pause' | 'resume'): Steering {
  return {
    kind,
    sentiment: 'neutral',
    priority: 'normal',
    direction: null,
    target: null,
    agent: null,
    reason: null,
  };
}

/** What is kept of a person's words: how they were understood, and what was done about them. */
export function decisionOf(
  by: string,
  intent: string,
  steering: Steering,
  what: string,
  text: string | null,
) {
  const { kind, sentiment, priority, direction, target } = steering;
  return {
    id: decisionId(intent),
    kind: 'steering',
    actor: by,
    actorKind: 'person',
    choice: kind,
    reason: what,
    alternatives: [],
    evidence: asJson({ kind, sentiment, priority, direction, target, text }),
  } as const;
}

/** The same for the same words, however often they are delivered. */
export function decisionId(intent: string): string {
  return `dec_steer_${createHash('sha256').update(intent).digest('hex').slice(0, 20)}`;
}
