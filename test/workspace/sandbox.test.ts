import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOutputBuffer } from '../../src/workspace/sandbox/output-buffer.ts';
import { carrying } from '../../src/workspace/sandbox/process-tree.ts';
import { probeSandbox } from '../../src/workspace/sandbox/sandbox.ts';
import { summariseTests } from '../../src/workspace/test-summary.ts';
import { commandContract, PASSING, run, sandboxContract } from './sandbox-contract.ts';
import { bench, failureOf, NO_SANDBOX } from './support.ts';

const sandbox = await probeSandbox();
if (sandbox.kind === 'none') console.warn(`SKIPPED: the sandbox tests. ${sandbox.reason}`);

describe('the probe', () => {
  it('says why there is no sandbox', async () => {
    expect(await probeSandbox(undefined, 'no-such-bwrap')).toMatchObject({
      kind: 'none',
      reason: expect.stringContaining('not installed'),
    });
    expect(await probeSandbox(undefined, '/bin/false')).toMatchObject({
      kind: 'none',
      reason: expect.stringContaining('does not work here'),
    });
  });
});

if (sandbox.kind !== 'none') sandboxContract(sandbox);
for (const kind of sandbox.kind === 'none' ? [NO_SANDBOX] : [NO_SANDBOX, sandbox]) commandContract(kind);

describe('without a sandbox', () => {
  it('runs nothing unless that is allowed', async () => {
    await using place = await bench(PASSING);
    const workspace = await place.open();
    const command = { argv: ['touch', 'x'], timeoutMs: 5_000, signal: new AbortController().signal };
    expect(await failureOf(workspace.run({ ...command, allowUnsandboxed: false }))).toMatchObject({
      class: 'needs_person',
      code: 'sandbox_missing',
    });
    expect(existsSync(join(workspace.info.path, 'x'))).toBe(false);
    expect(summariseTests((await run(workspace, ['node', '--test'])).output)).toEqual({
      passed: 1,
      failed: 0,
    });
  });

  it('knows processes by a word in their environment', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'baton-carry-'));
    expect(await carrying(`NOBODY=${folder}`)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe('the output buffer', () => {
  it('keeps both ends of any stream and counts characters, not bytes', () => {
    const buffer = createOutputBuffer();
    for (let i = 0; i < 3_000; i += 1)
      buffer.add(Buffer.from(`${String(i).padStart(8, '0')}${'é'.repeat(100)}\n`));
    const text = buffer.text();
    const left = Number(/\[(\d+) characters left out\]/.exec(text)?.[1]);
    expect(text.startsWith('00000000')).toBe(true);
    expect(text.trimEnd().endsWith(`00002999${'é'.repeat(100)}`)).toBe(true);
    const kept = text.length - `\n[${left} characters left out]\n`.length;
    expect(Math.abs(kept + left - 3_000 * 109)).toBeLessThanOrEqual(4);
    const small = createOutputBuffer();
    small.add(Buffer.from('a'));
    expect(small.text()).toBe('a');
  });
});
