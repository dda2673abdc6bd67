import { createServer } from 'node:http';
import { z } from 'zod';

/** What the workspace says of somebody; what is left out is an ordinary member. */
export interface Member {
  readonly deleted?: boolean;
  readonly is_bot?: boolean;
  readonly is_restricted?: boolean;
  readonly is_ultra_restricted?: boolean;
  readonly is_stranger?: boolean;
  readonly team_id?: string;
}

/** Slack's answers about people and groups, over HTTP, as a test changes them. Everybody is a member unless named. */
export async function startMembers(team: string) {
  const people = new Map<string, Member>();
  const groups = new Map<string, readonly string[]>();
  const state = { down: false, asked: 0 };
  const answer = (method: string, asked: URLSearchParams): object => {
    if (state.down) return { ok: false, error: 'internal_error' };
    if (method === 'users.info') {
      const id = asked.get('user') ?? '';
      return { ok: true, user: { id, team_id: team, ...people.get(id) } };
    }
    const members = groups.get(asked.get('usergroup') ?? '');
    return members === undefined ? { ok: false, error: 'no_such_subteam' } : { ok: true, users: members };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      state.asked += 1;
      const asked = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer(request.url?.split('/').at(-1) ?? '', asked)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}/api/`,
    people,
    groups,
    state,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
