import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BOUNDS } from '../../src/workspace/sandbox/bounds.ts';
import {
  commandGroup,
  type GroupFolders,
  groupAt,
  probeCgroups,
} from '../../src/workspace/sandbox/cgroups.ts';

/** Files a kernel of version 2 shows in a group, by the controllers that are switched on above it. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  memory: ['memory.max', 'memory.swap.max', 'memory.events'],
  pids: ['pids.max'],
  cpu: ['cpu.weight'],
};

/**
 * What a machine with version 2 alone looks like, in a folder: the tree of groups, and what /proc says of it. Making a group
 * fills it with files, as a kernel does. Nothing is limited here: what is seen is what would be told to a kernel.
 */
async function machine(own: string, controllers: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), 'baton-groups-'));
  const tree = join(root, 'fs');
  const told: string[] = [];
  const kernel: GroupFolders = {
    async make(path) {
      await mkdir(path);
      const above = await readFile(join(path, '..', 'cgroup.subtree_control'), 'utf8');
      const names = ['cgroup.procs', 'cgroup.kill', ...above.split(' ').flatMap((name) => FILES[name] ?? [])];
      for (const name of names) await writeFile(join(path, name), '');
    },
    async remove(path) {
      const words = readdirSync(path)
        .filter((name) => name !== 'memory.events')
        .map((name) => `${name}=${readFileSync(join(path, name), 'utf8').trim()}`);
      told.push(words.toSorted().join(' '));
      await rm(path, { recursive: true });
    },
  };
  await mkdir(join(root, 'proc', 'self'), { recursive: true });
  await writeFile(join(root, 'proc/self/mountinfo'), `30 25 0:26 / ${tree} rw,nosuid - cgroup2 cgroup2 rw\n`);
  await writeFile(join(root, 'proc/self/cgroup'), `0::${own}\n`);
  for (const [path, enabled] of Object.entries(controllers)) {
    await mkdir(join(tree, path), { recursive: true });
    await writeFile(join(tree, path, 'cgroup.subtree_control'), enabled);
  }
  return {
    tree,
    told,
    kernel,
    probe: () => probeCgroups(join(root, 'proc'), kernel),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/** As systemd leaves it: a service has processes of its own, so what it may use is switched on above it. */
const SERVICE = { '/': 'cpu memory pids', '/app.slice': 'memory pids', '/app.slice/baton.service': '' };

describe('control groups of version 2', () => {
  it('are made beside the group Baton is in, with the controllers that are switched on there', async () => {
    await using here = await machine('/app.slice/baton.service', SERVICE);
    const found = await here.probe();
    const slice = join(here.tree, 'app.slice');
    expect(found.version).toBe(2);
    expect([...found.folders.keys()]).toEqual(['memory', 'pids']);
    expect(new Set([...found.folders.values()].map((folder) => join(folder)))).toEqual(new Set([slice]));
    expect(found.missing).toBe('cpu');
    expect(readdirSync(slice).filter((name) => name.startsWith('baton-'))).toEqual([]);
  });

  it('are told the limits of the class in the files of version 2, entered, killed whole and removed', async () => {
    await using here = await machine('/app.slice/baton.service', {
      ...SERVICE,
      '/app.slice': 'cpu memory pids',
    });
    const found = await here.probe();
    here.told.length = 0;
    const group = await commandGroup(found, BOUNDS.parallel, here.kernel);
    if (group === null) throw new Error('there is no group');
    const { stdout } = await promisify(execFile)('env', [...group.enter, 'sh', '-c', 'echo $$']);
    expect(await group.close()).toEqual({ outOfMemory: false });
    // The files of version 1 are not there, and nothing makes them.
    expect(here.told).toEqual([
      `cgroup.kill=1 cgroup.procs=${stdout.trim()} cpu.weight=40 memory.max=${1024 ** 3} memory.swap.max=0 pids.max=2048`,
    ]);
  });

  it.each([
    ['memory', 'memory.max'],
    ['pids', 'pids.max'],
    ['cpu', 'cpu.weight'],
  ])('are without %s where %s takes nothing, and that is told', async (controller, file) => {
    const all = ['memory', 'pids', 'cpu'];
    await using here = await machine('/', { '/': all.join(' ') });
    // A folder in the file's place: whoever writes is refused, root as well.
    const shut = async (path: string) => {
      await rm(join(path, file));
      await mkdir(join(path, file));
    };
    const refusing: GroupFolders = {
      make: async (path) => {
        await here.kernel.make(path);
        await shut(path);
      },
      remove: (path) => rm(path, { recursive: true }),
    };
    const found = await probeCgroups(join(here.tree, '..', 'proc'), refusing);
    expect([...found.folders.keys()]).toEqual(all.filter((each) => each !== controller));
    expect(found.missing).toBe(controller);
    // Where it was taken at the start and no longer is, the command does not run with less.
    const before = await here.probe();
    expect([...before.folders.keys()]).toEqual(all);
    await expect(commandGroup(before, BOUNDS.sequence, refusing)).rejects.toMatchObject({
      failure: { code: 'limits_refused', message: expect.stringContaining(`(${controller})`) },
    });
    expect(readdirSync(here.tree).filter((name) => name.startsWith('baton-'))).toEqual([]);
  });

  it('are removed as soon as those in them are dead, and not before', async () => {
    await using here = await machine('/app.slice/baton.service', SERVICE);
    const found = await here.probe();
    let busy = 3;
    const remove = async (path: string) => {
      busy -= 1;
      if (busy >= 0) throw Object.assign(new Error('EBUSY: resource busy'), { code: 'EBUSY' });
      await here.kernel.remove(path);
    };
    const group = await commandGroup(found, BOUNDS.sequence, { ...here.kernel, remove });
    await group?.close();
    expect(busy).toBe(-1);
    const slice = join(here.tree, 'app.slice');
    expect(readdirSync(slice).filter((name) => name.startsWith('baton-'))).toEqual([]);
  });

  it('say when memory ran out', async () => {
    await using here = await machine('/app.slice/baton.service', SERVICE);
    const found = await here.probe();
    const group = await commandGroup(found, BOUNDS.sequence, here.kernel);
    const slice = join(here.tree, 'app.slice');
    const [name = ''] = readdirSync(slice).filter((each) => each.startsWith('baton-'));
    await writeFile(join(slice, name, 'memory.events'), 'low 0\nhigh 0\nmax 31\noom 1\noom_kill 1\n');
    expect(await group?.close()).toEqual({ outOfMemory: true });
  });

  it('are none where nothing is switched on, or none may be made', async () => {
    await using bare = await machine('/', { '/': '' });
    expect(await bare.probe()).toMatchObject({ version: null, missing: 'Baton may not make any here' });
    await using shut = await machine('/app.slice/baton.service', SERVICE);
    const refusing = { ...shut.kernel, make: () => Promise.reject(new Error('EACCES')) };
    const root = join(shut.tree, '..', 'proc');
    expect((await probeCgroups(root, refusing)).version).toBe(null);
  });
});

/** Where this machine has version 2 mounted, if only beside version 1 and without controllers. */
const mounted = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(
  readFileSync('/proc/self/mountinfo', 'utf8'),
)?.[1];
const writable =
  mounted !== undefined && process.getuid?.() === 0 && existsSync(join(mounted, 'cgroup.procs'));
if (!writable)
  console.warn('SKIPPED: groups of a real kernel of version 2; none is mounted where Baton may make any.');

describe.skipIf(!writable)('a group of this kernel’s version 2', () => {
  it('is entered, killed whole with those that hide, and gone', async (test) => {
    const top = mounted ?? '';
    const name = `baton-${process.pid}-of-a-test`;
    const made = await mkdir(join(top, name)).then(
      () => true,
      () => false,
    );
    // Mounted read-only, as in most containers.
    if (!made) {
      console.warn('SKIPPED: groups of a real kernel of version 2; where it is mounted, none can be made.');
      return test.skip();
    }
    // None of its controllers need be there: this is about who is in it.
    const group = groupAt([join(top, name)], null);
    const hiding = 'setsid env -i sh -c "exec sleep 1000" > /dev/null 2>&1 & echo in; wait';
    const child = spawn('env', [...group.enter, 'sh', '-c', hiding], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(
      readFileSync(join(top, name, 'cgroup.procs'), 'utf8')
        .trim()
        .split('\n').length,
    ).toBeGreaterThan(1);
    await group.close();
    expect(await ended).toBe('SIGKILL');
    expect(existsSync(join(top, name))).toBe(false);
  });
});
