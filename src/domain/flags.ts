import { z } from 'zod';
import { type BareIds, byIdIn, writtenId } from './slack-id.ts';

/** A name that rules can say as `flags.<name>`. */
export const flagNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, 'A flag is lower-case letters, digits and "_", at most 40');

/** `flags:` of the settings: what holds until somebody changes it in a channel. */
export const flagSettingsSchema = z.strictObject({
  defaults: z.record(flagNameSchema, z.boolean()).default({}),
  channels: z
    .record(writtenId('CG', 'A channel is its id, such as C0123ABCD'), z.record(flagNameSchema, z.boolean()))
    .default({}),
});
export type FlagSettings = z.infer<typeof flagSettingsSchema>;

/** As they hold in a workspace, by ids of its channels. @param team its key */
export function flagSettingsIn(settings: FlagSettings, team: string, bareIds: BareIds): FlagSettings {
  return { ...settings, channels: byIdIn(settings.channels, team, bareIds) };
}

/** A flag as it was set in a channel. */
export interface Flag {
  readonly name: string;
  readonly on: boolean;
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What holds in a channel: what was set there, else what the settings say of it, else of all. */
export function flagsIn(
  settings: FlagSettings,
  channel: string,
  set: readonly Flag[],
): Record<string, boolean> {
  const here = Object.hasOwn(settings.channels, channel) ? settings.channels[channel] : undefined;
  return {
    ...settings.defaults,
    ...here,
    ...Object.fromEntries(set.map(({ name, on }) => [name, on])),
  };
}
