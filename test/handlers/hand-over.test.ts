import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPolicy } from '../../src/policy/approval-settings.ts';
import { type GitHubShaped, startGitHub } from '../workspace/github.ts';
import { git } from '../workspace/support.ts';
import { startWorld, until, type World } from './world.ts';

const TOKEN = 'ghp_canary0123456789canary0123456789';

let w: World;
let server: GitHubShaped;
let root: string;
let remote: string;
beforeAll(async () => {
  server = await startGitHub();
  root = mkdtempSync(join(tmpdir(), 'hand-over-'));
  const repository = join(root, 'web');
  remote = join(root, 'acme', 'web.git');
  mkdirSync(repository);
  git(repository, 'init', '-q', '-b', 'main');
  writeFileSync(join(repository, 'README.md'), 'hello\n');
  git(repository, 'add', '-A');
  git(repository, 'commit', '-q', '-m', 'First');
  git(root, 'clone', '-q', '--bare', repository, remote);
  git(repository, 'remote', 'add', 'origin', `file://${remote}`);
  w = await startWorld({
    more: async () => ({
      repository,
      github: { server: `file://${root}`, api: server.url, token: TOKEN },
      // Whoever asks for a hand-over is not the one who allows it.
      policy: readPolicy({ triggers: [{ when: 'hand_over', four_eyes: true }] }, {}),
    }),
  });
});
afterAll(async () => {
  await w.close();
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

/** A run of alice's to its end, which bob allows: its epic. */
async function ended(request: string) {
  await w.command('alice', `ask ${request}`);
  const epic = await w.find('alice', new RegExp(`${request}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  await w.click('bob', await w.find('bob', /Keep it\?/, epic.ts), 'approval_approve');
  const card = async () => (await w.seen('alice')).find(({ ts }) => ts === epic.ts) ?? epic;
  await until(async () => JSON.stringify((await card()).blocks).includes('run_hand_over'));
  return { epic, card };
}

test('by button: asked where the policy says so, pushed once, and the card shows the pull request', async () => {
  const { epic, card } = await ended('something small');
  expect((await card()).text).not.toContain('Pull request');
  await w.click('bob', await card(), 'run_hand_over');
  await w.find('bob', 'who asked for this', epic.ts);
  await w.click('alice', await card(), 'run_hand_over');
  await w.find('alice', 'Being handed over', epic.ts);
  const question = await w.find('bob', /Hand baton\/something-small-\w+ over\?/, epic.ts);
  await w.click('alice', await card(), 'run_hand_over');
  await w.find('alice', 'It is being handed over', epic.ts);
  await w.click('alice', question, 'approval_approve');
  expect(server.asked).toEqual([]);
  await w.click('bob', question, 'approval_approve');
  await until(async () => JSON.stringify((await card()).blocks).includes('Pull request #482'));
  expect(JSON.stringify((await card()).blocks)).toContain('https://github.example.com/pull/482');
  expect(server.pulls).toMatchObject([{ title: 'something small', base: 'main' }]);
  const [pull] = server.pulls;
  expect(git(remote, 'rev-parse', '--verify', pull?.head ?? '')).toMatch(/^[0-9a-f]{40}$/);
  expect(pull?.body).toContain('**Decisions**');
  expect(pull?.body).toMatch(/\d UTC: U\w+ approved “Keep it\?”/);
  expect(pull?.body).toMatch(/\d UTC: U\w+ approved “Hand baton\/something-small-\w+ over\?”/);
  expect(pull?.body).toMatch(/\d UTC: U\w+ decided, hand-over: hand over/);
  expect(pull?.body).toContain('**Cost** $0.00');
  expect(server.asked.every(({ authorization }) => authorization.includes(TOKEN))).toBe(true);

  // Once more, by words: the same one is brought up to date.
  await w.write('alice', '@Baton hand it over', epic);
  const again = await w.find('bob', /Hand baton\/something-small-\w+ over\?/, question.ts);
  await w.click('bob', again, 'approval_approve');
  await until(async () => server.asked.some(({ what }) => what.startsWith('PATCH')));
  expect(server.pulls).toHaveLength(1);
});

test.each([
  [401, /does not accept the token\. The branch is pushed and stays\. Set GITHUB_TOKEN/],
  [422, /takes no pull request for this branch\. The branch is pushed/],
])('what GitHub’s %i means is told in the thread, and it can be handed over again', async (status, words) => {
  const { epic, card } = await ended(`case ${status}`);
  server.fail(/^POST/, status);
  const before = server.pulls.length;
  await w.click('alice', await card(), 'run_hand_over');
  await w.click('bob', await w.find('bob', /^.*Hand baton.* over\?/s, epic.ts), 'approval_approve');
  const told = await w.find('alice', words, epic.ts);
  expect(told.text).toContain('could not be finished');
  expect(told.text).not.toContain(TOKEN);
  expect(server.pulls).toHaveLength(before);
  expect((await card()).text).not.toContain('Pull request');
});

test('a branch that moved after it was shown is asked about again, and over other commits nothing is pushed', async () => {
  const { epic, card } = await ended('moved');
  await w.click('alice', await card(), 'run_hand_over');
  const question = await w.find('bob', /Hand baton\/moved-\w+ over\?/, epic.ts);
  const branch = /baton\/moved-\w+/.exec(question.text)?.[0] ?? '';
  const repository = join(root, 'web');
  const other = git(repository, 'commit-tree', '-m', 'more', '-p', branch, `${branch}^{tree}`);
  git(repository, 'update-ref', `refs/heads/${branch}`, other);
  await w.click('bob', question, 'approval_approve');
  await w.find('alice', /changed after it was shown.*it is asked again/, question.ts);
  expect(() => git(remote, 'rev-parse', '--verify', branch)).toThrow();
  // Somebody else's commits are on that branch of the remote.
  const theirs = git(remote, 'commit-tree', '-m', 'theirs', '-p', 'main', 'main^{tree}');
  git(remote, 'update-ref', `refs/heads/${branch}`, theirs);
  await w.click('bob', await w.find('bob', /Hand baton.* over\?/s, question.ts), 'approval_approve');
  await w.find('alice', /holds other commits, which were left as they are/, question.ts);
  expect(git(remote, 'rev-parse', branch)).toBe(theirs);
});

test.each([
  ['url', (to: string) => ['remote.origin.url', to]],
  ['pushurl', (to: string) => ['remote.origin.pushurl', to]],
  ['instead', (to: string, from: string) => [`url.${to}.insteadOf`, from]],
  ['push instead', (to: string, from: string) => [`url.${to}.pushInsteadOf`, from]],
])(
  'the address changed by %s after it was shown: the yes is void, and it is asked again',
  async (how, setting) => {
    const repository = join(root, 'web');
    const { epic, card } = await ended(`address by ${how}`);
    await w.click('alice', await card(), 'run_hand_over');
    const words = /Hand baton\/address-by-[\w-]+ over\?/;
    const question = await w.find('bob', words, epic.ts);
    expect(JSON.stringify(question.blocks)).toContain(`to file://${remote}`);
    const branch = /baton\/address-by-[\w-]+/.exec(question.text)?.[0] ?? '';
    const elsewhere = join(root, 'acme', `${how.replace(' ', '-')}.git`);
    git(root, 'clone', '-q', '--bare', '--single-branch', repository, elsewhere);
    const [key = '', value = ''] = setting(`file://${elsewhere}`, `file://${remote}`);
    git(repository, 'config', key, value);
    try {
      await w.click('bob', question, 'approval_approve');
      await w.find('alice', /changed after it was shown.*it is asked again/, question.ts);
      for (const place of [remote, elsewhere])
        expect(() => git(place, 'rev-parse', '--verify', branch)).toThrow();
      const again = await w.find('bob', words, question.ts);
      expect(JSON.stringify(again.blocks)).toContain(`to file://${elsewhere}`);
      await w.click('bob', again, 'approval_approve');
      await until(async () => JSON.stringify((await card()).blocks).includes('Pull request #'));
      expect(git(elsewhere, 'rev-parse', branch)).toBe(git(repository, 'rev-parse', branch));
      expect(() => git(remote, 'rev-parse', '--verify', branch)).toThrow();
    } finally {
      git(repository, 'config', '--unset', key);
      git(repository, 'config', 'remote.origin.url', `file://${remote}`);
    }
  },
);
