/** What a schedule knows of a task. Sizes are of `measure`, times milliseconds. */
export interface Job {
  readonly id: string;
  /** Ids of the jobs that must have ended. */
  readonly needs: readonly string[];
  readonly uses: Readonly<Record<string, number>>;
  /** The user's word: 2 goes before 1 before 0. */
  readonly priority: number;
  readonly ms: number;
}

/** How much there is of a resource: `hard` is never exceeded, `soft` only where it has to be, at `cost` each time. */
export interface Limit {
  readonly hard: number;
  readonly soft: number | null;
  readonly cost: number;
}

export interface Breach {
  readonly resource: string;
  /** How much is in use with this one, and how much there should be at most. */
  readonly used: number;
  readonly soft: number;
  readonly cost: number;
}

/** A job that may begin, why it and not another, and what that breaks. */
export interface Start {
  readonly job: Job;
  readonly reason: string;
  readonly breaches: readonly Breach[];
}

/** The longest way from a job to the end of all work, itself included. */
export function pathsOf(jobs: readonly Job[]): ReadonlyMap<string, number> {
  const after = new Map<string, Job[]>();
  for (const job of jobs) for (const need of job.needs) after.set(need, [...(after.get(need) ?? []), job]);
  const paths = new Map<string, number>();
  const open = [...jobs];
  // From the ends backwards: a job's path is known once those of all that need it are.
  for (let left = open.length; left > 0; ) {
    for (const job of open.splice(0)) {
      const next = (after.get(job.id) ?? []).map(({ id }) => paths.get(id));
      if (next.some((path) => path === undefined)) open.push(job);
      else paths.set(job.id, job.ms + Math.max(0, ...next.map((path) => path ?? 0)));
    }
    if (open.length === left) break;
    left = open.length;
  }
  return paths;
}

/**
 * Deterministic list scheduling: whenever something ends, ready jobs are looked at by the user's priority, then by their
 * critical path, then by efficiency (the least part of the inventory first), then in the order written; each that fits
 * begins. What is free is never held back for a job that does not fit yet. Mutable: it is the state of one run of a node.
 */
export class Schedule {
  readonly #ranked: readonly Job[];
  readonly #paths: ReadonlyMap<string, number>;
  readonly #limits: Readonly<Record<string, Limit>>;
  readonly #most: number;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Readonly<Record<string, number>>>();
  readonly #ended = new Set<string>();
  /** Not looked at for now: their resources are not there at this time of day. */
  readonly #deferred = new Set<string>();

  /** @param most jobs at once */
  constructor(jobs: readonly Job[], limits: Readonly<Record<string, Limit>>, most: number) {
    this.#limits = limits;
    this.#most = most;
    this.#paths = pathsOf(jobs);
    const share = new Map(jobs.map((job) => [job.id, this.#share(job)]));
    const of = (map: ReadonlyMap<string, number>, { id }: Job): number => map.get(id) ?? 0;
    // Sorting is stable, so that equals stay in the order written.
    this.#ranked = [...jobs].sort(
      (a, b) =>
        b.priority - a.priority || of(this.#paths, b) - of(this.#paths, a) || of(share, a) - of(share, b),
    );
    for (const { id } of jobs) this.#waiting.add(id);
  }

  /** The job that begins next; null when none may. @param leftMs until the deadline; null where there is none */
  next(leftMs: number | null): Start | null {
    if (this.#running.size >= this.#most) return null;
    for (const job of this.#ready()) {
      if (!this.#fits(job)) continue;
      const breaches = this.#breaches(job);
      const late = leftMs !== null && (this.#paths.get(job.id) ?? 0) > leftMs;
      const must = job.priority > 1 ? 'its priority is high' : late ? 'the deadline is near' : null;
      if (breaches.length > 0 && must === null && this.#running.size > 0) continue;
      const why = breaches.length > 0 ? (must ?? 'nothing else could go on') : this.#why(job);
      return { job, reason: why, breaches };
    }
    return null;
  }

  /** Takes what a job uses; `copies` of it where several ways race. */
  start({ id, uses }: Job, copies = 1): void {
    this.#waiting.delete(id);
    const taken = Object.entries(uses).map(([name, size]): [string, number] => [name, size * copies]);
    this.#running.set(id, Object.fromEntries(taken));
  }

  end(id: string): void {
    this.#running.delete(id);
    this.#ended.add(id);
  }

  defer(id: string, yes: boolean): void {
    if (yes) this.#deferred.add(id);
    else this.#deferred.delete(id);
  }

  /** How many copies of a job could run beside what runs, without any breach, while nobody else is ready: 0 at least. */
  spare(job: Job): number {
    if (this.#ready().some(({ id }) => id !== job.id)) return 0;
    const used = this.#used();
    const rooms = Object.entries(job.uses).map(([name, size]) => {
      const limit = this.#limits[name];
      return limit === undefined
        ? Infinity
        : Math.floor(((limit.soft ?? limit.hard) - (used.get(name) ?? 0)) / size);
    });
    return Math.max(0, Math.min(this.#most - this.#running.size, ...rooms));
  }

  #ready(): Job[] {
    return this.#ranked.filter(
      ({ id, needs }) =>
        this.#waiting.has(id) && !this.#deferred.has(id) && needs.every((need) => this.#ended.has(need)),
    );
  }

  #used(): Map<string, number> {
    const used = new Map<string, number>();
    for (const uses of this.#running.values())
      for (const [name, size] of Object.entries(uses)) used.set(name, (used.get(name) ?? 0) + size);
    return used;
  }

  #fits({ uses }: Job): boolean {
    const used = this.#used();
    return Object.entries(uses).every(([name, size]) => {
      const limit = this.#limits[name];
      return limit === undefined || (used.get(name) ?? 0) + size <= limit.hard;
    });
  }

  #breaches({ uses }: Job): Breach[] {
    const before = this.#used();
    return Object.entries(uses).flatMap(([resource, size]) => {
      const { soft, cost } = this.#limits[resource] ?? { soft: null, cost: 0 };
      const used = (before.get(resource) ?? 0) + size;
      return soft !== null && used > soft ? [{ resource, used, soft, cost }] : [];
    });
  }

  /** The part of the inventory that a job takes, summed over resources. */
  #share({ uses }: Job): number {
    return Object.entries(uses).reduce(
      (sum, [name, size]) => sum + size / (this.#limits[name]?.hard ?? size),
      0,
    );
  }

  #why(job: Job): string {
    if (job.priority > 1) return 'its priority is high';
    const longest = Math.max(...this.#ready().map(({ id }) => this.#paths.get(id) ?? 0));
    return (this.#paths.get(job.id) ?? 0) >= longest ? 'it is on the longest path' : 'it fits what is free';
  }
}

/** When each job begins and ends by the very same rule, if all take as long as was said; null when some never can. */
export function simulate(
  jobs: readonly Job[],
  limits: Readonly<Record<string, Limit>>,
  most: number,
): ReadonlyMap<string, { readonly from: number; readonly to: number }> | null {
  const schedule = new Schedule(jobs, limits, most);
  const times = new Map<string, { from: number; to: number }>();
  const running = new Map<string, number>();
  let now = 0;
  for (;;) {
    for (let start = schedule.next(null); start !== null; start = schedule.next(null)) {
      schedule.start(start.job);
      running.set(start.job.id, now + start.job.ms);
      times.set(start.job.id, { from: now, to: now + start.job.ms });
    }
    const [first] = [...running].sort(([, a], [, b]) => a - b);
    if (first === undefined) return times.size === jobs.length ? times : null;
    now = first[1];
    for (const [id, to] of running) {
      if (to > now) continue;
      running.delete(id);
      schedule.end(id);
    }
  }
}
