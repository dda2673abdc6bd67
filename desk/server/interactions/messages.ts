import type { z } from 'zod';
import type { messageInputSchema } from '../../contract.ts';
import type { Desk } from '../desk.ts';
import { openIm, post } from '../timeline.ts';
import { type Outcome, refusal } from './outcome.ts';
import { composed } from './text.ts';

/** A person writes in a channel, a thread or a direct message. */
export function runMessage(desk: Desk, input: z.infer<typeof messageInputSchema>): Outcome {
  const channel = desk.directory.channel(input.channel);
  if (channel === undefined || !channel.members.includes(input.user)) return refusal('channel_not_found');
  if (channel.archived) return refusal('is_archived');
  const command = /^\/\S+/.exec(input.text)?.[0];
  if (command !== undefined && input.threadTs !== undefined) {
    const known = desk.setup.commands.some((candidate) => candidate.command === command);
    if (known || desk.setup.botEvents === null) return refusal('command_not_supported_in_threads');
  }
  const parent = input.threadTs === undefined ? null : desk.messages.get(channel.id, input.threadTs);
  if (parent === undefined || (parent !== null && parent.ephemeralFor !== null)) {
    return refusal('thread_not_found');
  }
  const message = post(desk, channel, {
    threadTs: parent === null ? null : (parent.threadTs ?? parent.ts),
    user: input.user,
    byApp: false,
    text: composed(desk, input.text),
    blocks: [],
    attachments: [],
    metadata: null,
    ephemeralFor: null,
  });
  return { ok: true, ts: message.ts };
}

/** Opens the direct message of two people, one of whom may be the app. */
export function runDm(desk: Desk, user: string, other: string): Outcome {
  const both = [user, other].map((id) => desk.directory.person(id));
  if (both.includes(undefined) || user === other) return refusal('user_not_found');
  return { ok: true, channel: openIm(desk, user, other).channel.id };
}
