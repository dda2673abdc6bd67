import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Approval } from '../../src/domain/approval.ts';
import { canonicalJson } from '../../src/domain/json.ts';
import {
  contentOf,
  currentDigest,
  digestOf,
  type PayloadDeps,
  type Subject,
} from '../../src/orchestrator/payloads.ts';
import { startWorld, until, type World } from '../handlers/world.ts';

/** What each kind of question is bound to, looked at anew on a real run with a real worktree. */
let w: World;
let runId: string;
let asked: Approval;
let worktree: string;
let deps: PayloadDeps;
beforeAll(async () => {
  w = await startWorld();
  await w.command('alice', 'ask bound');
  const epic = await w.find('alice', /bound.*(Plan:|Estimate)/s);
  await w.click('alice', epic, 'plan_start');
  await w.find('alice', /Keep it\?.*bound/s, epic.ts);
  const [session] = await w.core.store.sessions.recent((await w.desk.snapshot()).team.id, 1);
  runId = session?.currentRunId ?? '';
  await until(async () => (await w.core.store.approvals.ofRun(runId)).length > 0);
  const [first] = await w.core.store.approvals.ofRun(runId);
  if (first === undefined) throw new Error('no approval');
  asked = first;
  worktree = (await w.core.registry.of(runId, null)).info.path;
  deps = {
    registry: w.core.registry,
    runs: w.core.store.runs,
    policyVersion: first.policy.version,
    redact: (text) => text,
  };
}, 60_000);
afterAll(() => w.close());

const about = (payload: string): Approval => ({
  ...asked,
  subject: { ...asked.subject, payload, digest: digestOf(payload) },
});
const now = (approval: Approval, more: Partial<PayloadDeps> = {}) =>
  currentDigest({ ...deps, ...more }, approval, Date.now());

/** Those that are bound to what was asked alone. */
const words: Readonly<Record<string, () => Promise<string>>> = {
  question: async () =>
    (await content({ kind: 'question', question: 'Which one?', why: 'Both would do.' })).payload,
  failure: async () => (await content({ kind: 'failure', code: 'x', message: 'It broke' })).payload,
  unsandboxed: async () => (await content({ kind: 'unsandboxed', argv: ['npm', 'test'] })).payload,
  budget: async () => canonicalJson({ kind: 'budget', runId, unit: 'usd', given: 1, to: 2 }),
  conflict: async () =>
    canonicalJson({ kind: 'conflict', runId, path: 'a.ts', before: 'a'.repeat(40), second: 'b'.repeat(40) }),
  rollback: async () => canonicalJson({ kind: 'rollback', runId, to: 'c'.repeat(40) }),
  tool: async () => canonicalJson({ kind: 'tool', runId, server: 's', tool: 't', arguments: { path: '/a' } }),
  'tool-change': async () =>
    canonicalJson({ kind: 'tool-change', runId, server: 's', before: 'x', after: 'y' }),
};
const content = (subject: Subject) => contentOf(deps, runId, subject, 'kinds', 1);

describe('what a question is bound to', () => {
  test.each(Object.keys(words))('%s: as it was asked, and nothing else by a single byte', async (kind) => {
    const payload = (await words[kind]?.()) ?? '';
    const shown = about(payload);
    expect(await now(shown)).toBe(shown.subject.digest);
    expect(await now(shown, { policyVersion: 'another' })).not.toBe(shown.subject.digest);
    let looked = 0;
    for (let at = 0; at < payload.length; at += 1)
      for (const other of [
        `${payload.slice(0, at)}${payload.slice(at + 1)}`,
        `${payload.slice(0, at)} ${payload.slice(at)}`,
        `${payload.slice(0, at)}${String.fromCharCode(payload.charCodeAt(at) ^ 1)}${payload.slice(at + 1)}`,
      ]) {
        if (other === payload) continue;
        // What lies in the store is not what was shown: it is no content at all, or another one.
        const found = await now({ ...shown, subject: { ...shown.subject, payload: other } }).catch(
          () => 'unreadable',
        );
        expect(found).not.toBe(shown.subject.digest);
        looked += 1;
      }
    expect(looked).toBeGreaterThan(payload.length);
  });

  test.each(['changes', 'command'] as const)(
    '%s: the worktree as it was, and nothing else in it',
    async (kind) => {
      writeFileSync(path.join(worktree, 'bound.txt'), 'const answer = 42;\n');
      mkdirSync(path.join(worktree, 'deep'), { recursive: true });
      const { payload } = await content(
        kind === 'changes' ? { kind, stream: null } : { kind, stream: null, argv: ['rm', '-rf', 'x'] },
      );
      const shown = about(payload);
      const same = async () => (await now(shown)) === shown.subject.digest;
      expect(await same()).toBe(true);
      const file = path.join(worktree, 'bound.txt');
      const put = (text: string) => writeFileSync(file, text);
      const back = () => {
        rmSync(file, { force: true, recursive: true });
        put('const answer = 42;\n');
        chmodSync(file, 0o644);
      };
      const alterations: readonly (readonly [string, () => void, (() => void)?])[] = [
        ['another byte', () => put('const answer = 43;\n')],
        ['a byte less', () => put('const answer = 42;')],
        ['a byte more', () => put('const answer = 42;\n\n')],
        ['a space that cannot be seen', () => put('const answer\u200b = 42;\n')],
        ['a line end of Windows', () => put('const answer = 42;\r\n')],
        ['the case', () => put('Const answer = 42;\n')],
        ['nothing in it', () => put('')],
        ['the file is gone', () => rmSync(file)],
        ['it can be run', () => chmodSync(file, 0o755)],
        [
          'another name',
          () => renameSync(file, path.join(worktree, 'Bound.txt')),
          () => rmSync(path.join(worktree, 'Bound.txt')),
        ],
        [
          'it is a link',
          () => {
            rmSync(file);
            symlinkSync('/etc/passwd', file);
          },
        ],
        [
          'one file more',
          () => writeFileSync(path.join(worktree, 'deep', 'more'), ''),
          () => rmSync(path.join(worktree, 'deep', 'more')),
        ],
      ];
      for (const [what, alter, undo] of alterations) {
        alter();
        expect(await same(), what).toBe(false);
        undo?.();
        back();
        expect(await same(), `${what}, taken back`).toBe(true);
      }
      expect(await now(shown, { policyVersion: 'another' })).not.toBe(shown.subject.digest);
      const runs: PayloadDeps['runs'] = {
        ...w.core.store.runs,
        status: async (id) => {
          const found = await w.core.store.runs.status(id);
          return found === null ? null : { ...found, spec: { ...found.spec, hash: `${found.spec.hash}x` } };
        },
      };
      expect(await now(shown, { runs })).not.toBe(shown.subject.digest);
      if (kind === 'changes') return;
      for (const argv of [
        ['rm', '-rf', 'x', ''],
        ['rm', '-rf'],
        ['rm', '-rf x'],
        ['rm', '-rf', 'y'],
      ]) {
        const other = await content({ kind, stream: null, argv });
        expect(digestOf(other.payload)).not.toBe(shown.subject.digest);
      }
    },
    60_000,
  );
});
