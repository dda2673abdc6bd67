import { expect } from 'vitest';
import type { Reached } from './model.ts';
import { playDeeds } from './play-deeds.ts';

/**
 * Deeds in one file of the normal suite. There are two such files, for two workers: a deed takes a fifth of a
 * millisecond, nearly all of it Baton's own code and SQLite's, so that is what 50,000 of them in ten seconds cost.
 */
export const DEEDS = 50_000;
const WORLDS = 5;
const RESTART_EVERY = 1_000;

/** Plays them, and sees to it that each thing that can happen did. */
export async function playHalf(half: number): Promise<void> {
  const reached: Reached = new Map();
  for (let world = 1; world <= WORLDS; world += 1)
    for (const [what, count] of await playDeeds(
      half * 1_000_000 + world * 1_000,
      DEEDS / WORLDS,
      RESTART_EVERY,
    ))
      reached.set(what, (reached.get(what) ?? 0) + count);
  // Passing by never coming to the point would show here.
  for (const what of [
    'vote',
    'approved',
    'rejected',
    'changes_requested',
    'taken',
    'glass',
    'ended expired',
    'ended lapsed',
    'ended voided',
    'ended taken',
    'not taken right_lost',
    'not taken content_changed',
    'not taken already_taken',
    'not taken lapsed',
    'take in trouble',
    'refused already_decided',
    'refused already_voted',
    'refused expired',
    'refused not_eligible',
    'refused requester',
    'refused last_editor',
    'refused not_a_person',
    'refused guest',
    'refused stranger',
    'refused other_team',
    'refused content_changed',
    'refused policy_error',
    'refused unchecked',
    'approval.reminded',
    'approval.raised',
    'approval.escalated approver',
    'approval.escalated deputy',
    'approval.called',
    'asked in the place of somebody',
    'went on',
    'came back',
    'expired after people were asked',
    'delegation',
    'delegation back and forth',
    'delegation in trouble',
    'delegation own_role',
    'delegation outsider',
    'delegation self',
    'delegation past',
    'vote in the place of somebody',
    'the requester stands in, and is refused',
    'not taken: a place was lost',
    'a rollback moved on',
    'not taken: it moved on',
    ...['files', 'branch', 'position', 'status', 'definition', 'policy'].map((what) => `moved ${what}`),
    'a budget answered twice',
    'budget raised',
    'budget rejected',
    'budget changes_requested',
    'budget expired',
    'budget pending',
  ])
    expect(reached.get(what) ?? 0, what).toBeGreaterThan(0);
}
