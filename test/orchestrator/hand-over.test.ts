import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startGitHub } from '../workspace/github.ts';
import { bench, git } from '../workspace/support.ts';

const VICTIM = fileURLToPath(new URL('./hand-over-victim.ts', import.meta.url));
const TOKEN = 'ghp_canary0123456789canary0123456789';
const saidSchema = z.object({
  answer: z.object({ done: z.string() }),
  handed: z.array(z.looseObject({ type: z.string() })),
  decisions: z.number(),
});

/** One life of the process; killed by `server.onAsked` or ended by itself. */
async function life(given: object): Promise<{ killed: boolean; said: string; pid: number | undefined }> {
  const child = spawn(process.execPath, [VICTIM, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  alive = child.pid ?? null;
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [, signal] = await once(child, 'close');
  return { killed: signal === 'SIGKILL', said: Buffer.concat(chunks).toString(), pid: child.pid };
}
let alive: number | null = null;

describe('a hand-over that is killed', () => {
  it.each([
    // The branch is pushed and nobody was asked for the pull request yet.
    ['between push and pull request', /^GET .*pulls$/, false],
    ['between opening it and hearing of it', /^POST .*pulls$/, true],
  ] as const)('%s leads to one branch and one pull request after a restart', async (_when, what, after) => {
    await using place = await bench();
    const server = await startGitHub();
    try {
      const remote = join(place.root, 'acme', 'web.git');
      git(place.root, 'clone', '-q', '--bare', place.repository, remote);
      git(place.repository, 'remote', 'add', 'origin', `file://${remote}`);
      const given = {
        home: place.home,
        repository: place.repository,
        server: `file://${place.root}`,
        api: server.url,
        token: TOKEN,
      };
      server.kill(what, after, () => {
        if (alive !== null) process.kill(alive, 'SIGKILL');
      });
      const first = await life(given);
      expect(first).toMatchObject({ killed: true, said: '' });
      expect(server.pulls).toHaveLength(after ? 1 : 0);
      const branches = git(remote, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/baton');
      expect(branches.split('\n')).toHaveLength(1);

      const second = await life(given);
      const said = saidSchema.parse(JSON.parse(second.said));
      expect(said).toMatchObject({ decisions: 1, handed: [{ type: 'handed.over', number: 482 }] });
      expect(server.pulls).toHaveLength(1);
      expect(git(remote, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/baton')).toBe(branches);
    } finally {
      await server.close();
    }
  });
});
