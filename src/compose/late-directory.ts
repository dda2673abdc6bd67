import type { Directory } from '../ports/directory.ts';

/** Who people are is known once the chat is reached. Before that nothing can be told, and nobody may decide. */
export function lateDirectory(given: Directory | null) {
  let real = given;
  const known = async (): Promise<Directory> => {
    if (real === null) throw new Error('Nobody can say yet who people are');
    return real;
  };
  const directory: Directory = {
    person: async (user, team, fresh) => (await known()).person(user, team, fresh),
    members: async (group, team, fresh) => (await known()).members(group, team, fresh),
    zone: async (user, team) => (await known()).zone(user, team),
  };
  return {
    directory,
    connect: (to: Directory): void => {
      real ??= to;
    },
  };
}
