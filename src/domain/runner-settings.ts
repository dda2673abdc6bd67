import { z } from 'zod';

/** What role front matter and `runners:` may be called by; `model` is the loop of Baton's own. */
export const runnerNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'a runner’s name has lower-case letters, digits and dashes');

const common = {
  /** A program on the system's path, or an absolute path. */
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  /** On top of a clean environment. Seen by the program, so no place for secrets. */
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** What it may read beside the worktree: its own files, where they lie outside /usr. */
  reads: z.array(z.string().startsWith('/', 'must be an absolute path')).default([]),
  /** Whether it may speak to the configured model server, through Baton, which keeps the key. */
  model: z.boolean().default(false),
  /** Roles it plays, beside those whose front matter names it. */
  agents: z.array(z.string()).default([]),
};

/** How a program works in the place of a model: one JSON in and out, or the Agent Client Protocol. */
export const runnerSettingsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('command'), ...common }),
  z.strictObject({ kind: z.literal('acp'), ...common }),
]);
export type RunnerSettings = z.infer<typeof runnerSettingsSchema>;

/** `runners:` of baton.yaml. */
export const runnersSchema = z
  .record(runnerNameSchema, runnerSettingsSchema)
  .refine((runners) => !('model' in runners), '"model" is the name of Baton’s own loop')
  .refine((runners) => {
    const all = Object.values(runners).flatMap(({ agents }) => agents);
    return new Set(all).size === all.length;
  }, 'an agent can be played by one runner only');
export type Runners = Readonly<Record<string, RunnerSettings>>;
