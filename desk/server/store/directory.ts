import { z } from 'zod';
import type { Channel, Person } from '../../contract.ts';
import type { Db } from './database.ts';

export type UserGroup = Readonly<{ id: string; handle: string; users: string[] }>;

const personRow = z
  .object({
    id: z.string(),
    name: z.string(),
    real_name: z.string(),
    is_bot: z.number(),
    is_guest: z.number(),
    time_zone: z.string(),
  })
  .transform(
    (row): Person => ({
      id: row.id,
      name: row.name,
      realName: row.real_name,
      isBot: row.is_bot === 1,
      isGuest: row.is_guest === 1,
      timeZone: row.time_zone,
    }),
  );

const channelRow = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['public', 'private', 'im']),
  archived: z.number(),
});

const groupRow = z
  .object({ id: z.string(), handle: z.string(), users: z.string() })
  .transform((row): UserGroup => ({ ...row, users: row.users.split(',').filter((user) => user !== '') }));

/** Who and what there is: people, channels with their members, user groups. */
export type Directory = ReturnType<typeof openDirectory>;

export function openDirectory(db: Db) {
  const sql = {
    people: db.prepare('SELECT * FROM people ORDER BY is_bot, name'),
    person: db.prepare('SELECT * FROM people WHERE id = ?'),
    addPerson: db.prepare('INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?)'),
    channels: db.prepare('SELECT * FROM channels ORDER BY kind DESC, created, name'),
    channel: db.prepare('SELECT * FROM channels WHERE id = ?'),
    addChannel: db.prepare('INSERT INTO channels (id, name, kind, created) VALUES (?, ?, ?, ?)'),
    archive: db.prepare('UPDATE channels SET archived = ? WHERE id = ?'),
    members: db.prepare('SELECT user FROM members WHERE channel = ? ORDER BY user').pluck(),
    isMember: db.prepare('SELECT 1 FROM members WHERE channel = ? AND user = ?').pluck(),
    join: db.prepare('INSERT OR IGNORE INTO members VALUES (?, ?)'),
    leave: db.prepare('DELETE FROM members WHERE channel = ? AND user = ?'),
    groups: db.prepare('SELECT * FROM user_groups ORDER BY handle'),
    addGroup: db.prepare('INSERT INTO user_groups VALUES (?, ?, ?)'),
    im: db
      .prepare(
        `SELECT c.id FROM channels c JOIN members a ON a.channel = c.id AND a.user = ?
         JOIN members b ON b.channel = c.id AND b.user = ? WHERE c.kind = 'im'`,
      )
      .pluck(),
  };
  const members = (channel: string): string[] => z.array(z.string()).parse(sql.members.all(channel));
  const toChannel = (row: unknown): Channel => {
    const { archived, ...rest } = channelRow.parse(row);
    return { ...rest, archived: archived === 1, members: members(rest.id) };
  };
  return {
    people: (): Person[] => sql.people.all().map((row) => personRow.parse(row)),
    person(id: string): Person | undefined {
      const row: unknown = sql.person.get(id);
      return row === undefined ? undefined : personRow.parse(row);
    },
    savePerson(p: Person): void {
      sql.addPerson.run(p.id, p.name, p.realName, p.isBot ? 1 : 0, p.isGuest ? 1 : 0, p.timeZone);
    },
    channels: (): Channel[] => sql.channels.all().map(toChannel),
    channel(id: string): Channel | undefined {
      const row: unknown = sql.channel.get(id);
      return row === undefined ? undefined : toChannel(row);
    },
    /** Adds a channel; `created` is seconds since the epoch. */
    addChannel(channel: Channel, created: number): void {
      sql.addChannel.run(channel.id, channel.name, channel.kind, created);
      for (const user of channel.members) sql.join.run(channel.id, user);
    },
    archive: (id: string, archived: boolean): void => void sql.archive.run(archived ? 1 : 0, id),
    isMember: (channel: string, user: string): boolean => sql.isMember.get(channel, user) !== undefined,
    /** True when the person was not a member before. */
    join: (channel: string, user: string): boolean => sql.join.run(channel, user).changes > 0,
    leave: (channel: string, user: string): boolean => sql.leave.run(channel, user).changes > 0,
    /** The direct message of two people, when there is one. */
    im(a: string, b: string): string | undefined {
      const id: unknown = sql.im.get(a, b);
      return typeof id === 'string' ? id : undefined;
    },
    groups: (): UserGroup[] => sql.groups.all().map((row) => groupRow.parse(row)),
    addGroup: (group: UserGroup): void =>
      void sql.addGroup.run(group.id, group.handle, group.users.join(',')),
  };
}
