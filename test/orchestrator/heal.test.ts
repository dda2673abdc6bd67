import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/domain/events.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { subscriptionSchema } from '../../src/domain/subscription.ts';
import { type ModelServer, startModelServer, turnEvents } from '../agents/model-server.ts';
import { startWorld, type World } from '../handlers/world.ts';
import { solve } from '../tasks/solver.ts';
import { firstTasks } from '../tasks/tasks.ts';

/** A failing build becomes work, the work a repair, the repair a branch: real HTTP, git, tests and sandbox. */
const SECRET = 'secret-of-the-build';
let folder = '';
let model: ModelServer;
let world: World;
/** Repairs that change nothing, as of a model that does not get further. */
let helpless = false;
let tasksGiven = 0;

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=ada', '-c', 'user.email=ada@example.org', ...args], {
    cwd,
    encoding: 'utf8',
  });

/** Whether the tests of a commit pass, in a clone of its own. */
function passes(commit: string): boolean {
  const clone = mkdtempSync(path.join(folder, 'clone-'));
  git(folder, 'clone', '-q', 'repository', clone);
  git(clone, 'checkout', '-q', commit);
  try {
    execFileSync('node', ['--test'], { cwd: clone, stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'baton-heal-'));
  const repository = path.join(folder, 'repository');
  const broken = firstTasks.find(({ id }) => id === 'last-page');
  const files = {
    'package.json': '{ "name": "small", "type": "module", "scripts": { "test": "node --test" } }\n',
    ...broken?.files,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(repository, name)), { recursive: true });
    writeFileSync(path.join(repository, name), content);
  }
  git(repository, 'init', '-q', '-b', 'main');
  git(repository, 'add', '-A');
  git(repository, 'commit', '-qm', 'Pages');
  model = await startModelServer((asked) => {
    if (!JSON.stringify(asked.body).includes('function_call_output')) tasksGiven += 1;
    const nothing = { text: JSON.stringify({ summary: 'I do not know.', files: [], warnings: [] }) };
    return { events: turnEvents('responses', helpless ? nothing : solve(asked, firstTasks)) };
  });
  world = await startWorld({
    modelUrl: model.url,
    hooks: [{ name: 'ci', event: 'test-failed', variable: 'CI_SECRET', secret: SECRET }],
    more: async (id) => ({
      rehearsal: false,
      repository,
      events: {
        declared: {},
        subscriptions: [
          subscriptionSchema.parse({
            on: 'test-failed',
            where: 'event.branch == "main"',
            workflow: 'heal',
            with: 'mend {{ event.check }}',
            channel: await id('baton-epics'),
            by: await id('alice'),
            auto_start: true,
          }),
        ],
      },
    }),
  });
});
afterAll(async () => {
  await world.close();
  await model.close();
  rmSync(folder, { recursive: true, force: true });
});

async function eventsOf(runId: string): Promise<RunEvent[]> {
  return (await world.core.store.projections.events(runId, 0, 500)).map(({ event }) => event);
}

/** Until it has ended, pauses, or asks. */
async function settled(runId: string): Promise<string> {
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = world.core.engine.onCommit(() => next.resolve());
    const asks = (await world.core.store.approvals.ofRun(runId)).some((each) => each.status === 'pending');
    const status = (await world.core.store.runs.status(runId))?.status ?? 'queued';
    if (asks || isTerminal(status) || status === 'paused') {
      off();
      return asks ? 'asks' : status;
    }
    await next.promise;
    off();
  }
}

const seen = new Set<string>();
async function fail(check: string, id: string, commit?: string): Promise<string> {
  const at = String(Math.floor(world.clock.now() / 1_000));
  const body = JSON.stringify({ check, branch: 'main', summary: '1 failed', commit });
  const signature = createHmac('sha256', SECRET).update(`${at}.${id}.${body}`).digest('hex');
  const answer = await fetch(new URL('/hooks/ci', world.post.to.url), {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-baton-delivery': id,
      'x-baton-timestamp': at,
      'x-baton-signature': `sha256=${signature}`,
    },
  });
  expect(answer.status).toBe(202);
  for (;;) {
    const next = Promise.withResolvers<void>();
    const off = world.core.engine.onCommit(() => next.resolve());
    const all = await world.core.store.sessions.recent(world.team, 50);
    const found = all.find(
      ({ request, currentRunId }) => request === `mend ${check}` && !seen.has(currentRunId),
    );
    off();
    if (found !== undefined) {
      seen.add(found.currentRunId);
      return found.currentRunId;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a build that fails outside', () => {
  test('is repaired: the tests fail, are mended and pass, on a branch of its own', async () => {
    const runId = await fail('last-page', 'one');
    expect(await settled(runId)).toBe('completed');
    const events = await eventsOf(runId);
    const rounds = events.flatMap((event) => (event.type === 'loop.round' ? [event.passed] : []));
    expect(rounds).toEqual([false, true]);
    expect(events.filter(({ type }) => type === 'agent.ended')).toMatchObject([
      { agent: 'self-healing', outcome: 'success' },
    ]);
    const [ended] = events.flatMap((event) => (event.type === 'result' ? [event] : []));
    const commit = ended?.commit ?? '';
    expect(passes(commit)).toBe(true);
    expect(passes('main')).toBe(false);
    expect(git(path.join(folder, 'repository'), 'rev-parse', `refs/heads/${ended?.branch}`).trim()).toBe(
      commit,
    );
  });

  test('is repaired where it failed, whatever came after; a commit that is not there is refused with words', async () => {
    const repository = path.join(folder, 'repository');
    const failed = git(repository, 'rev-parse', 'main').trim();
    writeFileSync(path.join(repository, 'later.txt'), 'later\n');
    git(repository, 'add', '-A');
    git(repository, 'commit', '-qm', 'Later');
    const runId = await fail('last-page', 'old', failed);
    expect(await settled(runId)).toBe('completed');
    const [ended] = (await eventsOf(runId)).flatMap((event) => (event.type === 'result' ? [event] : []));
    const commit = ended?.commit ?? '';
    expect(git(repository, 'rev-parse', `${commit}^`).trim()).toBe(failed);
    expect(passes(commit)).toBe(true);
    expect(git(repository, 'ls-tree', '--name-only', commit)).not.toContain('later.txt');

    for (const [n, wrong] of ['0'.repeat(40), 'main', failed.slice(0, 12)].entries()) {
      const gone = await fail(`gone ${n}`, `gone-${n}`, wrong);
      expect(await settled(gone)).toBe('failed');
      const [told] = (await eventsOf(gone)).flatMap((event) => (event.type === 'result' ? [event] : []));
      expect(told?.summary).toBe(
        `The event names the commit ${wrong.slice(0, 12)}, which is not in ${repository}. Bring it there (“git fetch”), then run it again.`,
      );
      expect(told?.branch).toBeNull();
    }
  });

  test('is given up after two rounds without any difference, and people are asked; a no ends it', async () => {
    helpless = true;
    const before = tasksGiven;
    const runId = await fail('age-limit', 'two');
    expect(await settled(runId)).toBe('asks');
    // Four rounds were allowed; one repair was tried, and made no difference.
    expect(tasksGiven - before).toBe(1);
    const [asked] = await world.core.store.approvals.ofRun(runId);
    expect(asked?.subject.title).toBe('"repair" is still not good enough. Go on with the best so far?');
    expect(asked?.subject.why).toMatch(
      /^After 2 rounds that all found the same the work is still not good enough/,
    );
    await world.core.orchestrator.approvals.decide(
      {
        nonce: asked?.nonce ?? '',
        by: {
          id: await world.desk.id('alice'),
          team: world.team,
          isBot: false,
          isGuest: false,
          isStranger: false,
        },
        place: 'test',
      },
      'reject',
      null,
    );
    expect(await settled(runId)).toBe('failed');
  });
});
