import type { z } from 'zod';
import type { Channel, commandInputSchema, Person } from '../../contract.ts';
import type { Desk } from '../desk.ts';
import { ApiError } from '../errors.ts';
import { isJson, type Json } from '../json.ts';
import { issueResponseUrl, respond } from '../responses.ts';
import { commandChannelName } from '../shapes.ts';
import { canSee, join, notice, showChannel } from '../timeline.ts';
import { deliver, type Outcome, refusal } from './outcome.ts';
import { composed } from './text.ts';

type CommandInput = z.infer<typeof commandInputSchema>;

function named(desk: Desk, text: string): Person | undefined {
  const wanted = text.trim().replace(/^@/, '').toLowerCase();
  return desk.directory
    .people()
    .find((person) => person.name.toLowerCase() === wanted || text.trim() === `<@${person.id}>`);
}

/** Slack's own commands that a rehearsal needs; null for anything else. */
function builtIn(desk: Desk, input: CommandInput, channel: Channel): Outcome | null {
  switch (input.command) {
    case '/invite': {
      const person = named(desk, input.text);
      if (person === undefined) return refusal('user_not_found');
      join(desk, channel, person.id, input.user);
      return { ok: true };
    }
    case '/remove': {
      const person = named(desk, input.text);
      if (person === undefined) return refusal('user_not_found');
      desk.directory.leave(channel.id, person.id);
      break;
    }
    case '/archive':
    case '/unarchive':
      desk.directory.archive(channel.id, input.command === '/archive');
      break;
    default:
      return null;
  }
  const now = desk.directory.channel(channel.id);
  if (now !== undefined) showChannel(desk, now);
  return { ok: true };
}

function payload(desk: Desk, input: CommandInput, channel: Channel, person: Person): Json {
  const { teamId, teamDomain, appId, verification } = desk.identity;
  const setup = desk.setup.commands.find((command) => command.command === input.command);
  return {
    token: verification,
    team_id: teamId,
    team_domain: teamDomain,
    channel_id: channel.id,
    channel_name: commandChannelName(channel),
    user_id: person.id,
    user_name: person.name,
    command: input.command,
    text: setup?.should_escape ? composed(desk, input.text.trim()) : input.text.trim(),
    api_app_id: appId,
    is_enterprise_install: 'false',
    response_url: issueResponseUrl(desk, person.id, channel, null),
    trigger_id: desk.triggers.issue(person.id, null),
  };
}

function answerInChannel(desk: Desk, channel: Channel, user: string, ack: unknown): void {
  const body: Json | null = typeof ack === 'string' && ack !== '' ? { text: ack } : isJson(ack) ? ack : null;
  if (body === null || Object.keys(body).length === 0) return;
  const place = { channel: channel.id, user, messageTs: null, threadTs: null };
  try {
    respond(desk, place, body);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notice(desk, user, `The app's answer was refused: ${error.code}.`);
  }
}

/** Runs a slash command of `input.user` and waits for the app to acknowledge it. */
export async function runCommand(desk: Desk, input: CommandInput): Promise<Outcome> {
  const channel = desk.directory.channel(input.channel);
  const person = desk.directory.person(input.user);
  if (person === undefined) return refusal('user_not_found');
  if (channel === undefined || !canSee(desk, person.id, channel)) return refusal('channel_not_found');
  if (input.threadTs !== undefined) return refusal('command_not_supported_in_threads');
  const done = builtIn(desk, input, channel);
  if (done !== null) return done;
  if (channel.archived) return refusal('is_archived');
  const known = desk.setup.commands;
  const listed = known.some((command) => command.command === input.command);
  // Without a manifest the desk cannot know the app's commands, so each goes to the app.
  if (desk.setup.botEvents !== null && !listed) return refusal('unknown_command');
  const ack = await deliver(desk, 'slash_commands', payload(desk, input, channel, person));
  if ('ok' in ack) return ack;
  answerInChannel(desk, channel, person.id, ack.payload);
  return { ok: true };
}
