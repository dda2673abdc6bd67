import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatonError } from '../../src/domain/failure.ts';
import { createCleaner } from '../../src/workspace/cleaning.ts';
import { createGit } from '../../src/workspace/git/git.ts';
import { GIT_VERBS } from '../../src/workspace/git/git-verbs.ts';
import { createHandOverDesk } from '../../src/workspace/hand-over/hand-over.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { createWorkspaces } from '../../src/workspace/workspaces.ts';
import { type Ground, ground, withRemote } from './repositories/ground.ts';
import { hooks } from './repositories/hooks.ts';
import { nests } from './repositories/nested.ts';
import { settings } from './repositories/settings.ts';
import { shapes } from './repositories/shapes.ts';
import type { End } from './repositories/trap.ts';
import { type Tried, tryVerb } from './repositories/verbs.ts';

const AT = Date.UTC(2026, 4, 1);
const PATH = '/usr/local/bin:/usr/bin:/bin';
const sandbox = await probeSandbox();
const traps = [...hooks, ...settings, ...nests, ...shapes];

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'baton-trap-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The whole way of a run: what it comes to, in a word or a code. */
async function wholeRun(place: Ground): Promise<string> {
  const workspaces = createWorkspaces({ home: join(root, 'home'), sandbox });
  const location = place.repository;
  try {
    const report = await workspaces.inspect(location);
    if (!report.usable || report.head === null) return report.problem ?? 'no problem named';
    const run = { runId: 'run_1', location, branch: 'baton/trap-run_1', base: report.head };
    const { files, line, ...work } = await workspaces.open(run);
    await files.write('src/new.js', 'new\n');
    await files.list('', 100);
    await files.search('new', '', 10);
    await line.save('one', AT);
    const side = await workspaces.openStream({ runId: 'run_1', location, stream: 'side', parent: null });
    await side.files.write('src/side.js', 'side\n');
    await side.line.save('side', AT);
    const how = { stream: 'side', rules: [], choices: [], label: 'merge', at: AT, idempotencyKey: 'm' };
    const merged = await line.merge(how);
    const { tree } = await work.snapshot('two', AT);
    await work.diff(tree, 1_000);
    await work.changedFiles(tree);
    await work.log(null, 3);
    await work.restore(tree);
    await work.commit({ tree, message: 'm', at: AT });
    await workspaces.close('run_1');
    return merged.status === 'merged' ? 'done' : merged.status;
  } catch (error) {
    if (error instanceof BatonError) return `${error.failure.code}: ${error.failure.message}`;
    throw error;
  }
}

/** What leaves the machine and what is tidied up: push, asking the remote, looking at refs and removing them. */
async function outward(place: Ground): Promise<boolean> {
  const home = join(root, 'home');
  const location = place.repository;
  const github = {
    server: `file://${dirname(dirname(place.remote))}`,
    api: 'http://127.0.0.1:1',
    token: 't',
  };
  const branch = 'baton/trap-run_1';
  const work = { location, branch, runIds: ['run_1'], endedAt: AT };
  let pushed = false;
  try {
    place.try('config', 'remote.origin.url', `file://${place.remote}`);
    const desk = createHandOverDesk({ home, github });
    const handed = { location, branch, runId: 'run_1', onto: null };
    pushed = (await desk.push(handed, await desk.look(handed))).status === 'pushed';
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
  }
  try {
    const cleaner = createCleaner({ home, github });
    for (const plan of await cleaner.look([work], AT + 1e12, 0)) await cleaner.remove(plan);
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
  }
  return pushed;
}

function meets(ended: string, end: End): void {
  if (end === 'done') expect(ended).toBe('done');
  else expect(ended).toMatch(end.refused);
}

/** Every verb at one place of a repository. Where git cannot so much as read the configuration, nothing more is tried. */
async function everyVerb(place: Ground, more: { readonly gitDir?: string }): Promise<number> {
  const scratch = mkdtempSync(join(root, 'scratch-'));
  const home = join(root, 'git-home');
  mkdirSync(home, { recursive: true });
  const git = await createGit({ home, path: PATH })
    .bind({
      cwd: place.repository,
      ...more,
      ...(more.gitDir === undefined ? {} : { workTree: place.repository }),
    })
    .catch((error: unknown) => {
      if (error instanceof BatonError) return null;
      throw error;
    });
  if (git === null) return 0;
  const addresses = [
    `file://${place.remote}`,
    place.remote,
    'ssh://git@127.0.0.1:1/a/b',
    'https://127.0.0.1:1/a/b',
  ];
  const tried: Tried = { git, scratch, addresses };
  let calls = 0;
  for (const verb of GIT_VERBS) {
    calls += await tryVerb(verb, tried);
    if (place.sprung() !== '') throw new Error(`git ${verb} ran ${place.sprung()}`);
  }
  return calls;
}

let pushes = 0;
afterAll(() => {
  // Nearly all of those that can be worked in: else nothing of this would say anything.
  if (done > 10) expect(pushes).toBeGreaterThan(done / 2);
});
let done = 0;

describe('a hostile repository', () => {
  it('there are sixty of them and more, each by a name of its own', () => {
    expect(new Set(traps.map(({ name }) => name)).size).toBe(traps.length);
    expect(traps.length).toBeGreaterThanOrEqual(60);
  });

  it.each(traps)('runs nothing, and comes to a clear end: $name', async (trap) => {
    const place = ground(join(root));
    trap.set(place);
    trap.fires(place);
    if (trap.programs)
      expect(place.sprung(), 'the trap itself is one: plain git runs the program').not.toBe('');
    place.reset();
    meets(await wholeRun(place), trap.end);
    expect(place.sprung()).toBe('');
    withRemoteIfAny(place);
    pushes += (await outward(place)) ? 1 : 0;
    expect(place.sprung()).toBe('');
    const found = await everyVerb(place, {});
    await everyVerb(place, { gitDir: join(place.repository, '.git') });
    expect(place.sprung()).toBe('');
    if (trap.end === 'done') done += 1;
    if (trap.end === 'done') expect(found).toBeGreaterThan(GIT_VERBS.length);
  });
});

/** Some shapes cannot be cloned; then the addresses lead nowhere, which is an answer too. */
function withRemoteIfAny(place: Ground): void {
  try {
    withRemote(place);
  } catch {
    return;
  }
}
