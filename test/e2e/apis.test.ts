import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../desk/contract.ts';
import { Desk } from './support/desk.ts';
import { batonBranches, checkoutState, git, testsOf } from './support/git.ts';
import { branchIn, thread, wholeJob } from './support/job.ts';
import { World } from './support/processes.ts';

describe('with the variables set to a Slack and a model server of one’s own', () => {
  let world: World;
  let home: string;
  let repository: string;

  beforeEach(() => {
    world = new World();
    home = world.folder('home');
    repository = path.join(home, 'sample', 'reports');
  });
  afterEach(async () => {
    await world.clear();
  });

  /** What everybody can check of the job's end, in the channel and in git. */
  async function expectGoodEnd(desk: Desk, epic: Message, end: Message): Promise<void> {
    const branch = branchIn(end.text);
    expect(end.text).toMatch(/4 files, \+\d+ −\d+ · \d+ tests pass · 1 approval/);
    expect(batonBranches(repository)).toEqual([branch]);
    expect(git(repository, 'diff', '--name-only', 'main', branch).trim().split('\n')).toEqual([
      'src/export/csv.js',
      'src/index.js',
      'src/page.js',
      'test/csv.test.js',
    ]);
    expect(testsOf(repository, branch, world.folder('export'))).toContain('# fail 0');
    const said = (await thread(desk, epic)).join('\n');
    expect(said).toMatch(/❌ node --test fails[\s\S]*✅ node --test passes/);
    const stats = await desk.stats();
    expect(stats.doubledPosts).toBe(0);
    expect(Object.values(stats.calls).map(({ limited }) => limited)).toEqual(
      Object.values(stats.calls).map(() => 0),
    );
    expect(stats.unacked).toBe(0);
  }

  for (const api of ['responses', 'chat']) {
    it(`does the same job over Socket Mode with OPENAI_API=${api}`, async () => {
      const { file } = await world.desk('slack');
      const cast = await world.cast('model');
      const baton = await world.baton(home, {
        SLACK_BOT_TOKEN: file.botToken,
        SLACK_APP_TOKEN: file.appToken,
        SLACK_API_URL: file.apiUrl,
        OPENAI_BASE_URL: cast.url,
        OPENAI_API_KEY: 'sk-e2e',
        OPENAI_MODEL: 'a-model',
        OPENAI_API: api,
      });
      expect(baton.output()).toContain('Baton is connected to Rehearsal');
      expect(baton.output()).not.toContain('rehearsal cast');
      const before = checkoutState(repository);
      const desk = new Desk(file.url);
      const { epic, end } = await wholeJob(desk);
      await expectGoodEnd(desk, epic, end);
      // The server's words say that they are scripted; Baton itself knows nothing of a rehearsal here.
      expect(end.text).not.toContain('Rehearsal: scripted words');
      expect(checkoutState(repository)).toBe(before);
      expect(await baton.end('SIGTERM')).toBe(0);
      expect(baton.output()).not.toContain(file.botToken);
    });
  }

  it('does the same job over HTTP when only a signing secret is set', async () => {
    const port = await freePort();
    const { file } = await world.desk('slack', { DESK_REQUEST_URL: `http://127.0.0.1:${port}/slack/events` });
    const cast = await world.cast('model');
    const baton = await world.baton(home, {
      SLACK_BOT_TOKEN: file.botToken,
      SLACK_SIGNING_SECRET: file.signingSecret,
      SLACK_API_URL: file.apiUrl,
      OPENAI_BASE_URL: cast.url,
      PORT: String(port),
    });
    expect(baton.output()).toContain(`http://127.0.0.1:${port}`);
    const desk = new Desk(file.url);
    const { epic, end } = await wholeJob(desk);
    await expectGoodEnd(desk, epic, end);
    expect(await baton.end('SIGTERM')).toBe(0);
  });
});

/** A port nobody uses at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}
