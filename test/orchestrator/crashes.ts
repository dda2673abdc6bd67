import { execFileSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { CoreOptions } from '../../src/compose/core-options.ts';
import type { Approval, Verdict } from '../../src/domain/approval.ts';
import type { RunEvent } from '../../src/domain/events.ts';
import { inventorySchema } from '../../src/domain/resources.ts';
import type { Node } from '../../src/domain/workflow.ts';
import { MAX_CRASHES } from '../../src/engine/turn.ts';
import type { Activity, StepContext } from '../../src/ports/activity.ts';
import type { JournalWrite } from '../../src/ports/journal.ts';
import {
  type Ended,
  foldersOf,
  followRun,
  openPlace,
  type Place,
  rowsIn,
  startRun,
  workflowOf,
} from '../support/core.ts';
import { type Fate, type Life, liveAt, type Moment } from './mortal-core.ts';

/** One workflow with streams that is killed at every event: whatever dies when, all that is left is as if nothing had been. */

/** Deaths of the process during one step. */
const MOST_CRASHES = MAX_CRASHES - 1;
/** Rounds in which every event has to have been died at. */
const MOST_ROUNDS = 40;
const BY = ['-c', 'user.name=b', '-c', 'user.email=b@localhost'] as const;

/** What is scripted, with files that the branch has in the end. */
export interface Doomed {
  readonly cast: string;
  readonly flow: Node;
  readonly files: readonly string[];
  /** Says yes at once unless given; null: the process is gone. */
  readonly answer?: (approval: Approval, life: Life, runId: string) => Promise<Verdict | null>;
}

/** What an agent does in a turn of its, by the node it is asked for. */
export const turnOf = (node: string, turn: number, calls: readonly (readonly [string, object])[]): string => `
    - when: { node: ${node}, turn: ${turn} }
      calls:${calls.map(([tool, args]) => `\n        - { tool: ${tool}, arguments: ${JSON.stringify(args)} }`).join('')}`;

export const writes = (node: string, files: Readonly<Record<string, string>>, turn = 0): string =>
  turnOf(
    node,
    turn,
    Object.entries(files).map(([path, content]) => ['write', { path, content }]),
  );

export const castOf = (...turns: readonly string[]): string => `name: Crash
roles:
  any:${turns.join('')}
    - when: { kind: work }
      result: { summary: done, files: [], warnings: [] }
`;

/** A command that looks for files, with the one desk there is. */
export const sees = (id: string, ...files: string[]): Node => ({
  kind: 'command',
  id,
  run: ['test', ...files.flatMap((file, at) => [...(at === 0 ? [] : ['-a']), '-f', file])],
  uses: { desk: 1 },
});

export type Plant = (activities: readonly Activity[]) => readonly Activity[];

interface Lived {
  readonly ended: Ended;
  readonly deaths: number;
  readonly leases: number;
  readonly told: readonly string[];
  /** What was decided by Baton itself. */
  readonly changes: readonly string[];
}

export class Crashes {
  /** What a run tells that nothing happens to, and what is left of it. */
  events: ReadonlySet<string> = new Set();
  wanted: Readonly<Record<string, unknown>> = {};
  readonly #doomed: Doomed;
  readonly own: Partial<CoreOptions>;
  #place: Place | null = null;
  #count = 0;

  constructor(doomed: Doomed) {
    this.#doomed = doomed;
    this.own = {
      extraWorkflows: [workflowOf('streams', doomed.flow)],
      resources: inventorySchema.parse({ desk: 1 }),
    };
  }

  get place(): Place {
    if (this.#place === null) throw new Error('open it first');
    return this.#place;
  }

  /** Runs it once in peace, to know what it tells and leaves. */
  async calm(): Promise<void> {
    await this.open();
    const lived = await this.#live(() => false);
    this.events = new Set(lived.told);
    this.wanted = this.#left(lived);
    await this.close();
  }

  async open(): Promise<void> {
    this.#place = await openPlace(this.#doomed.cast);
  }

  async close(): Promise<void> {
    await this.#place?.close();
  }

  git(...args: string[]): string {
    return execFileSync('git', args, {
      cwd: `${this.place.home}/sample/reports`,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  /** Runs, each killed wherever nobody has died yet, until every event of `open` was died at; each has to end as the calm one. */
  async campaign(open: Set<string>, when: Moment, plant?: Plant): Promise<number> {
    let deaths = 0;
    for (let round = 0; open.size > 0 && round < MOST_ROUNDS; round += 1) {
      const lived = await this.#live(reaper(open, when), plant);
      deaths += lived.deaths;
      this.#same(lived);
    }
    expect([...open], 'events that nobody died at').toEqual([]);
    return deaths;
  }

  #same(lived: Lived): void {
    const left = this.#left(lived);
    const differing = Object.entries(left).flatMap(([name, value]) =>
      isDeepStrictEqual(value, this.wanted[name]) ? [] : [name],
    );
    expect(left, `differs in ${differing.join(', ')}`).toEqual(this.wanted);
  }

  /** One run that is paused at each event of `open` it comes by and goes on from there; it has to end as the calm one. */
  async paused(open: Set<string>): Promise<number> {
    this.#count += 1;
    const { place } = this;
    const said: string[] = [];
    let pauses = 0;
    let wanted = false;
    let news = Promise.withResolvers<void>();
    const life = await liveAt(
      place,
      (turn, moment) => {
        if (moment !== 'after') return false;
        for (const name of told(turn)) {
          said.push(name);
          if (wanted || !open.delete(name)) continue;
          wanted = true;
          news.resolve();
        }
        return false;
      },
      this.own,
    );
    const { core } = life;
    const runId = await startRun(core, 'streams', `run ${this.#count}`);
    let ended: Ended | null = null;
    const pausing = async (): Promise<void> => {
      for (; ended === null; news = Promise.withResolvers<void>()) {
        await news.promise;
        if (ended === null) await core.steer.pause(runId, 'U', `pause ${pauses}`);
      }
    };
    const beside = pausing();
    for (;;) {
      const now = await followRun(core, runId);
      if (now === null) throw new Error('unreachable');
      if (now.status !== 'paused') {
        ended = now;
        break;
      }
      const why = now.of('run.status').at(-1)?.failure?.code;
      expect(why).toBe('paused_by_person');
      expect(await core.steer.resume(runId, 'U', `resume ${pauses}`)).toBe('done');
      pauses += 1;
      wanted = false;
    }
    news.resolve();
    await beside;
    await core.stop();
    this.#same({ ended, deaths: 0, leases: rowsIn(place, 'leases'), told: said, changes: [] });
    return pauses;
  }

  /** One run from its start to its end, over as many lives as it takes. */
  async #live(fate: Fate, plant?: Plant): Promise<Lived> {
    this.#count += 1;
    const intent = `run ${this.#count}`;
    const { place } = this;
    const { answer } = this.#doomed;
    const said: string[] = [];
    let deaths = 0;
    for (let runId: string | null = null; ; ) {
      const life = await liveAt(
        place,
        (turn, moment) => {
          if (moment === 'after') said.push(...told(turn));
          return fate(turn, moment);
        },
        this.own,
        plant,
      );
      // Started before anything can die: what comes in is kept elsewhere, and tested there.
      runId ??= await startRun(life.core, 'streams', intent);
      const ended = await followRun(
        life.core,
        runId,
        async (approval, id) => (answer === undefined ? 'approve' : answer(approval, life, id)),
        life.died,
      );
      if (ended === null) {
        deaths += 1;
        await life.bury();
        continue;
      }
      const changes = (await life.core.store.decisions.ofRun(runId)).flatMap(({ kind, choice }) =>
        kind === 'adaptation' ? [choice] : [],
      );
      await life.core.stop();
      return { ended, deaths, leases: rowsIn(place, 'leases'), told: said, changes };
    }
  }

  /** All that is to hold once a run is over, whatever it went through. */
  #left({ ended, leases, changes }: Lived): Readonly<Record<string, unknown>> {
    const { runId, branch } = ended;
    const refs = [`refs/baton/tip/${runId}`, `refs/baton/tip/${runId}.*`];
    const tips = this.git('for-each-ref', '--format=%(refname)', ...refs)
      .trim()
      .split('\n');
    const from = [branch, ...tips].map((ref) => `main..${ref}`);
    const subjects = this.git('log', '--format=%s', ...from)
      .trim()
      .split('\n');
    return {
      status: ended.status,
      why: ended
        .of('run.status')
        .flatMap(({ failure }) =>
          failure === undefined || failure.code === 'paused_by_person' ? [] : [failure],
        ),
      files: Object.fromEntries(this.#doomed.files.map((file) => [file, this.#onBranch(branch, file)])),
      tree: this.git('rev-parse', `${branch}^{tree}`).trim(),
      commits: this.git('rev-list', '--count', `main..${branch}`).trim(),
      twice: subjects.filter((subject, at) => subjects.indexOf(subject) !== at),
      checks: ended
        .of('command.finished')
        .map(({ node, exitCode }) => `${node} ${exitCode}`)
        .toSorted(),
      merged: ended
        .of('stream.merged')
        .map(({ stream, files }) => `${stream} ${files}`)
        .toSorted(),
      resolved: ended
        .of('conflict.resolved')
        .map(({ path, took, by }) => `${path} ${took} ${by}`)
        .toSorted(),
      points: ended
        .of('sync.reached')
        .map(({ point }) => point)
        .toSorted(),
      declared: ended
        .of('dependency.declared')
        .map(({ task, needs }) => `${task} needs ${needs}`)
        .toSorted(),
      moved: ended.of('adaptation.made').map(({ what }) => what),
      changes,
      folders: foldersOf(this.place.home, runId),
      worktrees: this.git('worktree', 'list').trim().split('\n').length,
      leases,
    };
  }

  #onBranch(branch: string, file: string): string | null {
    try {
      return this.git('show', `${branch}:${file}`);
    } catch {
      return null;
    }
  }

  /** A merge that, begun once more, puts its commit on the line of the run once more. */
  mergesTwice(): Plant {
    return mistaken('stream.merge', async (done, { runId }, again) => {
      const outcome = await done();
      const tip = `refs/baton/tip/${runId}`;
      if (again) {
        const subject = this.git('log', '-1', '--format=%s', tip).trim();
        const commit = this.git(...BY, 'commit-tree', '-p', tip, '-m', subject, `${tip}^{tree}`).trim();
        this.git('update-ref', tip, commit);
      }
      return outcome;
    });
  }
}

/** What a commit says of the run, each by a name that is the same in every run. */
export function told(writes: readonly JournalWrite[]): string[] {
  return writes.flatMap((write) => {
    if (write.w !== 'event' && write.w !== 'settle') return [];
    const { event } = write;
    return [[event.type, ...named(event)].join(' ')];
  });
}

function named(event: RunEvent): string[] {
  return Object.entries(event).flatMap(([name, value]) =>
    typeof value === 'string' && ['key', 'node', 'stream', 'point', 'path', 'status'].includes(name)
      ? [value]
      : [],
  );
}

/**
 * Dies at events that nobody has died at yet and takes them off `open`. Never a third time during one step: three crashes
 * set a step aside for people, which is tested elsewhere.
 */
function reaper(open: Set<string>, when: Moment): Fate {
  /** Steps under way, each with the deaths it has seen. */
  const under = new Map<string, number>();
  return (writes, moment) => {
    if (moment === 'after') follow(under, writes);
    if (moment !== when || [...under.values()].some((deaths) => deaths >= MOST_CRASHES)) return false;
    const news = told(writes).filter((name) => open.has(name));
    if (news.length === 0) return false;
    for (const name of news) open.delete(name);
    for (const [key, deaths] of under) under.set(key, deaths + 1);
    return true;
  };
}

function follow(under: Map<string, number>, writes: readonly JournalWrite[]): void {
  for (const write of writes) {
    if (write.w !== 'event' && write.w !== 'settle') continue;
    const { event } = write;
    if (event.type === 'step.started') under.set(event.key, under.get(event.key) ?? 0);
    else if (event.type === 'step.completed' || event.type === 'step.failed') under.delete(event.key);
  }
}

/** Gives one kind of effect a mistake; `again` says whether an earlier life had begun it, `more` makes its key another. */
export function mistaken(
  type: string,
  mistake: (done: (more?: string) => Promise<unknown>, step: StepContext, again: boolean) => Promise<unknown>,
): Plant {
  const begun = new Set<string>();
  return (activities) =>
    activities.map((activity) =>
      activity.type !== type
        ? activity
        : {
            type,
            perform(input, step) {
              const again = begun.has(step.idempotencyKey);
              begun.add(step.idempotencyKey);
              const { runId, key, attempt, signal } = step;
              const other = (more: string): StepContext => ({
                runId,
                key,
                attempt,
                signal,
                idempotencyKey: `${step.idempotencyKey}${more}`,
                emit: (event) => step.emit(event),
                use: (usage) => step.use(usage),
              });
              return mistake((more = '') => activity.perform(input, other(more)), step, again);
            },
          },
    );
}
