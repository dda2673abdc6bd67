import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Desk, hasButton } from './support/desk.ts';
import { deskFileOf } from './support/desk-file.ts';
import { withoutSandbox } from './support/environment.ts';
import { ready, World } from './support/processes.ts';

const PROGRAMS = ['bash', 'cat', 'dash', 'env', 'git', 'nice', 'prlimit', 'setpriv', 'sh', 'touch'];
const WORKFLOW = stringify({
  name: 'two-commands',
  title: 'Two commands',
  description: 'Makes two files',
  how: 'By two commands',
  why: 'To see who is asked',
  flow: {
    kind: 'sequence',
    id: 'all',
    stages: [
      { kind: 'command', id: 'first', run: ['touch', 'one'] },
      { kind: 'command', id: 'second', run: ['touch', 'two'] },
    ],
  },
});

/** This machine as it is, but for its programs: of those only a few are there, and bubblewrap is none of them. */
function elsewhere(args: readonly string[]): { readonly program: string; readonly args: readonly string[] } {
  const programs = PROGRAMS.map((name) => `/usr/bin/${name}`).flatMap((each) => [
    '--ro-bind-try',
    each,
    each,
  ]);
  const room = ['--die-with-parent', '--dev-bind', '/', '/', '--tmpfs', '/usr/bin', ...programs, '--'];
  return { program: 'bwrap', args: [...room, process.execPath, 'bin/baton.mjs', ...args] };
}

describe.skipIf(withoutSandbox())('a machine without bubblewrap', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => {
    await world.clear();
  });

  function repository(): string {
    const folder = world.folder('shop');
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: folder });
    git('init', '-q', '-b', 'main');
    writeFileSync(path.join(folder, 'README.md'), 'shop\n');
    git('add', '-A');
    git('commit', '-q', '-m', 'First');
    return folder;
  }

  it('doctor says that nothing shuts commands in, and what still holds', async () => {
    const env = { BATON_HOME: world.folder('home'), TMPDIR: world.folder('scratch') };
    const here = world.run({ args: ['bin/baton.mjs', 'doctor'], env });
    await here.ended;
    expect(here.output()).toContain(
      '✅ sandbox     bubblewrap: no network, and only the worktree can be written.',
    );
    const there = world.run({ ...elsewhere(['doctor']), env });
    expect(await there.ended).toBe(0);
    const told = there.output();
    expect(told).toMatch(/▫️ sandbox {5}bubblewrap is not installed/);
    expect(told).toContain('every command of an agent asks a person first');
    expect(told).toMatch(/limits {6}memory: 512 MB \(sequence\)/);
    expect(told).toMatch(/limits {6}disk: 4096 MB/);
    if (process.getuid?.() === 0) expect(told).toContain('user: Baton runs as root, and so do commands');
  });

  it('baton run runs no command unless it is told to, and then asks for each', async () => {
    const file = path.join(world.folder('files'), 'two-commands.yaml');
    writeFileSync(file, WORKFLOW);
    const repo = repository();
    const env = { BATON_HOME: world.folder('home'), TMPDIR: world.folder('scratch') };
    for (const [flags, verdicts] of [
      [[], ['reject']],
      [['--unsandboxed'], ['approve', 'approve', 'approve']],
    ] as const) {
      const args = ['run', file, '--repo', repo, '--json', ...flags];
      const there = world.run({ ...elsewhere(args), env });
      expect(await there.ended, there.output()).toBe(0);
      const lines = there
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{"type":"answered"'));
      const asked = lines.map((line) => Object(JSON.parse(line)));
      expect(asked.map(({ verdict }) => verdict)).toEqual(verdicts);
      const ran = there.output().match(/"type":"command.finished"/g) ?? [];
      expect(ran).toHaveLength(verdicts.length - 1);
      if (flags.length === 0) continue;
      expect(asked.map(({ title }) => title)).toEqual([
        'Run commands without a sandbox?',
        'Run `touch one` without a sandbox?',
        'Run `touch two` without a sandbox?',
      ]);
    }
  });

  it('people in Slack decide on each command, and a no keeps it from running', async () => {
    const home = world.folder('home');
    mkdirSync(path.join(home, 'workflows'), { recursive: true });
    writeFileSync(path.join(home, 'workflows', 'two-commands.yaml'), WORKFLOW);
    world.keepsServices(home);
    const env = { BATON_HOME: home, PORT: '0', BATON_REPOSITORY: repository(), CAST_DELAY_MS: '0' };
    const baton = world.run({ ...elsewhere(['start']), env });
    await ready(baton);
    expect(baton.output()).toContain('Commands of agents: without a sandbox (bubblewrap is not installed');
    const desk = new Desk(deskFileOf(home).url);
    const made = (name: string) =>
      readdirSync(path.join(home, 'worktrees')).some((run) =>
        existsSync(path.join(home, 'worktrees', run, name)),
      );
    expect((await desk.orchestrate('alice', 'two-commands make them')).ok).toBe(true);
    const plan = await desk.message('alice', 'The plan', (each) => hasButton(each, 'plan_start'));
    await desk.click('alice', plan, 'plan_start');
    const question = (title: string) =>
      desk.message(
        'alice',
        title,
        (each) => each.text.includes(title) && hasButton(each, 'approval_approve'),
      );
    const general = await question('Run commands without a sandbox?');
    await desk.click('alice', general, 'approval_approve');
    const first = await question('touch one');
    expect([made('one'), made('two')]).toEqual([false, false]);
    await desk.click('alice', first, 'approval_approve');
    const second = await question('touch two');
    expect([made('one'), made('two')]).toEqual([true, false]);
    await desk.click('alice', second, 'approval_reject');
    await desk.submit('alice', await desk.modal('alice'), 'reason', 'reason_text', 'One is enough');
    await desk.message('alice', 'The end', ({ ts, text }) => ts === plan.ts && /^[✅⚠]/u.test(text));
    await desk.message('alice', 'The no', ({ text }) => /rejected this[\s\S]*One is enough/.test(text));
    expect(made('two')).toBe(false);
  });
});
