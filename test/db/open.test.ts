import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isFenced } from '../../db/fence.ts';
import { openStore, refuseOld } from '../../db/open.ts';
import { BatonError, type Failure } from '../../src/domain/failure.ts';

const HOLDER = fileURLToPath(new URL('./holder.ts', import.meta.url));
let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'baton store ä-'));
  file = path.join(folder, 'baton.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('every commit is on the disk: WAL with synchronous=FULL, checked on the connection itself', () => {
  const { raw, close } = openStore(file);
  expect(raw.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(raw.pragma('synchronous', { simple: true })).toBe(2);
  expect(raw.pragma('foreign_keys', { simple: true })).toBe(1);
  close();
});

test('a second process is refused while the first lives, and not a moment longer', async () => {
  const child = spawn(process.execPath, [HOLDER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const refused = failureOf(() => openStore(file));
  expect(refused.code).toBe('store_locked');
  expect(refused.message).toContain(`process ${child.pid}`);
  expect(refused.hint).toContain('BATON_HOME');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  // The killed process left its note and its files; nothing of them is in the way, and its commit is there.
  expect(existsSync(`${file}.pid`)).toBe(true);
  const { raw, close } = openStore(file);
  expect(raw.prepare('select count(*) from kept').pluck().get()).toBe(1);
  close();
});

test('the same process cannot open it twice, but again after closing', () => {
  const first = openStore(file);
  expect(failureOf(() => openStore(file)).code).toBe('store_locked');
  first.close();
  openStore(file).close();
});

describe('a process whose lock was lost while it was stopped', () => {
  /** What a stopped process finds when it goes on: its lock is a file that is gone, and another one has the database. */
  function takenOver() {
    const stopped = openStore(file);
    stopped.raw.exec("insert into settings (key, value, at) values ('mine', 'before', 0)");
    rmSync(`${file}.held`);
    const other = openStore(file);
    return { stopped, other };
  }

  test('changes nothing more, in any table, and knows it', () => {
    const { stopped, other } = takenOver();
    expect([stopped.isOurs(), other.isOurs()]).toEqual([false, true]);
    const tables = z
      .array(z.string())
      .parse(
        other.raw
          .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
          .pluck()
          .all(),
      );
    expect(tables.length).toBeGreaterThan(20);
    for (const table of tables) {
      let refusal: unknown = null;
      try {
        stopped.raw.exec(`insert into "${table}" default values`);
      } catch (error) {
        refusal = error;
      }
      expect(isFenced(refusal), table).toBe(true);
    }
    for (const write of ["update settings set value = 'after'", 'delete from settings'])
      expect(() => stopped.raw.exec(write), write).toThrow(/fenced/);
    expect(other.raw.prepare("select value from settings where key = 'mine'").pluck().get()).toBe('before');
    // Whoever has it goes on.
    other.raw.exec("update settings set value = 'after' where key = 'mine'");
    other.close();
    stopped.close();
  });

  test('loses the whole transaction it was in the middle of', () => {
    const { stopped, other } = takenOver();
    const write = stopped.raw.transaction(() => {
      stopped.raw.exec('create temp table own (n integer)');
      stopped.raw.exec("update settings set value = 'half' where key = 'mine'");
    });
    expect(() => write.immediate()).toThrow(/fenced/);
    expect(other.raw.prepare("select value from settings where key = 'mine'").pluck().get()).toBe('before');
    other.close();
    stopped.close();
  });

  test('knows that its file was put aside for another one', () => {
    const { raw, isOurs, close } = openStore(file);
    raw.pragma('wal_checkpoint(truncate)');
    expect(isOurs()).toBe(true);
    renameSync(file, `${file}.aside`);
    expect(isOurs()).toBe(false);
    copyFileSync(`${file}.aside`, file);
    expect(isOurs()).toBe(false);
    close();
  });
});

test('of many that start at once exactly one gets it', async () => {
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, [HOLDER, file], { stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  let held = 0;
  const ended = children.map(
    (child) =>
      new Promise<number>((resolve) => {
        child.stdout.once('data', () => {
          held += 1;
          resolve(held);
        });
        child.once('exit', () => resolve(0));
      }),
  );
  await Promise.all(ended);
  expect(held).toBe(1);
  await Promise.all(
    children.map((child) => {
      const gone = new Promise((resolve) =>
        child.exitCode === null ? child.once('exit', resolve) : resolve(null),
      );
      child.kill('SIGKILL');
      return gone;
    }),
  );
});

test('a newer schema is refused and left as it is', () => {
  const first = openStore(file);
  first.raw
    .prepare("insert into __drizzle_migrations (hash, created_at) values ('future', ?)")
    .run(Date.now() + 1e12);
  first.close();
  const before = readFileSync(file);
  const refused = failureOf(() => openStore(file));
  expect(refused).toMatchObject({ code: 'store_newer', message: expect.stringContaining('newer version') });
  expect(readFileSync(file)).toEqual(before);
});

test('an SQLite that can lose data is refused', () => {
  for (const old of ['3.51.2', '3.50.9', '3.9.0', '2.99.99']) {
    expect(failureOf(() => refuseOld(old)).code).toBe('sqlite_too_old');
  }
  for (const fine of ['3.51.3', '3.52.0', '4.0.0']) expect(() => refuseOld(fine)).not.toThrow();
});

test('a file that is no database, or a damaged one, is said to be so and left as it is', () => {
  writeFileSync(
    file,
    'these are not the pages you are looking for, and they go on for a while. '.repeat(100),
  );
  const before = readFileSync(file);
  expect(failureOf(() => openStore(file))).toMatchObject({
    code: 'store_corrupt',
    hint: expect.stringContaining('backup'),
  });
  expect(readFileSync(file)).toEqual(before);

  const other = path.join(folder, 'other.db');
  const { raw, close } = openStore(other);
  const insert = raw.prepare('insert into settings (key, value, at) values (?, hex(randomblob(400)), 0)');
  for (let n = 0; n < 200; n += 1) insert.run(`key-${n}`);
  close();
  const pages = readFileSync(other);
  pages.fill(0x5a, 4_096 * 6, 4_096 * 30);
  writeFileSync(other, pages);
  expect(failureOf(() => openStore(other)).code).toBe('store_corrupt');
});

test('where nothing can be written it says so', () => {
  writeFileSync(path.join(folder, 'plain'), '');
  const below = path.join(folder, 'plain', 'home', 'baton.db');
  expect(failureOf(() => openStore(below))).toMatchObject({
    code: 'store_unwritable',
    hint: expect.stringContaining('BATON_HOME'),
  });
});

// The superuser may write everywhere.
test.skipIf(process.getuid?.() === 0)('a folder without the right to write says so', () => {
  chmodSync(folder, 0o500);
  expect(failureOf(() => openStore(file)).code).toBe('store_unwritable');
  chmodSync(folder, 0o700);
});

function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    if (error instanceof BatonError) return error.failure;
    throw error;
  }
  throw new Error('It was not refused');
}
