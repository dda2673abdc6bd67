import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { bombs } from '../bombs/bombs.ts';
import { bench } from './support.ts';

const sandbox = await probeSandbox();
/** The rest, and Baton beside them, is `npm run bombs`. */
const FEW = [
  'wide-forks',
  'memory',
  'memory-of-many',
  'hidden-daemon',
  'signals-everybody',
  'sparse-file',
  'disk-of-many-files',
  'dev-flood',
  'removes-everything',
];

describe.skipIf(sandbox.kind === 'none')('a resource bomb', () => {
  it('there are thirty of them and more', () => {
    expect(new Set(bombs.map(({ name }) => name)).size).toBeGreaterThanOrEqual(30);
  });

  it.each(bombs.filter(({ name }) => FEW.includes(name)))(
    'ends in time, and nothing of it remains: $name',
    async ({ argv, timeoutMs }) => {
      await using place = await bench(undefined, sandbox);
      const workspace = await place.open();
      const outcome = await workspace.run({
        argv,
        timeoutMs: timeoutMs / 2,
        signal: new AbortController().signal,
        allowUnsandboxed: false,
      });
      expect(outcome.exitCode !== null || outcome.ended !== null).toBe(true);
      const groups = [...sandbox.cgroups.folders.values()].flatMap((folder) => readdirSync(folder));
      expect(groups.filter((name) => name.startsWith(`baton-${process.pid}-`))).toEqual([]);
      await workspace.files.write('after.txt', 'still at work\n');
    },
  );
});
