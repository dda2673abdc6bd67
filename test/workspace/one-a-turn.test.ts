import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createGit } from '../../src/workspace/git/git.ts';
import { countTurns } from '../support/turns.ts';

const CALLS = 12;
const folder = mkdtempSync(path.join(tmpdir(), 'one-a-turn-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('however many calls of git begin together, each turn of the event loop starts one process', async () => {
  const turns = countTurns();
  const started: number[] = [];
  const note = () => void started.push(turns.count());
  subscribe('child_process', note);
  try {
    const git = createGit({ home: folder, path: '/usr/local/bin:/usr/bin:/bin' });
    await Promise.all(Array.from({ length: CALLS }, () => git.config({ cwd: folder })));
  } finally {
    unsubscribe('child_process', note);
    turns.stop();
  }
  expect(started).toHaveLength(CALLS);
  expect(new Set(started).size).toBe(CALLS);
});
