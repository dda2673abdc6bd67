import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toFailure } from '../../src/domain/failure.ts';
import { keepHouse, sweep } from '../../src/ops/housekeeping.ts';
import { castFileSchema, endService, ensureService } from '../../src/ops/local-services.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('housekeeping', () => {
  const clock = new VirtualClock();
  function house(broken: readonly string[]) {
    const closed: string[] = [];
    const errors: unknown[] = [];
    const options = {
      store: {
        sweep: async () => 3,
        endedRuns: async (limit: number) => ['run_1', 'run_2', 'run_3'].slice(0, limit),
      },
      clock,
      closeWorkspace: async (runId: string) => {
        if (broken.includes(runId)) throw new Error(`${runId} stays`);
        closed.push(runId);
      },
      onError: (error: unknown) => void errors.push(error),
    };
    return { options, closed, errors };
  }

  test('a sweep closes the worktrees of what has ended', async () => {
    const { options, closed, errors } = house([]);
    expect(await sweep(options)).toBe(3);
    expect(closed).toEqual(['run_1', 'run_2', 'run_3']);
    expect(errors).toEqual([]);
  });

  test('one worktree that stays does not keep the others', async () => {
    const { options, closed, errors } = house(['run_1']);
    expect(await sweep(options)).toBe(3);
    expect(closed).toEqual(['run_2', 'run_3']);
    expect(errors).toEqual([new Error('run_1 stays')]);
  });

  test('the hourly one can be stopped', () => {
    const { options } = house([]);
    const stop = keepHouse(options);
    expect(stop()).toBeUndefined();
  });
});

describe('a service beside Baton', () => {
  let folder: string;
  const pids: number[] = [];
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'service-'));
  });
  afterEach(() => {
    for (const pid of pids.splice(0)) endService(pid);
    rmSync(folder, { recursive: true, force: true });
  });
  const project = fileURLToPath(new URL('../../', import.meta.url));
  const options = (script: string) => {
    const entry = path.join(folder, 'service.mjs');
    writeFileSync(entry, script);
    return {
      name: 'cast',
      entry: path.relative(project, entry),
      file: path.join(folder, 'cast.json'),
      schema: castFileSchema,
      environment: { SERVICE_FILE: path.join(folder, 'cast.json') },
      logs: path.join(folder, 'logs'),
      health: (url: string) => `${url}/health`,
    };
  };
  const SERVES = `
    import { createServer } from 'node:http';
    import { writeFileSync } from 'node:fs';
    const server = createServer((_, response) => response.end('ok'));
    server.listen(0, '127.0.0.1', () =>
      writeFileSync(process.env.SERVICE_FILE, JSON.stringify({ url: 'http://127.0.0.1:' + server.address().port, pid: process.pid })));
  `;

  test('started once, found again, started anew when it is gone', async () => {
    const given = options(SERVES);
    const first = await ensureService(given);
    pids.push(first.info.pid);
    expect(first.started).toBe(true);
    expect(await ensureService(given)).toEqual({ info: first.info, started: false });
    writeFileSync(given.file, JSON.stringify({ ...first.info, url: 'http://127.0.0.1:1' }));
    const second = await ensureService(given);
    pids.push(second.info.pid);
    expect(second.started).toBe(true);
    expect(second.info.pid).not.toBe(first.info.pid);
  });

  test.each(['', '{"url":', '{"url":"http://127.0.0.1:1","pid":2147483647}'])(
    'a file that says %j is not believed',
    async (text) => {
      const given = options(SERVES);
      writeFileSync(given.file, text);
      const { info, started } = await ensureService(given);
      pids.push(info.pid);
      expect(started).toBe(true);
      expect(existsSync(given.file)).toBe(true);
    },
  );

  test('one that dies at once is said, with its last words and where the rest is', async () => {
    const failure = await ensureService(options('console.error("the port is taken"); process.exit(1);')).then(
      () => null,
      toFailure,
    );
    expect(failure).toMatchObject({
      class: 'terminal',
      code: 'service_failed',
      message: expect.stringContaining('the port is taken'),
      hint: expect.stringContaining('cast.log'),
    });
    expect(readFileSync(path.join(folder, 'logs/cast.log'), 'utf8')).toContain('the port is taken');
  });

  test('it gets none of our environment but what it is given', async () => {
    const given = options(
      `import { writeFileSync } from 'node:fs'; console.error(Object.keys(process.env).sort().join(' ')); process.exit(1);`,
    );
    const failure = await ensureService(given).then(() => null, toFailure);
    expect(failure?.message).toContain('NODE_NO_WARNINGS PATH SERVICE_FILE');
  });

  test('ending what has ended already is no error', () => {
    expect(() => endService(2_147_483_647)).not.toThrow();
  });
});
