import { z } from 'zod';
import type { Desk } from '../desk.ts';
import { ApiError } from '../errors.ts';
import type { Json } from '../json.ts';
import { apiUser } from '../shapes.ts';
import { countArg, paginate, readArgs } from './args.ts';
import { findChannel, findPerson } from './lookup.ts';
import type { Methods } from './method.ts';

const userSchema = z.object({ user: z.string() });
const pageSchema = z.object({ limit: countArg.default(200), cursor: z.string().optional() });
const groupSchema = z.object({ usergroup: z.string() });
const reactionSchema = z.object({ channel: z.string(), timestamp: z.string(), name: z.string() });

function listUsers(desk: Desk, args: Json): Json {
  const input = readArgs(pageSchema, args);
  const { page, next } = paginate(desk.directory.people(), input.limit, input.cursor);
  return { members: page.map((person) => apiUser(desk, person)), response_metadata: { next_cursor: next } };
}

function listGroups(desk: Desk): Json {
  const usergroups = desk.directory.groups().map((group) => ({
    id: group.id,
    team_id: desk.identity.teamId,
    is_usergroup: true,
    name: group.handle,
    handle: group.handle,
    user_count: group.users.length,
    users: group.users,
  }));
  return { usergroups };
}

function groupUsers(desk: Desk, args: Json): Json {
  const { usergroup } = readArgs(groupSchema, args);
  const group = desk.directory.groups().find((candidate) => candidate.id === usergroup);
  if (group === undefined) throw new ApiError('no_such_subteam');
  return { users: group.users };
}

const reactionRow = z.object({ name: z.string(), users: z.array(z.string()), count: z.number() });

function addReaction(desk: Desk, args: Json): Json {
  const { channel: wanted, timestamp, name } = readArgs(reactionSchema, args);
  const channel = findChannel(desk, wanted);
  if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(name)) throw new ApiError('invalid_name');
  if (channel.archived) throw new ApiError('is_archived');
  const message = desk.messages.get(channel.id, timestamp);
  if (message === undefined || message.deleted || message.ephemeralFor !== null) {
    throw new ApiError('message_not_found');
  }
  const bot = desk.identity.botUser;
  const reactions = z.array(reactionRow).parse(message.reactions);
  const found = reactions.find((reaction) => reaction.name === name);
  if (found?.users.includes(bot)) throw new ApiError('already_reacted');
  if (found === undefined) reactions.push({ name, users: [bot], count: 1 });
  else {
    found.users.push(bot);
    found.count += 1;
  }
  desk.messages.react(channel.id, timestamp, reactions);
  return {};
}

export const peopleMethods: Methods = {
  'users.info': {
    tier: 'tier4',
    token: 'bot',
    run: (desk, args) => ({ user: apiUser(desk, findPerson(desk, readArgs(userSchema, args).user)) }),
  },
  'users.list': { tier: 'tier2', token: 'bot', run: listUsers },
  'usergroups.list': { tier: 'tier2', token: 'bot', run: listGroups },
  'usergroups.users.list': { tier: 'tier2', token: 'bot', run: groupUsers },
  'reactions.add': { tier: 'tier3', token: 'bot', run: addReaction },
};
