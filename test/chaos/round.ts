import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Baton, type Desk, type Plant, servicesOf, startBaton, startDesk } from './baton.ts';
import { type Evidence, type Expected, outcomesOf, problemsOf, threadOf } from './checks.ts';
import { readDatabase, readRepository } from './evidence.ts';
import { createLink, type Link } from './link.ts';
import { Person } from './person.ts';
import { type Phase, phaseAt } from './phases.ts';
import { commandOf, processesAround, signal } from './processes.ts';
import type { Random } from './random.ts';
import { pause, until } from './waiting.ts';

export const REQUEST = 'feature Add CSV export';
/** Milliseconds per turn of the cast: a run long enough to be hit anywhere. */
const CAST_DELAY_MS = 150;
/** A round that takes longer hangs. */
const ROUND_LIMIT_MS = 150_000;
/** After the last message nothing more may come for so long. */
const QUIET_MS = 2_500;
/** Milliseconds a supervisor takes to start Baton again. */
const RESTART_MS = [0, 400] as const;
/** How long processes may take to end after they were told to. */
const ENDING_MS = 5_000;

/** When Baton is killed. */
export interface PlannedKill {
  /** Milliseconds that Baton was up since the command; for `starting`, since it was started again; for `ending`, since Approve. */
  readonly at: number;
  /**
   * `post`: at the next moment from then on at which a post stands unanswered. `starting`: while it starts again
   * after the kill before. `ending`: while the approved work is put on its branch and the end is told.
   */
  readonly aim: 'moment' | 'post' | 'starting' | 'ending';
}

export interface Round {
  readonly home: string;
  readonly problems: readonly string[];
  readonly kills: readonly { readonly phase: Phase; readonly aim: PlannedKill['aim'] }[];
  readonly expected: Expected | null;
  readonly redelivered: number;
  /** Calls answered 429, by method. */
  readonly limited: Readonly<Record<string, number>>;
  readonly survivors: readonly string[];
  /** Milliseconds of each start, from spawned to ready. */
  readonly starts: readonly number[];
  readonly ms: number;
}

export interface RoundOptions {
  readonly kills: readonly PlannedKill[];
  readonly random: Random;
  /** Null measures an undisturbed run. */
  readonly expected: Expected | null;
  readonly plant: Plant | null;
  /** Share of envelopes that come twice. */
  readonly twice: number;
  /** Several epics at once in one repository; one when absent. */
  readonly runs?: number;
  /** Ends the round at once, and with it every process it started. */
  readonly signal: AbortSignal;
  /** Milliseconds; two and a half minutes when absent. */
  readonly limitMs?: number;
}

/** One fresh home, the main job on it, Baton killed at the given moments; checked, and removed when all is well. */
export async function playRound(options: RoundOptions): Promise<Round> {
  const began = performance.now();
  const home = mkdtempSync(path.join(tmpdir(), 'baton-chaos-'));
  const stage = new Stage(home, options);
  let round: Omit<Round, 'ms' | 'home'>;
  try {
    round = await stage.play();
  } catch (error) {
    round = {
      problems: [error instanceof Error ? error.message : String(error)],
      kills: [],
      expected: null,
      redelivered: 0,
      limited: {},
      survivors: [],
      starts: [],
    };
  } finally {
    await stage.end();
  }
  const left = await leftovers(home);
  const problems = [...round.problems, ...left.map((command) => `A process is left: ${command}`)];
  if (problems.length === 0) rmSync(home, { recursive: true, force: true });
  return { ...round, problems, home, ms: performance.now() - began };
}

class Stage {
  readonly #home: string;
  readonly #options: RoundOptions;
  readonly #killedAt: { at: number; aim: PlannedKill['aim'] }[] = [];
  readonly #survivors = new Set<string>();
  readonly #starts: number[] = [];
  #desk: Desk | null = null;
  #link: Link | null = null;
  #baton: Baton | null = null;
  #upSince: number | null = null;
  #over = false;

  constructor(home: string, options: RoundOptions) {
    this.#home = home;
    this.#options = options;
  }

  async play(): Promise<Omit<Round, 'ms' | 'home'>> {
    const { random, twice, expected, runs = 1, limitMs = ROUND_LIMIT_MS } = this.#options;
    const limit = performance.now() + limitMs;
    this.#desk = await startDesk(this.#home);
    this.#link = await createLink({ desk: this.#desk.url, random, twice });
    this.#desk.pointBatonAt(this.#link.apiUrl);
    if (!(await this.#start())) throw new Error(`Baton did not start: ${this.#baton?.output() ?? ''}`);

    const person = new Person(this.#desk.url, () => this.#upSince);
    const stop = (): boolean => this.#over || this.#options.signal.aborted || performance.now() > limit;
    const pressing = person.press(stop);
    const killing = this.#killAll(this.#link, person, stop);
    // Awaited below; until then a failure must not count as one that nobody sees.
    for (const each of [pressing, killing]) each.catch(() => undefined);
    const commandAt = Date.now();
    for (let run = 0; run < runs; run += 1) await person.type(REQUEST, run + 1, stop);
    await this.#told(person, killing, limit, runs);
    this.#over = true;
    await Promise.all([pressing, killing]);

    const [snapshot, stats] = [await person.look(), await person.stats()];
    const code = (await this.#baton?.stop()) ?? null;
    const evidence: Evidence = {
      kept: readDatabase(this.#home),
      repository: readRepository(this.#home),
      snapshot,
      stats,
      person: person.report(),
    };
    const problems = problemsOf(evidence, runs, expected);
    if (performance.now() > limit) problems.push(`The round was not over after ${limitMs / 1_000} s`);
    if (code !== 0) problems.push(`Baton ended with ${code} when it was asked to stop`);
    const events = evidence.kept.events;
    return {
      problems,
      kills: this.#killedAt.map(({ at, aim }) => ({ phase: phaseAt(events, at), aim })),
      expected: expectedFrom(evidence, commandAt),
      redelivered: this.#link.redelivered(),
      limited: Object.fromEntries(
        Object.entries(stats.calls).flatMap(([method, { limited }]) =>
          limited === 0 ? [] : [[method, limited]],
        ),
      ),
      survivors: [...this.#survivors],
      starts: this.#starts,
    };
  }

  /** Ends everything this round started, however it went. */
  async end(): Promise<void> {
    this.#over = true;
    this.#baton?.kill();
    await this.#baton?.ended;
    for (const pid of servicesOf(this.#home)) signal(pid, 'SIGTERM');
    if (this.#desk !== null) signal(this.#desk.pid, 'SIGTERM');
    await this.#link?.close();
  }

  async #start(): Promise<boolean> {
    const began = performance.now();
    this.#baton = startBaton(this.#home, { castDelayMs: CAST_DELAY_MS, plant: this.#options.plant });
    const ready = await this.#baton.ready;
    this.#starts.push(performance.now() - began);
    this.#upSince = ready ? performance.now() : null;
    return ready;
  }

  /** Carries out the planned kills, each followed by a restart. */
  async #killAll(link: Link, person: Person, stop: () => boolean): Promise<void> {
    let upBefore = 0;
    for (const [index, kill] of this.#options.kills.entries()) {
      if (kill.aim === 'starting') continue;
      if (kill.aim === 'ending') {
        upBefore = 0;
        while (person.report().taken['approval_approve'] === undefined && !stop()) await pause(10);
      }
      for (const due = performance.now() + kill.at - upBefore; performance.now() < due && !stop(); ) {
        await pause(Math.min(500, due - performance.now()));
      }
      if (kill.aim === 'post')
        await Promise.race([
          new Promise<void>((done) => link.onUnanswered(done)),
          until(() => (stop() ? true : null), 5_000),
        ]);
      upBefore = kill.at;
      if (stop()) return;
      await this.#kill(kill.aim);
      const next = this.#options.kills[index + 1];
      if (next?.aim === 'starting') {
        this.#baton = startBaton(this.#home, { castDelayMs: CAST_DELAY_MS, plant: this.#options.plant });
        await pause(next.at);
        await this.#kill('starting');
      }
      if (!(await this.#start()))
        throw new Error(`Baton did not start again: ${this.#baton?.output() ?? ''}`);
    }
  }

  async #kill(aim: PlannedKill['aim']): Promise<void> {
    this.#upSince = null;
    this.#baton?.kill();
    this.#killedAt.push({ at: Date.now(), aim });
    await this.#baton?.ended;
    await pause(this.#options.random.between(...RESTART_MS));
    const known = [...servicesOf(this.#home), this.#desk?.pid ?? 0];
    for (const pid of processesAround(this.#home))
      if (!known.includes(pid)) this.#survivors.add(commandOf(pid));
  }

  /** Waits until every epic shows its end, all kills are done, and nothing more is told. */
  async #told(person: Person, killing: Promise<void>, limit: number, runs: number): Promise<void> {
    let killed = false;
    const done = killing.then(() => {
      killed = true;
    });
    let last = '';
    let since = performance.now();
    while (performance.now() < limit) {
      this.#options.signal.throwIfAborted();
      const { messages } = await person.look();
      const now = JSON.stringify(messages);
      if (now !== last || !killed) since = performance.now();
      last = now;
      const ended = (await person.epics()).filter(({ text }) =>
        /done in|failed after|stopped/.test(text),
      ).length;
      const enough =
        this.#options.expected === null || messages.length >= runs * this.#options.expected.thread.length;
      // What should have come and has not gets longer: a sender in doubt looks before it sends.
      if (ended >= runs && performance.now() - since > (enough ? QUIET_MS : 4 * QUIET_MS)) break;
      await Promise.race([pause(100), ...(killed ? [] : [done])]);
    }
  }
}

function expectedFrom({ kept, repository, snapshot }: Evidence, commandAt: number): Expected | null {
  const [branch] = repository.branches;
  const epic = kept.messages.find(({ key }) => key.startsWith('epic:'));
  const end = kept.events.find(({ type, data }) => type === 'run.status' && data['status'] === 'completed');
  if (branch === undefined || end === undefined) return null;
  const lastTs = Math.max(...kept.messages.map(({ ts }) => Number(ts) * 1_000));
  return {
    tree: branch.tree,
    commits: branch.commits,
    thread: threadOf(
      snapshot,
      snapshot.messages.find(({ ts }) => ts === epic?.ts),
    ),
    events: outcomesOf(kept.events),
    endMs: end.at - commandAt,
    toldMs: lastTs - commandAt,
  };
}

/** Processes of a home that have not ended in time; they are ended now. */
async function leftovers(home: string): Promise<string[]> {
  await until(() => (processesAround(home).length === 0 ? true : null), ENDING_MS);
  return processesAround(home).map((pid) => {
    const command = commandOf(pid);
    signal(pid, 'SIGKILL');
    return command;
  });
}
