import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const commandSchema = z.object({
  command: z.string().regex(/^\/\S{1,31}$/, 'a command is a slash and up to 31 characters'),
  description: z.string().max(2_000).default(''),
  usage_hint: z.string().max(1_000).default(''),
  should_escape: z.boolean().default(false),
});

const manifestSchema = z.object({
  display_information: z.object({ name: z.string().max(35) }),
  features: z
    .object({
      bot_user: z.object({ display_name: z.string().max(80) }).optional(),
      slash_commands: z.array(commandSchema).max(50).default([]),
    })
    .default({ slash_commands: [] }),
  settings: z
    .object({
      event_subscriptions: z.object({ bot_events: z.array(z.string()).default([]) }).optional(),
      interactivity: z.object({ is_enabled: z.boolean() }).optional(),
    })
    .default({}),
});

type SlashCommand = z.infer<typeof commandSchema>;

/** What the desk takes from an app's manifest. `null` means: no manifest, so everything is allowed. */
export type AppSetup = Readonly<{
  name: string;
  botName: string;
  commands: SlashCommand[];
  botEvents: ReadonlySet<string> | null;
  interactivity: boolean;
}>;

/**
 * Reads a Slack manifest.yml. Without one any slash command and every event passes.
 * Throws with the file's name and the field when the manifest is not one.
 */
export function readManifest(path: string | undefined): AppSetup {
  if (path === undefined) {
    return { name: 'Baton', botName: 'baton', commands: [], botEvents: null, interactivity: true };
  }
  const parsed = manifestSchema.safeParse(parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new Error(`The manifest ${path} is not valid: ${z.prettifyError(parsed.error)}`);
  const { display_information, features, settings } = parsed.data;
  const name = display_information.name;
  return {
    name,
    botName: features.bot_user?.display_name ?? name,
    commands: features.slash_commands,
    botEvents: new Set(settings.event_subscriptions?.bot_events ?? []),
    interactivity: settings.interactivity?.is_enabled ?? false,
  };
}
