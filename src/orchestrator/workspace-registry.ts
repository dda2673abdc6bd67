import { BatonError } from '../domain/failure.ts';
import { rootRun } from '../domain/run.ts';
import type { Projections, RunReader } from '../ports/store.ts';
import type { Past, ResourceClass, Workspace, Workspaces } from '../ports/workspace.ts';
import { type SessionInput, sessionInputSchema } from './contracts.ts';
import { resourcesOf } from './resource-class.ts';

/** Ids of worktrees kept as closed: an effect that was given up needs seconds to notice. */
const CLOSED_KEPT = 2_000;
/** Events read at once when a run's worktree is looked up after a restart. */
const PAGE = 500;

/**
 * The open worktrees of this process. After a restart a worktree is found again from the run's own events, so
 * nothing needs to be remembered.
 */
export class WorkspaceRegistry {
  readonly #open = new Map<string, Promise<Workspace>>();
  /** What was closed here: an effect that was given up, and has not noticed yet, must not make it anew. */
  readonly #closed = new Set<string>();
  /** Meetings that were told, by run: a restart may tell one again. */
  readonly #told = new Map<string, Set<string>>();
  readonly #deps: {
    readonly workspaces: Workspaces;
    readonly runs: RunReader;
    readonly projections: Projections;
  };

  constructor(deps: {
    readonly workspaces: Workspaces;
    readonly runs: RunReader;
    readonly projections: Projections;
  }) {
    this.#deps = deps;
  }

  async input(runId: string): Promise<SessionInput> {
    const run = await this.#deps.runs.status(runId);
    if (run === null)
      throw new BatonError({ class: 'structural', code: 'run_unknown', message: `There is no run ${runId}` });
    return sessionInputSchema.parse(run.spec.input);
  }

  /** The run's own worktree. */
  open(runId: string, location: string, branch: string, base: string): Promise<Workspace> {
    return this.#remember(runId, async () =>
      this.#deps.workspaces.open({ runId, location, branch, base, resources: await this.#resources(runId) }),
    );
  }

  /** @param stream null: the run's own worktree */
  of(given: string, stream: string | null): Promise<Workspace> {
    if (stream !== null) return this.openStream(given, stream);
    const runId = rootRun(given);
    return this.#remember(runId, async () => {
      const { repository } = await this.input(runId);
      const { branch, base } = await this.#ready(runId);
      const resources = await this.#resources(runId);
      return this.#deps.workspaces.open({ runId, location: repository, branch, base, resources });
    });
  }

  /** What a run left in its repository. @throws BatonError `workspace_unknown` when it never had a worktree */
  async past(given: string): Promise<Past & { readonly base: string; readonly branch: string }> {
    const runId = rootRun(given);
    const { repository } = await this.input(runId);
    const { branch, base } = await this.#ready(runId);
    return {
      ...(await this.#deps.workspaces.past({ runId, location: repository, branch, base })),
      branch,
      base,
    };
  }

  /** Makes a stream's worktree, or finds it; without a parent it has to be there. */
  openStream(given: string, stream: string, parent?: string | null): Promise<Workspace> {
    const runId = rootRun(given);
    return this.#remember(`${runId}/${stream}`, async () => {
      const { repository } = await this.input(runId);
      const wanted = {
        runId,
        location: repository,
        stream,
        resources: await this.#resources(runId),
      };
      return this.#deps.workspaces.openStream(parent === undefined ? wanted : { ...wanted, parent });
    });
  }

  async #resources(runId: string): Promise<ResourceClass> {
    return resourcesOf((await this.#deps.runs.status(runId))?.spec.definition);
  }

  streams(runId: string): ReturnType<Workspaces['streams']> {
    return this.#deps.workspaces.streams(rootRun(runId));
  }

  /** Saves what streams that are still open hold: their worktrees go with the run, their work stays. */
  async saveStreams(runId: string, at: number, only?: readonly string[]): Promise<void> {
    const all = await this.streams(runId);
    const within = (stream: string | null): boolean =>
      stream !== null &&
      (only?.includes(stream) === true || within(all.find((each) => each.stream === stream)?.parent ?? null));
    for (const { stream } of all)
      if (only === undefined || within(stream))
        await (await this.of(runId, stream)).line.save('unfinished', at);
  }

  /** Files in which a stream and its siblings will meet, as their newest snapshots stand; each meeting once. */
  async meetings(
    given: string,
    stream: string,
  ): Promise<{ readonly other: string; readonly paths: readonly string[] }[]> {
    // Parts of a run share its streams: what one of them told is told, and goes with the run.
    const runId = rootRun(given);
    const all = await this.streams(runId);
    const parent = all.find((each) => each.stream === stream)?.parent;
    const siblings = all.filter((each) => each.parent === parent && each.stream !== stream);
    const { line } = await this.of(runId, stream);
    const told = this.#told.get(runId) ?? new Set<string>();
    this.#told.set(runId, told);
    const news: { other: string; paths: string[] }[] = [];
    for (const { stream: other } of siblings) {
      const key = (path: string): string => [...[stream, other].toSorted(), path].join(' ');
      const paths = (await line.meets(other)).filter((path) => !told.has(key(path)));
      for (const path of paths) told.add(key(path));
      if (paths.length > 0) news.push({ other, paths });
    }
    return news;
  }

  async closeStream(given: string, stream: string): Promise<void> {
    const runId = rootRun(given);
    await this.#closing(`${runId}/${stream}`, `${runId}/`, async () => {
      // Those within it go, too; whoever is still there is found again.
      this.#forget(`${runId}/`);
      await this.#deps.workspaces.closeStream(runId, stream);
    });
  }

  /** Does nothing for a part of a run: its worktree is its root's. */
  async close(runId: string): Promise<void> {
    if (runId !== rootRun(runId)) return;
    await this.#closing(runId, runId, async () => {
      this.#open.delete(runId);
      this.#told.delete(runId);
      this.#forget(`${runId}/`);
      await this.#deps.workspaces.close(runId);
    });
  }

  /** From now on nobody opens it; what is being opened below `prefix` is waited for, so that it is closed with the rest. */
  async #closing(id: string, prefix: string, close: () => Promise<void>): Promise<void> {
    this.#closed.add(id);
    const [oldest] = this.#closed;
    if (this.#closed.size > CLOSED_KEPT && oldest !== undefined) this.#closed.delete(oldest);
    try {
      await Promise.allSettled(
        [...this.#open].flatMap(([key, open]) => (key.startsWith(prefix) ? [open] : [])),
      );
      await close();
    } catch (error) {
      // It is still there, and so is what whoever tries again needs of it.
      this.#closed.delete(id);
      throw error;
    }
  }

  #forget(prefix: string): void {
    for (const id of this.#open.keys()) if (id.startsWith(prefix)) this.#open.delete(id);
  }

  /** Whether the run works on the rehearsal's own sample. Looking at a repository by its address is a fetch each time. */
  async onSample(runId: string): Promise<boolean> {
    const { repository } = await this.input(runId);
    return (await this.#deps.workspaces.inspect(repository)).sample;
  }

  #remember(id: string, open: () => Promise<Workspace>): Promise<Workspace> {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const [runId = id] = id.split('/');
    if (this.#closed.has(id) || this.#closed.has(runId)) return Promise.reject(closed());
    const opening = open().catch((error: unknown) => {
      // The next attempt tries again instead of meeting this failure for ever.
      if (this.#open.get(id) === opening) this.#open.delete(id);
      throw error;
    });
    this.#open.set(id, opening);
    return opening;
  }

  async #ready(runId: string): Promise<{ readonly branch: string; readonly base: string }> {
    for (let after = 0; ; ) {
      const events = await this.#deps.projections.events(runId, after, PAGE);
      for (const { event } of events)
        if (event.type === 'workspace.ready') return { branch: event.branch, base: event.base };
      const last = events.at(-1);
      if (last === undefined)
        throw new BatonError({
          class: 'structural',
          code: 'workspace_unknown',
          message: `The run ${runId} has no worktree`,
        });
      after = last.seq;
    }
  }
}

function closed(): BatonError {
  const message = 'The worktree was closed while this was under way';
  return new BatonError({ class: 'cancelled', code: 'cancelled', message });
}
