import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AuditLog } from '../../db/audit.ts';
import { createCleaningStore } from '../../db/cleaning.ts';
import { createDecisionStore } from '../../db/decisions.ts';
import { EventLog } from '../../db/event-log.ts';
import { openStore } from '../../db/open.ts';
import { told } from '../../src/cli/clean.ts';
import { keepTidy, planCleaning, tidyUp } from '../../src/ops/cleaning.ts';
import type { Cleaner } from '../../src/ports/cleaning.ts';
import { tidyWords } from '../../src/slack/tidy-words.ts';
import { createCleaner } from '../../src/workspace/cleaning.ts';
import { AT, type Bench, bench, git } from '../workspace/support.ts';

const DAY = 86_400_000;
const AFTER = 14 * DAY;

/** Runs in a real database over a real repository, each with a branch of its own that holds a commit and a snapshot. */
async function house(place: Bench) {
  const { raw, db, close } = openStore(join(place.root, 'baton.db'));
  const log = new EventLog(raw, new AuditLog(raw, join(place.root, 'heads.txt')));
  const time = { now: AT + DAY };
  const errors: unknown[] = [];
  const options = {
    store: createCleaningStore(raw),
    decisions: createDecisionStore(db, log),
    cleaner: createCleaner({ home: place.home, github: null }),
    clock: { now: () => time.now },
    afterMs: AFTER,
    onError: (error: unknown) => void errors.push(error),
  };
  const insert = raw.prepare(
    `insert into runs (id, session_id, status, spec, hash, created_at, ended_at) values (?, 's', ?, ?, 'h', ?, ?)`,
  );
  const add = (id: string, status: string, branch: string, endedAt: number | null) =>
    insert.run(id, status, JSON.stringify({ input: { repository: place.repository, branch } }), AT, endedAt);
  const work = async (id: string, status = 'completed') => {
    const branch = `baton/work-${id}`;
    const workspace = await place.open(id, branch);
    await workspace.files.write(`${id}.js`, `${id}\n`);
    const { tree } = await workspace.snapshot('end', AT);
    await workspace.commit({ tree, message: id, at: AT });
    await place.workspaces.close(id);
    add(id, status, branch, status === 'completed' ? AT : null);
    return branch;
  };
  const merge = (branch: string) => git(place.repository, 'merge', '-q', '--no-ff', '-m', 'Merge', branch);
  const refs = () => git(place.repository, 'for-each-ref', '--format=%(refname)').split('\n');
  return { options, work, merge, add, refs, raw, errors, time, [Symbol.dispose]: close };
}

describe('tidying up', () => {
  it('removes what is merged, records it, and says what stays', async () => {
    await using place = await bench();
    using here = await house(place);
    const merged = await here.work('run_a');
    const alone = await here.work('run_b');
    const paused = await here.work('run_c', 'paused');
    here.merge(merged);
    here.merge(paused);
    const before = here.refs();
    const plans = await planCleaning(here.options);
    expect(here.refs()).toEqual(before);
    expect(told(plans, AFTER).join('\n')).toContain(`keeps refs/heads/${alone}: it exists nowhere else`);
    expect(told(plans, AFTER).join('\n')).toContain('would remove refs/baton/snap/run_a/end');

    const report = await tidyUp(here.options);
    expect(here.errors).toEqual([]);
    expect(report).toMatchObject({ branches: 1, states: 1, kept: [{ ref: `refs/heads/${alone}` }] });
    expect(await here.options.store.lastReport()).toEqual(report);
    expect(here.refs()).toEqual(before.filter((ref) => !ref.includes('run_a')));
    expect(await here.options.decisions.ofRun('run_a')).toMatchObject([
      {
        kind: 'clean',
        actor: 'baton',
        evidence: { removed: [expect.stringContaining('snap/run_a'), expect.stringContaining(merged)] },
      },
    ]);
    expect(tidyWords(report, report.at)).toBe(
      'Tidied up: 1 branch and 1 saved state of ended runs were removed: merged, or pushed; 1 branch of ended runs stay: neither merged nor pushed.',
    );
    expect(await tidyUp(here.options)).toMatchObject({ branches: 0, states: 0 });
  });

  it('leaves what a part of a run, or a question, still holds', async () => {
    await using place = await bench();
    using here = await house(place);
    here.merge(await here.work('run_a'));
    here.add('run_a.back-1', 'running', 'x', null);
    const before = here.refs();
    expect(await tidyUp(here.options)).toMatchObject({ branches: 0, states: 0 });
    expect(here.refs()).toEqual(before);
    here.raw.prepare("update runs set status = 'completed', ended_at = ? where id like '%.back-1'").run(AT);
    expect(await tidyUp(here.options)).toMatchObject({ branches: 1, states: 1 });
  });

  it('goes on where it was killed, and looks anew at a run that was opened meanwhile', async () => {
    await using place = await bench();
    using here = await house(place);
    here.merge(await here.work('run_a'));
    here.merge(await here.work('run_b'));
    const { cleaner } = here.options;
    // The first plan is cut short after its first ref; before the second, somebody opens that run again.
    const cut: Cleaner = {
      look: (...given) => cleaner.look(...given),
      async remove(plan) {
        await cleaner.remove({ ...plan, remove: plan.remove.slice(0, 1) });
        here.raw.prepare("update runs set status = 'paused', ended_at = null where id = 'run_b'").run();
        throw new Error('killed');
      },
    };
    await tidyUp({ ...here.options, cleaner: cut });
    expect(here.errors).toHaveLength(1);
    expect(here.refs()).toContain('refs/heads/baton/work-run_a');
    await tidyUp(here.options);
    expect(here.refs().filter((ref) => ref.includes('run_a'))).toEqual([]);
    expect(here.refs().filter((ref) => ref.includes('run_b'))).toHaveLength(2);
  });

  it('asks the remote itself whether it has what ended long ago', async () => {
    await using place = await bench();
    using here = await house(place);
    const remote = join(place.root, 'remote.git');
    git(place.root, 'clone', '-q', '--bare', place.repository, remote);
    const branch = await here.work('run_a');
    git(place.repository, 'remote', 'add', 'origin', remote);
    git(place.repository, 'push', '-q', 'origin', branch);
    here.time.now = AT + AFTER;
    // The repository still believes it to be there.
    git(remote, 'update-ref', '-d', `refs/heads/${branch}`);
    expect((await tidyUp(here.options)).kept).toEqual([{ ref: `refs/heads/${branch}`, why: 'only_here' }]);
    git(place.repository, 'push', '-q', 'origin', `+${branch}:refs/heads/${branch}`);
    here.time.now = AT + AFTER - 1;
    expect(await tidyUp(here.options)).toMatchObject({ branches: 0, kept: [] });
    here.time.now = AT + AFTER;
    expect(await tidyUp(here.options)).toMatchObject({ branches: 1, states: 1 });
    expect(existsSync(join(place.home, 'pushes'))).toBe(true);
  });

  it('can be stopped', async () => {
    await using place = await bench();
    using here = await house(place);
    expect(keepTidy(here.options)()).toBeUndefined();
  });
});
