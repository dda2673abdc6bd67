import { mention, mk, short } from './text.ts';

interface Shown {
  readonly name: string;
  readonly on: boolean;
  readonly set: { readonly by: string; readonly at: number } | null;
}

/** Of a channel's flags; the rest is counted. */
const SHOWN = 40;

/** The flags of a channel, one per line. */
export function flagsWords(flags: readonly Shown[]): string {
  if (flags.length === 0)
    return 'No flags here. `/orchestrate flag new_checkout on` sets one, and rules of workflows may ask for `flags.new_checkout`.';
  const lines = flags
    .slice(0, SHOWN)
    .map(({ name, on, set }) =>
      set === null
        ? mk`\`${name}\` is ${on ? 'on' : 'off'} (baton.yaml)`
        : mk`\`${name}\` is ${on ? 'on' : 'off'} (${mention(set.by)})`,
    );
  const more = flags.length - SHOWN;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/** Short answers to the command. */
export const flagWords = {
  usage:
    'Like this: `/orchestrate flag` shows them, `/orchestrate flag new_checkout on` switches one. Nothing was changed.',
  name: (name: string) =>
    mk`${short(name, 60)} is no name for a flag: lower-case letters, digits and "_", such as new_checkout. Nothing was changed.`,
  forbidden:
    'Only those who may approve work here can switch flags. Nothing was changed; you can ask one of them.',
  set: (name: string, on: boolean) =>
    mk`\`${name}\` is ${on ? 'on' : 'off'} in this channel for whatever asks from now on. What a run has read already stays as it was read.`,
} as const;
