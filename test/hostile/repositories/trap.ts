import type { Ground } from './ground.ts';

/** What `inspect` and a whole run come to. */
export type End =
  /** A branch with the change on it. */
  | 'done'
  /** `inspect` names a problem, or a step fails with a code of ours; nothing else. */
  | { readonly refused: RegExp };

export interface Trap {
  readonly name: string;
  readonly set: (place: Ground) => void;
  /** Shows that the trap is one: with plain git the canary runs, or, where no program is in play, the shape is there. */
  readonly fires: (place: Ground) => void;
  readonly programs: boolean;
  readonly end: End;
}

/** A trap in which a program waits to be run. */
export function runs(
  name: string,
  set: (place: Ground) => void,
  fires: (place: Ground) => void,
  end: End = 'done',
): Trap {
  return { name, set, fires, programs: true, end };
}

/** A repository of an odd shape; `fires` throws where it has not got that shape. */
export function shape(
  name: string,
  set: (place: Ground) => void,
  fires: (place: Ground) => void,
  end: End = 'done',
): Trap {
  return { name, set, fires, programs: false, end };
}
