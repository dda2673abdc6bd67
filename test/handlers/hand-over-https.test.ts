import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GitHubShaped, startGitHub } from '../workspace/github.ts';
import { bareCopy, type HttpsRemote, startHttpsRemote } from '../workspace/https-remote.ts';
import { git } from '../workspace/support.ts';
import { startWorld, until, type World } from './world.ts';

const BATON = fileURLToPath(new URL('../../bin/baton.mjs', import.meta.url));
const TOKEN = 'ghp_canary0123456789canary0123456789';
const BASIC = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');

let w: World;
let api: GitHubShaped;
let server: HttpsRemote;
let root: string;
/** The bare repository behind the server. */
let remote: string;
/** What `NODE_EXTRA_CA_CERTS` would name. */
let authorities: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'hand-over-https-'));
  const served = join(root, 'served');
  const repository = join(root, 'web');
  for (const folder of [served, repository]) mkdirSync(folder);
  git(repository, 'init', '-q', '-b', 'main');
  writeFileSync(join(repository, 'README.md'), 'hello\n');
  git(repository, 'add', '-A');
  git(repository, 'commit', '-q', '-m', 'First');
  remote = bareCopy(served, 'web', repository);
  server = await startHttpsRemote(served, TOKEN);
  api = await startGitHub();
  git(repository, 'remote', 'add', 'origin', `${server.url}/acme/web.git`);
  authorities = join(root, 'authorities.pem');
  copyFileSync(server.authority, authorities);
  w = await startWorld({
    more: async () => ({
      repository,
      github: { server: server.url, api: api.url, token: TOKEN },
      extraAuthorities: authorities,
    }),
  });
});
afterAll(async () => {
  await w.close();
  await api.close();
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

/** A run of alice's to its end, and what is to be known of it to hand it over. */
async function ended(request: string) {
  await w.command('alice', `ask ${request}`);
  const epic = await w.find('alice', new RegExp(`${request}.*Estimate`, 's'));
  await w.click('alice', epic, 'plan_start');
  await w.click('bob', await w.find('bob', /Keep it\?/, epic.ts), 'approval_approve');
  const card = async () => (await w.seen('alice')).find(({ ts }) => ts === epic.ts) ?? epic;
  await until(async () => JSON.stringify((await card()).blocks).includes('run_hand_over'));
  const branches = git(join(root, 'web'), 'for-each-ref', '--format=%(refname:short)', 'refs/heads/baton');
  const branch = branches.split('\n').find((name) => name.includes(request.replaceAll(' ', '-'))) ?? '';
  const commit = git(join(root, 'web'), 'rev-parse', '--verify', branch);
  return {
    epic,
    branch,
    commit,
    /** The commit that the server has on the branch; null: there is no such branch. */
    there: () => git(remote, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`) || null,
    pulls: () => api.pulls.filter(({ head }) => head === branch),
    handOver: async () => {
      await w.settled();
      await w.click('alice', await card(), 'run_hand_over');
    },
    /** The card shows the link. */
    done: () => until(async () => /Pull request #\d+/.test(JSON.stringify((await card()).blocks))),
    told: (words: RegExp) => w.find('alice', words, epic.ts),
  };
}

test('with the right token it is pushed, and the token is in nothing but the request', async () => {
  const run = await ended('right token');
  await run.handOver();
  await run.done();
  expect(run.there()).toBe(run.commit);
  expect(run.pulls()).toHaveLength(1);
  expect(server.asked.filter(({ what }) => what === 'POST /acme/web.git/git-receive-pack')).toMatchObject([
    { authorization: `Basic ${BASIC}` },
  ]);
  if (!existsSync('/proc/self/environ')) return;
  // Else nothing was looked at: git itself has to know it.
  expect(server.seen.environments.some((each) => each.includes(BASIC))).toBe(true);
  for (const value of [TOKEN, BASIC])
    expect(server.seen.argv.filter((each) => each.includes(value))).toEqual([]);
});

/** What a server may do, how it does it, what is told, and how it is put right. */
const REFUSED: readonly (readonly [string, () => void, RegExp, () => void])[] = [
  [
    'wrong token',
    () => {
      server.token = 'another';
    },
    /did not accept who is asking.*is kept in the repository.*Check GITHUB_TOKEN/s,
    () => {
      server.token = TOKEN;
    },
  ],
  [
    'no right',
    () => {
      server.next = { kind: 'forbidden' };
    },
    /did not accept who is asking.*is kept in the repository.*Check GITHUB_TOKEN/s,
    () => {
      server.next = null;
    },
  ],
  [
    'unknown authority',
    () => writeFileSync(authorities, another()),
    /certificate is by no authority that is known here.*token neither.*NODE_EXTRA_CA_CERTS/s,
    () => copyFileSync(server.authority, authorities),
  ],
  [
    'no authority',
    () => writeFileSync(authorities, 'nothing\n'),
    /no certificate can be read. Nothing was sent.*in PEM/s,
    () => copyFileSync(server.authority, authorities),
  ],
  [
    'gone meanwhile',
    () => {
      server.next = { kind: 'gone', after: false };
    },
    /was not pushed to 127.0.0.1:\d+.*is kept in the repository.*Hand over again/s,
    () => {
      server.next = null;
    },
  ],
  [
    'protected branch',
    () =>
      writeFileSync(
        join(remote, 'hooks', 'pre-receive'),
        `#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9; do echo "Frozen until Monday, says the release team, and ${'so on '.repeat(12)}" >&2; done\nexit 1\n`,
        { mode: 0o755 },
      ),
    /does not let this branch be changed\. It said: “Frozen until Monday.*Have its rules changed/s,
    () => rmSync(join(remote, 'hooks', 'pre-receive')),
  ],
  [
    'hidden names',
    () => git(remote, 'config', 'transfer.hideRefs', 'refs/heads/baton'),
    /does not let this branch be changed.*is kept in the repository/s,
    () => git(remote, 'config', '--unset', 'transfer.hideRefs'),
  ],
];

test.each(REFUSED)('%s: the thread says so, and once it is put right it goes through', async (...given) => {
  const [request, breaks, words, mends] = given;
  const run = await ended(request);
  breaks();
  try {
    await run.handOver();
    const { text } = await run.told(words);
    expect(text).toContain('The hand-over could not be finished');
    expect(text).not.toMatch(/[A-Za-z0-9+/]{40,}={0,2}/);
    expect(run.there()).toBeNull();
    expect(run.pulls()).toEqual([]);
  } finally {
    mends();
  }
  await run.handOver();
  await run.done();
  expect(run.there()).toBe(run.commit);
  expect(run.pulls()).toHaveLength(1);
});

test('a server that is gone once it has taken the push: it is found there, and nothing is doubled', async () => {
  const run = await ended('lost answer');
  server.next = { kind: 'gone', after: true };
  await run.handOver();
  await run.done();
  server.next = null;
  expect(git(remote, 'rev-list', '--count', `main..${run.branch}`)).toBe('1');
  expect(run.there()).toBe(run.commit);
  expect(run.pulls()).toHaveLength(1);
});

test('a branch that moved at the server meanwhile stays as it is there', async () => {
  const run = await ended('moved there');
  await run.handOver();
  await run.done();
  const theirs = git(remote, 'commit-tree', '-m', 'theirs', '-p', run.commit, `${run.commit}^{tree}`);
  git(remote, 'update-ref', `refs/heads/${run.branch}`, theirs);
  await run.handOver();
  await run.told(
    /holds other commits, which were left as they are.*is kept in the repository.*Rename or delete/s,
  );
  expect(run.there()).toBe(theirs);
  expect(git(join(root, 'web'), 'rev-parse', run.branch)).toBe(run.commit);
  expect(run.pulls()).toHaveLength(1);
});

test('by button and by the command line, as somebody types it, a run has the very same pull request', async () => {
  const run = await ended('both doors');
  await run.handOver();
  await run.done();
  await w.settled();
  const [pull] = run.pulls();
  const { title, body, number = 0 } = pull ?? {};
  expect(body).toMatch(/\d UTC: U\w+ approved “Keep it\?”/);
  expect(body).toMatch(/\d UTC: U\w+ decided, hand-over: hand over/);
  const updates = () =>
    api.asked.filter(({ what }) => what === `PATCH /repos/acme/web/pulls/${number}`).length;
  const before = updates();
  const runId = /Run `(run_\w+)`/.exec(body ?? '')?.[1] ?? '';
  const child = spawn(process.execPath, [BATON, 'hand-over', runId.slice(-8)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: w.home,
      BATON_HOME: w.home,
      GITHUB_TOKEN: TOKEN,
      GITHUB_SERVER_URL: server.url,
      GITHUB_API_URL: api.url,
      NODE_EXTRA_CA_CERTS: server.authority,
    },
  });
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = await once(child, 'close');
  expect(Buffer.concat(said).toString()).toContain(`Pull request #${number} was there and is up to date`);
  expect(code).toBe(0);
  expect(updates()).toBe(before + 1);
  expect({ title: pull?.title, body: pull?.body }).toEqual({ title, body });
});

test('after all of that the token is in no file, no log and no message', async () => {
  expect(server.asked.length).toBeGreaterThan(20);
  for (const value of [TOKEN, BASIC]) {
    for (const folder of [w.home, root])
      expect(() => execFileSync('grep', ['-rqF', value, folder]), `${value} in ${folder}`).toThrow();
    expect(w.logged.join('')).not.toContain(value);
    for (const user of ['alice', 'bob']) expect(JSON.stringify(await w.seen(user))).not.toContain(value);
  }
});

/** An authority that has nothing to do with the server. */
function another(): string {
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const given = [
    'req',
    '-x509',
    ...elliptic,
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=another',
    '-keyout',
    '/dev/null',
  ];
  return execFileSync('openssl', given, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
