export type Shape = 'work' | 'command' | 'question' | 'choice' | 'vote' | 'point' | 'end';
export interface Box {
  readonly type: 'box';
  readonly shape: Shape;
  /** What it is called, then what it does. */
  readonly text: readonly string[];
}
/**
 * A workflow as it is drawn, whatever draws it. Each picture has one way in and one way out, so that pictures can be
 * put into one another.
 */
export type Picture =
  | Box
  | { readonly type: 'column'; readonly parts: readonly Picture[] }
  /** A way without a part leads straight to the foot. */
  | {
      readonly type: 'fork';
      readonly head: Box;
      readonly ways: readonly Way[];
      readonly foot: Box;
    }
  /** `check` follows `body` and leads on, or by way of `repair` back to the beginning. */
  | {
      readonly type: 'cycle';
      readonly body: Picture | null;
      readonly check: Box;
      readonly again: string;
      readonly repair: Picture | null;
      readonly done: string;
    };

/** More branches or stages than these make a picture that nobody can read; the rest is counted. */
const MOST_WAYS = 12;
const MOST_STAGES = 100;
/** One of the ways of a fork. */
export type Way = { readonly label: string; readonly part: Picture | null };

export function box(shape: Shape, ...text: string[]): Box {
  return { type: 'box', shape, text: text.filter((line) => line !== '') };
}

export function column(parts: readonly Picture[]): Picture {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const more = parts.length - MOST_STAGES;
  const rest = more > 0 ? [box('point', `and ${more} more`)] : [];
  return {
    type: 'column',
    parts: parts.length === 0 ? [box('point')] : [...parts.slice(0, MOST_STAGES), ...rest],
  };
}

export function fork(head: Box, ways: readonly Way[], foot: Box = box('point')): Picture {
  const more = ways.length - MOST_WAYS;
  const rest: Way[] = more > 0 ? [{ label: '', part: box('point', `and ${more} more`) }] : [];
  return { type: 'fork', head, ways: [...ways.slice(0, MOST_WAYS), ...rest], foot };
}
