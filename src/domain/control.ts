/** How a person's command on a run ended. */
export type Control = 'done' | 'unknown' | 'not_yours' | 'already' | 'not_paused';
