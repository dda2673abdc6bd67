import { z } from 'zod';
import { onConflictSchema, resolversOf } from './conflicts.ts';

/** Worktrees of one node: each is a copy of the repository's files. */
export const MOST_STREAMS = 100;

/** What an agent that resolves conflicts is asked, in the plan. */
const RESOLVE = 'Resolve what streams changed in the same places';

export const streamShape = {
  /** Whether what goes side by side has worktrees of its own, which are merged where it comes together. */
  streams: z.boolean().default(false),
  on_conflict: onConflictSchema.optional(),
} as const;

type Streamed = z.infer<z.ZodObject<typeof streamShape>>;

/** What is wrong with the streams of a node, by the key it stands under. */
export function streamProblems(
  { streams, on_conflict }: Streamed,
  count: number | null,
): { readonly path: string[]; readonly message: string }[] {
  if (!streams)
    return on_conflict === undefined
      ? []
      : [
          {
            path: ['on_conflict'],
            message: 'Only streams are merged. Write `streams: true` beside it, or leave it out.',
          },
        ];
  return count === null || count <= MOST_STREAMS
    ? []
    : [
        {
          path: ['streams'],
          message: `${count} streams are more than ${MOST_STREAMS}. Write fewer, or leave \`streams\` out.`,
        },
      ];
}

/** Agents that resolve conflicts, as a plan lists them. */
export function resolving({ on_conflict }: Streamed): { agent: string; task: string }[] {
  return resolversOf(on_conflict).map((agent) => ({ agent, task: RESOLVE }));
}
