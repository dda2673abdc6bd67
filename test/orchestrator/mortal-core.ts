import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Core } from '../../src/compose/core.ts';
import type { CoreOptions } from '../../src/compose/core-options.ts';
import { EmbeddedEngine, type EngineOptions } from '../../src/engine/engine.ts';
import type { Activity } from '../../src/ports/activity.ts';
import type { Journal, JournalWrite } from '../../src/ports/journal.ts';
import { coreAt, type Place } from '../support/core.ts';

/** When a process dies: with what a turn was to store lost, or stored and nothing done about it yet. */
export type Moment = 'before' | 'after';

/** Whether to die at this commit. */
export type Fate = (writes: readonly JournalWrite[], moment: Moment) => boolean;

/** What a process that is gone leaves behind, as it stood at that very moment. */
const LASTING = ['baton.db', 'baton.db-wal', 'audit-heads.txt'] as const;
const GIT = '/usr/bin/git';

export interface Life {
  readonly core: Core;
  /** Settles when the process dies. */
  readonly died: Promise<void>;
  /** Clears up after a death: nothing of it works on, and the store is as it was at that moment. */
  readonly bury: () => Promise<void>;
}

/**
 * A core that dies when told. From then on no commit is kept and no call to git begins: an effect that is under way
 * stops between two calls, as it does when the process is killed. What it changed in files until then stays.
 */
export async function liveAt(
  place: Place,
  fate: Fate,
  own: Partial<CoreOptions> = {},
  plant: (activities: readonly Activity[]) => readonly Activity[] = (activities) => activities,
): Promise<Life> {
  const { home } = place;
  const bin = gitOfOneLife(home);
  const frozen = path.join(home, 'frozen');
  const death = Promise.withResolvers<void>();
  let dead = false;
  const die = (): void => {
    dead = true;
    writeFileSync(path.join(bin, 'dead'), '');
    rmSync(frozen, { recursive: true, force: true });
    mkdirSync(frozen);
    for (const name of LASTING)
      if (existsSync(path.join(home, name))) copyFileSync(path.join(home, name), path.join(frozen, name));
    death.resolve();
  };
  const commit = (journal: Journal, writes: readonly JournalWrite[]): readonly string[] => {
    if (!dead && fate(writes, 'before')) die();
    if (dead) throw new Error('This process is gone');
    const newborn = journal.commit(writes);
    if (fate(writes, 'after')) die();
    return newborn;
  };
  const core = await coreAt(place, {
    ...own,
    searchPath: `${bin}:/usr/bin:/bin`,
    createEngine: (parts: EngineOptions) =>
      new EmbeddedEngine({
        ...parts,
        activities: plant(parts.activities),
        journal: watched(parts.journal, (writes) => commit(parts.journal, writes)),
      }),
  });
  core.engine.recover();
  return {
    core,
    died: death.promise,
    bury: async () => {
      await core.stop();
      for (const name of LASTING) rmSync(path.join(home, name), { force: true });
      rmSync(path.join(home, 'baton.db-shm'), { force: true });
      for (const name of readdirSync(frozen)) copyFileSync(path.join(frozen, name), path.join(home, name));
    },
  };
}

function watched(journal: Journal, commit: Journal['commit']): Journal {
  return {
    commit,
    load: (runId) => journal.load(runId),
    signals: (runId) => journal.signals(runId),
    status: (runId) => journal.status(runId),
    recoverable: (now) => journal.recoverable(now),
    attempts: (runId) => journal.attempts(runId),
    due: (now, limit) => journal.due(now, limit),
    nextTimer: () => journal.nextTimer(),
    openChildren: (runId) => journal.openChildren(runId),
    release: (runId) => journal.release(runId),
  };
}

/** A git of its own for each life, which does nothing any more once that is over. */
function gitOfOneLife(home: string): string {
  const bin = path.join(home, 'bin', String(readdirOr(path.join(home, 'bin')).length + 1));
  mkdirSync(bin, { recursive: true });
  const file = path.join(bin, 'git');
  writeFileSync(
    file,
    `#!/bin/sh\n[ -e ${JSON.stringify(path.join(bin, 'dead'))} ] && exit 137\nexec ${GIT} "$@"\n`,
  );
  chmodSync(file, 0o755);
  return bin;
}

function readdirOr(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
