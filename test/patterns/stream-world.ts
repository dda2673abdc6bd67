import type { z } from 'zod';
import { takeSnapshot } from '../../src/ports/activities.ts';
import {
  closeStreams,
  followParent,
  mergeStream,
  openStream,
  saveState,
  takeIn,
} from '../../src/ports/stream-activities.ts';
import type { MergeOutcome } from '../../src/ports/workspace.ts';
import type { Effect } from './driver.ts';

/** Worktrees in memory, and whether anybody does in them what nobody may. */
export interface StreamWorld {
  readonly effects: Readonly<Record<string, Effect>>;
  /** Streams that are open. */
  readonly open: ReadonlySet<string>;
  /** What was asked of a worktree that is not there; a real one would refuse it. */
  readonly problems: readonly string[];
  readonly counts: { opened: number; merged: number; conflicts: number };
}

/**
 * @param chanceOf chance of an operation's own, by its key
 * @param conflicts part of the merges in which two sides meet
 */
export function streamWorld(chanceOf: (key: string) => () => number, conflicts = 0.3): StreamWorld {
  const open = new Set<string>();
  const problems: string[] = [];
  const counts = { opened: 0, merged: 0, conflicts: 0 };
  const there = (stream: string | null, what: string): void => {
    if (stream !== null && !open.has(stream)) problems.push(`${what} ${stream}`);
  };
  return {
    open,
    problems,
    counts,
    effects: {
      'stream.open': (input) => {
        const { stream, parent } = openStream.input.parse(input);
        there(parent, 'began from');
        open.add(stream);
        counts.opened += 1;
        return {};
      },
      'stream.save': (input, key) => {
        there(saveState.input.parse(input).stream, 'saved');
        return { commit: `c-${key}`, tree: `t-${key}` };
      },
      'stream.merge': (input, key) => {
        const asked = mergeStream.input.parse(input);
        there(asked.stream, 'merged');
        there(asked.into, 'merged into');
        const random = chanceOf(key.replace(/#\d+$/, ''));
        const meets = random() < conflicts;
        if (meets && asked.choices.length === 0) counts.conflicts += 1;
        else counts.merged += 1;
        return merged(asked, meets, random);
      },
      'workspace.snapshot': (input, key) => {
        there(takeSnapshot.input.parse(input).stream, 'worked in');
        return { commit: `c-${key}`, tree: `t-${key}` };
      },
      'stream.follow': (input) => {
        there(followParent.input.parse(input).stream, 'followed in');
        return {};
      },
      'stream.take-in': (input, key) => {
        const asked = takeIn.input.parse(input);
        there(asked.stream, 'taken in');
        return merged(asked, chanceOf(key.replace(/#\d+$/, ''))() < conflicts, chanceOf(`${key} files`));
      },
      'stream.sides': () => ({ files: [{ path: 'a.txt', first: '+a', second: '+b' }] }),
      'stream.marked': (_input, key) => ({ paths: chanceOf(key)() < 0.3 ? ['a.txt'] : [] }),
      'stream.undo': () => ({}),
      // Safe to repeat, and safe where the opening never came to its end.
      'stream.close': (input) => {
        const { streams } = closeStreams.input.parse(input);
        for (const stream of streams) open.delete(stream);
        return {};
      },
    },
  };
}

/** Two sides meet in one file at most; who settles it is what the first rule says. */
function merged(
  { rules, choices }: Pick<z.infer<typeof mergeStream.input>, 'rules' | 'choices'>,
  meets: boolean,
  random: () => number,
): MergeOutcome {
  const states = { before: 'b', second: 's' };
  const [rule] = rules;
  const [choice] = choices;
  if (meets && choice === undefined && rule !== undefined && rule.way !== 'first' && rule.way !== 'second') {
    const { way, agent } = rule;
    return {
      status: 'conflict',
      ...states,
      conflicts: [{ path: 'a.txt', kind: 'content', first: 'f', second: 's', way, agent }],
    };
  }
  const took = choice?.take ?? (rule?.way === 'second' ? 'second' : 'first');
  const by = choice === undefined ? ('rule' as const) : ('choice' as const);
  return {
    status: 'merged',
    commit: 'c',
    tree: 't',
    ...states,
    files: Math.floor(random() * 3),
    resolutions: meets ? [{ path: 'a.txt', kind: 'content', took, by }] : [],
  };
}
