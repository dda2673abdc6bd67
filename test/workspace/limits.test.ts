import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runners } from '../../src/cli/doctor.ts';
import { resourcesOf } from '../../src/orchestrator/resource-class.ts';
import type { ResourceClass, Workspace } from '../../src/ports/workspace.ts';
import { BOUNDS } from '../../src/workspace/sandbox/bounds.ts';
import { commandGroup, NO_CGROUPS, probeCgroups } from '../../src/workspace/sandbox/cgroups.ts';
import { DISK } from '../../src/workspace/sandbox/disk-watch.ts';
import { limitsOf } from '../../src/workspace/sandbox/limits-told.ts';
import { descendants, pidsWith, psProcesses } from '../../src/workspace/sandbox/process-tree.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { type Bench, bench, NO_SANDBOX } from './support.ts';

const cgroups = await probeCgroups();
const sandbox = await probeSandbox();
const MIB = 1024 ** 2;
const CLASSES: ResourceClass[] = ['sequence', 'parallel'];

async function open(place: Bench, resources: ResourceClass): Promise<Workspace> {
  const run = { runId: 'run_1', branch: 'baton/x', location: place.repository, base: place.head() };
  return place.workspaces.open({ ...run, resources });
}

const run = (workspace: Workspace, argv: string[]) =>
  workspace.run({ argv, timeoutMs: 20_000, signal: new AbortController().signal, allowUnsandboxed: true });

/** Takes memory step by step and touches it. */
const takes = (mib: number) => [
  'node',
  '-e',
  `const kept=[];for(let i=0;i<${mib / 16};i++)kept.push(Buffer.alloc(${16 * MIB},1));console.log('had '+kept.length)`,
];

/** A process that has ended and was not asked after has no words of its own any more. */
function lives(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1') !== '';
  } catch {
    return false;
  }
}

/** What stands in a file of the one group of this process. */
function inGroup(folder: string, file: string): string {
  const mine = readdirSync(folder).find((name) => name.startsWith(`baton-${process.pid}-`));
  if (mine === undefined) throw new Error('there is no group');
  return readFileSync(join(folder, mine, file), 'utf8').trim();
}

describe('the class of a run', () => {
  it('follows from the kinds of its nodes, however deep', () => {
    const agent = { id: 'a', kind: 'agent' };
    const flow = (kind: string) => ({
      workflow: { flow: { id: 's', kind: 'sequence', steps: [agent, { kind }] } },
    });
    expect(resourcesOf(flow('sequence'))).toBe('sequence');
    for (const kind of ['parallel', 'map', 'race', 'consensus', 'orchestrator'])
      expect(resourcesOf(flow(kind)), kind).toBe('parallel');
    for (const nothing of [null, undefined, 'parallel', [], {}])
      expect(resourcesOf(nothing)).toBe('sequence');
  });
});

describe.skipIf(cgroups.version !== 1 || cgroups.missing !== '')('a control group', () => {
  it.each(CLASSES)('has the numbers of its class: %s', async (resources) => {
    const group = await commandGroup(cgroups, BOUNDS[resources]);
    const at = (controller: 'memory' | 'cpu' | 'pids') => cgroups.folders.get(controller) ?? '';
    expect(inGroup(at('memory'), 'memory.limit_in_bytes')).toBe(
      String((resources === 'sequence' ? 512 : 1024) * MIB),
    );
    expect(inGroup(at('cpu'), 'cpu.shares')).toBe(resources === 'sequence' ? '512' : '1024');
    expect(Number(inGroup(at('pids'), 'pids.max'))).toBeGreaterThan(100);
    await group?.close();
    expect(() => inGroup(at('memory'), 'cgroup.procs')).toThrow('there is no group');
  });

  it('holds a command that takes too much memory, by class, and nothing of it remains', async () => {
    for (const [resources, ended] of [
      ['sequence', 'resource_limit'],
      ['parallel', null],
    ] as const) {
      await using place = await bench(undefined, { ...NO_SANDBOX, cgroups, prlimit: false });
      const outcome = await run(await open(place, resources), takes(640));
      expect(outcome.ended, resources).toBe(ended);
      for (const folder of cgroups.folders.values()) expect(() => inGroup(folder, 'cgroup.procs')).toThrow();
    }
  });

  it('ends those that left their parents, their group and their environment, also without a sandbox', async () => {
    const hidden = `setsid env -i sh -c 'while :; do sleep 0.05; done' > /dev/null 2>&1 & echo $!; sleep 0.3`;
    for (const [groups, stays] of [
      [cgroups, false],
      // The guard: without a group this one gets away.
      [NO_CGROUPS, true],
    ] as const) {
      await using place = await bench(undefined, { ...NO_SANDBOX, cgroups: groups });
      const { output } = await run(await open(place, 'sequence'), ['sh', '-c', hidden]);
      expect(lives(output.trim())).toBe(stays);
      if (stays) process.kill(Number(output), 'SIGKILL');
    }
  });
});

describe('without control groups', () => {
  it('the watcher holds the memory', async () => {
    await using place = await bench(undefined, { ...NO_SANDBOX, prlimit: false });
    const slow = `const kept=[];setInterval(()=>kept.push(Buffer.alloc(${64 * MIB},1)),60)`;
    const outcome = await run(await open(place, 'sequence'), ['node', '-e', slow]);
    expect(outcome.ended).toBe('resource_limit');
  });
});

describe('what doctor says', () => {
  it('is what the machine has', () => {
    const without = limitsOf(
      { ...NO_SANDBOX, prlimit: false, nice: false, cgroups: NO_CGROUPS },
      null,
      DISK,
      true,
    );
    expect(without.map(({ state }) => state)).toEqual([
      'note',
      'note',
      'note',
      'good',
      process.platform === 'linux' ? 'good' : 'note',
      'good',
      'note',
    ]);
    expect(without[0]?.text).toContain('512 MB (sequence), 1024 MB (parallel)');
    expect(without[2]?.text).toContain('no control groups');
    expect(without[3]?.text).toContain('by ulimit');
    const here = limitsOf(sandbox, 2048 * MIB);
    expect(here[0]?.text).toContain('2048 MB (sequence)');
    expect(here[0]?.state).toBe(sandbox.cgroups.folders.has('memory') ? 'good' : 'note');
  });

  it('says where sandbox-runtime gives less, and which runners it refuses', () => {
    const runtime = { wrap: async () => '', release: () => undefined, reads: [] };
    const told = limitsOf({ ...NO_SANDBOX, kind: 'sandbox-runtime', runtime }, null, DISK, true);
    expect(told.at(-1)?.text).toMatch(/^sandbox-runtime: .*no server.*not shown.*not started/);
    expect(told.at(-2)?.text).toContain('shut in');
    const settings = { kind: 'acp', command: 'node', args: [], agents: [], env: {}, reads: [] } as const;
    const checked = (model: boolean, kind: 'bubblewrap' | 'sandbox-runtime') =>
      runners({ runners: { pair: { ...settings, args: [], agents: [], reads: [], model } } }, kind)[0]?.state;
    expect(checked(true, 'sandbox-runtime')).toBe('bad');
    expect(checked(false, 'sandbox-runtime')).toBe('good');
    expect(checked(true, 'bubblewrap')).toBe('good');
  });
});

describe('without prlimit', () => {
  it('the shell holds files, open files, cores and processor time, and passes words on as they are', async () => {
    await using place = await bench(undefined, { ...NO_SANDBOX, prlimit: false });
    const script = 'ulimit -f; ulimit -n; ulimit -c; ulimit -t; printf "%s." "$@"';
    const { output } = await run(await open(place, 'sequence'), [
      'sh',
      '-c',
      script,
      'sh',
      'a b',
      '$c',
      "d'",
    ]);
    expect(output).toBe("2097152\n8192\n0\n170\na b.$c.d'.");
  });
});

describe.skipIf(!existsSync('/bin/ps') || process.platform !== 'linux')('processes by ps', () => {
  it('are those of /proc, with their parents and their memory', async () => {
    const child = spawn('sh', ['-c', 'echo in; read x'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const own = (await descendants(process.pid, psProcesses)).find(({ pid }) => pid === child.pid);
    expect(own).toMatchObject({ parent: process.pid });
    const mib = (own?.residentBytes ?? 0) / MIB;
    // A shell that waits: bytes or pages taken for kilobytes would be far outside.
    expect(mib).toBeGreaterThan(0.1);
    expect(mib).toBeLessThan(64);
    child.stdin.end();
    await new Promise((resolve) => child.once('close', resolve));
  });

  it('are found by a word of their environment where ps shows it', () => {
    const lines =
      '    1 /sbin/launchd\n  412 node a.js HOME=/x BATON_COMMAND=word\n  413 sh BATON_COMMAND=words\n';
    expect(pidsWith(lines, 'BATON_COMMAND=word')).toEqual([412]);
    expect(pidsWith('', 'BATON_COMMAND=word')).toEqual([]);
  });
});
