import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createHandOverDesk,
  type HandOver,
  handOver,
  targetOf,
} from '../../src/workspace/hand-over/hand-over.ts';
import { type GitHubShaped, startGitHub } from './github.ts';
import { AT, type Bench, bench, failureOf, git } from './support.ts';

const TOKEN = 'ghp_canary0123456789canary0123456789';
const BRANCH = 'baton/csv-export';

let server: GitHubShaped;
beforeEach(async () => {
  server = await startGitHub();
});
afterEach(() => server.close());

/** A repository whose remote is a bare one on this machine, with a branch of Baton's that is one commit ahead. */
async function worked(
  place: Bench,
): Promise<{ input: HandOver; remote: string; readonly work: (content: string) => Promise<string> }> {
  const remote = join(place.root, 'acme', 'web.git');
  git(place.root, 'clone', '-q', '--bare', place.repository, remote);
  git(place.repository, 'remote', 'add', 'origin', `file://${remote}`);
  const input: HandOver = {
    home: place.home,
    location: place.repository,
    branch: BRANCH,
    runId: 'run_1',
    onto: null,
    title: 'Add CSV export',
    body: 'Done.',
    github: { server: `file://${place.root}`, api: server.url, token: TOKEN },
  };
  let at = AT;
  const work = async (content: string) => {
    const workspace = await place.open('run_1', BRANCH);
    await workspace.files.write('src/new.js', content);
    at += 60_000;
    const { tree } = await workspace.snapshot('end', at);
    return (await workspace.commit({ tree, message: 'm', at })).commit;
  };
  return { input, remote, work };
}

describe('handing over', () => {
  it('pushes the branch and opens one pull request; once more, it is updated', async () => {
    await using place = await bench();
    const { input, remote, work } = await worked(place);
    const commit = await work('one\n');
    expect(await handOver(input)).toMatchObject({
      status: 'pull-request',
      commit,
      pullRequest: { number: 482, done: 'opened' },
    });
    expect(git(remote, 'rev-parse', BRANCH)).toBe(commit);
    expect(server.pulls).toMatchObject([{ head: BRANCH, base: 'main', title: 'Add CSV export' }]);
    const again = await handOver({ ...input, body: 'Done, and told better.' });
    expect(again).toMatchObject({ pullRequest: { number: 482, done: 'updated' } });
    expect(server.pulls).toHaveLength(1);
    expect(server.pulls[0]?.body).toContain('told better');
  });

  it('opens exactly one when it was killed between push and pull request, or when the answer was lost', async () => {
    for (const [what, after] of [
      [/^GET .*pulls$/, false],
      [/^POST/, true],
      [/^PATCH/, true],
    ] as const) {
      await using place = await bench();
      server.pulls.splice(0);
      const { input, remote, work } = await worked(place);
      const commit = await work('one\n');
      if (what.source === '^PATCH') await handOver(input);
      server.fail(what, 502, after);
      expect(await failureOf(handOver(input))).toMatchObject({
        class: 'transient',
        code: 'github_failed',
        message: expect.stringContaining('The branch is pushed and stays.'),
      });
      expect(git(remote, 'rev-parse', BRANCH)).toBe(commit);
      await handOver(input);
      expect(server.pulls).toHaveLength(1);
    }
  });

  it('leaves a pull request of somebody else’s words as it is', async () => {
    await using place = await bench();
    const { input, work } = await worked(place);
    await work('one\n');
    server.pulls.push({
      number: 7,
      html_url: 'x',
      head: BRANCH,
      base: 'main',
      title: 'Mine',
      body: 'by hand',
    });
    expect(await handOver(input)).toMatchObject({ pullRequest: { number: 7, done: 'found' } });
    expect(server.pulls).toMatchObject([{ title: 'Mine', body: 'by hand' }]);
  });

  it.each([
    [401, 'github_refused', 'does not accept the token'],
    [403, 'github_refused', 'may not open'],
    [404, 'github_refused', 'no such repository'],
    [422, 'github_refused', 'takes no pull request'],
    [500, 'github_failed', 'answered 500'],
    [503, 'github_failed', 'answered 503'],
  ])('says what GitHub’s %i means and what was kept', async (status, code, words) => {
    await using place = await bench();
    const { input, work } = await worked(place);
    await work('one\n');
    server.fail(/^POST/, status);
    const failure = await failureOf(handOver(input));
    expect(failure).toMatchObject({
      code,
      message: expect.stringContaining(words),
      hint: expect.any(String),
    });
    expect(failure.message).toContain('The branch is pushed and stays.');
    expect(JSON.stringify(failure)).not.toContain(TOKEN);
  });

  it('pushes over nobody’s commits, and says so', async () => {
    await using place = await bench();
    const { input, remote, work } = await worked(place);
    await work('one\n');
    git(remote, 'branch', BRANCH, 'main');
    const other = git(remote, 'commit-tree', '-m', 'theirs', '-p', 'main', 'main^{tree}');
    git(remote, 'update-ref', `refs/heads/${BRANCH}`, other);
    expect(await failureOf(handOver(input))).toMatchObject({
      class: 'needs_person',
      code: 'push_refused',
      message: expect.stringContaining('other commits'),
    });
    expect(git(remote, 'rev-parse', BRANCH)).toBe(other);
    expect(server.asked).toEqual([]);
  });

  it('says that the remote is gone', async () => {
    await using place = await bench();
    const { input, work, remote } = await worked(place);
    await work('one\n');
    execFileSync('rm', ['-rf', remote]);
    expect(await failureOf(handOver(input))).toMatchObject({
      code: 'push_refused',
      message: expect.stringContaining('no such repository'),
    });
  });

  it('has the token nowhere but in the question to GitHub', async () => {
    await using place = await bench();
    const { input, work, remote } = await worked(place);
    await work('one\n');
    await handOver(input);
    expect(server.asked.every(({ authorization }) => authorization.includes(TOKEN))).toBe(true);
    for (const folder of [place.home, place.repository, remote])
      expect(() => execFileSync('grep', ['-rqF', TOKEN, folder])).toThrow();
    expect(readdirSync(join(place.home, 'pushes'))).toEqual([]);
  });

  it('runs nothing that the repository or a remote on this machine names', async () => {
    await using place = await bench();
    const { input, work, remote } = await worked(place);
    await work('one\n');
    const mark = join(place.root, 'sprung');
    const trap = join(place.root, 'trap');
    writeFileSync(trap, `#!/bin/sh\ntouch '${mark}'\n`);
    chmodSync(trap, 0o755);
    git(place.repository, 'config', 'credential.helper', `!${trap}`);
    git(place.repository, 'config', 'remote.origin.receivepack', trap);
    mkdirSync(join(remote, 'hooks'), { recursive: true });
    writeFileSync(join(remote, 'hooks/update'), `#!/bin/sh\n'${trap}'\n`, { mode: 0o755 });
    expect(await handOver(input)).toMatchObject({ status: 'pull-request' });
    expect(existsSync(mark)).toBe(false);
  });

  it('writes a patch that applies where there is no GitHub, and says so', async () => {
    await using place = await bench();
    const { input, work, remote } = await worked(place);
    await work('one\n');
    const done = await handOver({ ...input, github: null });
    if (done.status !== 'patch') throw new Error('it was pushed');
    expect(done.why).toBe('GITHUB_TOKEN is not set');
    expect(() => git(remote, 'rev-parse', '--verify', BRANCH)).toThrow();
    git(place.repository, 'apply', '--check', done.file);
    expect(readFileSync(done.file, 'utf8')).toContain('+one');
    const elsewhere = { server: 'https://github.com', api: server.url, token: TOKEN };
    expect(await handOver({ ...input, github: elsewhere })).toMatchObject({
      status: 'patch',
      why: expect.stringContaining('not on that GitHub'),
    });
    expect(server.asked).toEqual([]);
  });

  it('goes nowhere but where it was shown to go: to push, and to open the pull request', async () => {
    await using place = await bench();
    const { input, work, remote } = await worked(place);
    const commit = await work('one\n');
    const desk = createHandOverDesk(input);
    const shown = await desk.look(input);
    expect(shown).toEqual({ commit, address: `file://${remote}`, why: null });
    const other = join(place.root, 'acme', 'other.git');
    git(place.root, 'clone', '-q', '--bare', '--single-branch', place.repository, other);
    git(place.repository, 'config', 'remote.origin.pushurl', `file://${other}`);
    const changed = {
      class: 'needs_person',
      code: 'remote_changed',
      message: expect.stringContaining(other),
    };
    expect(await failureOf(desk.push(input, shown))).toMatchObject(changed);
    expect(await failureOf(desk.push(input, { ...shown, address: null }))).toMatchObject(changed);
    expect(await failureOf(desk.pullRequest(input, shown, input))).toMatchObject(changed);
    for (const each of [remote, other]) expect(() => git(each, 'rev-parse', '--verify', BRANCH)).toThrow();
    expect(server.asked).toEqual([]);
    // A question that an earlier version asked was not about the address.
    expect(await desk.push(input, { commit })).toMatchObject({ status: 'pushed' });
  });

  it('takes the one address that git push would take, and none where there are several', async () => {
    await using place = await bench();
    const { input, work, remote } = await worked(place);
    await work('one\n');
    const desk = createHandOverDesk(input);
    git(place.repository, 'config', 'remote.origin.url', 'short:web.git');
    git(place.repository, 'config', `url.file://${place.root}/acme/.insteadOf`, 'short:');
    expect(await desk.look(input)).toMatchObject({ address: `file://${remote}` });
    git(place.repository, 'config', '--add', 'remote.origin.pushurl', 'short:one.git');
    git(place.repository, 'config', '--add', 'remote.origin.pushurl', 'short:two.git');
    expect(await desk.look(input)).toMatchObject({ address: null, why: 'the remote is not on that GitHub' });
    git(place.repository, 'remote', 'remove', 'origin');
    expect(await desk.look(input)).toMatchObject({ address: null });
  });

  it('names a branch that is not there', async () => {
    await using place = await bench();
    const { input } = await worked(place);
    expect(await failureOf(handOver(input))).toMatchObject({ code: 'branch_missing' });
  });
});

describe('the remote', () => {
  const github = { server: 'https://github.com' };
  it.each([
    ['https://github.com/acme/web.git', 'https://github.com/acme/web.git'],
    ['https://x:secret@github.com/acme/web', 'https://github.com/acme/web.git'],
    ['git@github.com:acme/web.git', 'git@github.com:acme/web.git'],
    ['ssh://git@github.com/acme/web.git', 'ssh://git@github.com/acme/web.git'],
  ])('%s is one of GitHub', (remote, address) => {
    expect(targetOf(remote, github)).toEqual({ owner: 'acme', repo: 'web', address });
  });
  it.each([
    null,
    'https://github.com.evil.example/acme/web',
    'https://evil.example/github.com/acme/web',
    'https://githubXcom/acme/web',
    'ext::sh github.com/acme/web',
    '/srv/github.com/acme/web',
    'http://github.com/acme/web',
  ])('%s is not', (remote) => {
    expect(targetOf(remote, github)).toBeNull();
  });
});
