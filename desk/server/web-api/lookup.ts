import type { Channel, Person } from '../../contract.ts';
import type { Desk } from '../desk.ts';
import { ApiError } from '../errors.ts';
import { openIm } from '../timeline.ts';

/** The channel the app means, by id or name; private ones exist for it only where the bot is a member. */
export function findChannel(desk: Desk, wanted: string): Channel {
  const bot = desk.identity.botUser;
  const name = wanted.replace(/^#/, '');
  const channel =
    desk.directory.channel(wanted) ??
    desk.directory.channels().find((candidate) => candidate.kind !== 'im' && candidate.name === name);
  if (channel === undefined) throw new ApiError('channel_not_found');
  if (channel.kind !== 'public' && !channel.members.includes(bot)) throw new ApiError('channel_not_found');
  return channel;
}

/** The channel of a post: also a person's id, which means their direct message with the app. */
export function findTarget(desk: Desk, wanted: string): Channel {
  const person = desk.directory.person(wanted);
  if (person !== undefined && person.id !== desk.identity.botUser) {
    return openIm(desk, desk.identity.botUser, person.id).channel;
  }
  return findChannel(desk, wanted);
}

/** Refuses where the app may not write. */
export function mustWrite(desk: Desk, channel: Channel): void {
  if (channel.archived) throw new ApiError('is_archived');
  if (!channel.members.includes(desk.identity.botUser)) throw new ApiError('not_in_channel');
}

/** A person by id; `user_not_found` otherwise. */
export function findPerson(desk: Desk, id: string): Person {
  const person = desk.directory.person(id);
  if (person === undefined) throw new ApiError('user_not_found');
  return person;
}
