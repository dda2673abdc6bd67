/** How a person's command on a run ended. */
export const controls = [
  'done',
  'unknown',
  'not_yours',
  'not_allowed',
  'already',
  'replaced',
  'not_paused',
  /** Its budget is used up, and people are asked about that: going on changes nothing until they answer. */
  'at_budget',
] as const;
export type Control = (typeof controls)[number];

/** Why somebody may not start work, or look, here. */
export const startRefusals = [
  'guest',
  'stranger',
  'not_a_person',
  'repository',
  'role',
  'look',
  /** Nobody may: who may cannot be read. */
  'unreadable',
] as const;
export type StartRefusal = (typeof startRefusals)[number];
