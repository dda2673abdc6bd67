import type { Person } from '../contract.ts';
import type { Identity } from './desk.ts';
import { newId } from './ids.ts';
import type { AppSetup } from './manifest.ts';
import { type Db, setting } from './store/database.ts';
import type { Directory } from './store/directory.ts';

const PEOPLE = [
  { name: 'alice', realName: 'Alice', timeZone: 'Europe/London', isGuest: false },
  { name: 'bob', realName: 'Bob', timeZone: 'America/New_York', isGuest: false },
  { name: 'carol', realName: 'Carol', timeZone: 'Asia/Tokyo', isGuest: false },
  { name: 'dave', realName: 'Dave', timeZone: 'Europe/Berlin', isGuest: true },
] as const;

/** The workspace's own ids, made once and kept in its file. */
export function identityOf(db: Db): Identity {
  const id = (key: string, prefix: string): string => setting(db, key, () => newId(prefix));
  return {
    teamId: id('team', 'T'),
    teamName: 'Rehearsal',
    teamDomain: 'rehearsal',
    appId: id('app', 'A'),
    botUser: id('bot_user', 'U'),
    botId: id('bot', 'B'),
    verification: setting(db, 'verification', () => newId('').toLowerCase()),
  };
}

/**
 * People, channels and a user group of a first start; later starts only bring the bot's name up to date.
 * @param members how many more there are than the usual ones
 */
export function seed(
  directory: Directory,
  identity: Identity,
  setup: AppSetup,
  now: number,
  members = 0,
): void {
  const bot = identity.botUser;
  directory.savePerson({
    id: bot,
    name: setup.botName,
    realName: setup.name,
    isBot: true,
    isGuest: false,
    timeZone: 'Etc/UTC',
  });
  if (directory.people().length > 1) return;
  const ids = new Map<string, string>();
  const more = Array.from({ length: members }, (_, i) => `member${i + 1}`);
  const others = more.map((name) => ({ name, realName: name, timeZone: 'Etc/UTC', isGuest: false }));
  for (const entry of [...PEOPLE, ...others]) {
    const person: Person = { ...entry, id: newId('U'), isBot: false };
    ids.set(person.name, person.id);
    directory.savePerson(person);
  }
  const idsOf = (...names: string[]): string[] => names.flatMap((name) => ids.get(name) ?? []);
  const created = Math.floor(now / 1000);
  const add = (name: string, kind: 'public' | 'private', members: string[]): void => {
    const prefix = kind === 'public' ? 'C' : 'G';
    directory.addChannel({ id: newId(prefix), name, kind, members, archived: false }, created);
  };
  add('general', 'public', [bot, ...idsOf('alice', 'bob', 'carol', 'dave')]);
  add('baton-epics', 'public', [bot, ...idsOf('alice', 'bob', 'carol', ...more)]);
  add('random', 'public', idsOf('alice', 'bob', 'carol'));
  add('escalations', 'private', [bot, ...idsOf('alice', 'bob')]);
  directory.addGroup({ id: newId('S'), handle: 'releasers', users: idsOf('bob', 'carol') });
}
