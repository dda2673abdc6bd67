import type { RunEvent } from '../domain/events.ts';
import { streamLabel } from '../domain/stream.ts';
import { list } from './format.ts';

/** Files named in one line; the rest is counted. */
const FILES_NAMED = 5;

/** What the thread tells of streams: that they will meet, how a conflict was resolved, that a point was reached. */
export function streamWords(
  event: Extract<
    RunEvent,
    { type: 'stream.meets' | 'conflict.resolved' | 'sync.reached' | 'dependency.declared' }
  >,
): string {
  switch (event.type) {
    case 'stream.meets':
      return `${streamLabel(event.stream)} and ${streamLabel(event.other)} both changed ${list(event.paths, FILES_NAMED)} in the same places. Both go on; it is settled when they are merged.`;
    case 'conflict.resolved':
      return `Merging ${streamLabel(event.stream)}, ${event.path}: ${tookWords(event.took)}${byWords(event)}.`;
    case 'sync.reached':
      return `${event.point} reached by ${list(event.participants, FILES_NAMED)}${event.kind === 'integration' ? '; their work is merged' : ''}.`;
    case 'dependency.declared':
      return `${event.task} waits for ${event.needs}: ${event.why} What is left goes on as ${list(event.order, FILES_NAMED)}.`;
    default:
      return event satisfies never;
  }
}

function tookWords(took: 'first' | 'second' | 'both' | 'edited'): string {
  switch (took) {
    case 'first':
      return 'what was there before is kept';
    case 'second':
      return 'what came in is kept';
    case 'both':
      return 'both are kept, under names of their own';
    case 'edited':
      return 'both sides were joined';
    default:
      return took satisfies never;
  }
}

function byWords({ by, who }: Extract<RunEvent, { type: 'conflict.resolved' }>): string {
  if (by === 'rule') return ' (as the workflow says)';
  // People are named as people, where the sentence is shown.
  return by === 'person' ? '' : ` (by ${who ?? 'an agent'})`;
}
