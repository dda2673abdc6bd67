import { admit, type CircuitOutcome } from '../../domain/circuit.ts';
import type { Failure } from '../../domain/failure.ts';
import type { McpServer, McpServers } from '../../domain/mcp-settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HealthStore } from '../../ports/health.ts';
import type { Workspace } from '../../ports/workspace.ts';
import type { Connection } from './connection.ts';
import { type Understood, understandList } from './listing.ts';
import { McpRefusal, McpTrouble, ServerUnavailable } from './trouble.ts';

/** Milliseconds in which nobody calls a server, after which its program is ended; the next call starts it anew. */
const IDLE_MS = 10 * 60_000;

export interface ServersDependencies {
  readonly servers: McpServers;
  /** Values of the environment variables that the settings name. */
  readonly values: Readonly<Record<string, string>>;
  readonly workspaceOf: (runId: string, stream: string | null) => Promise<Pick<Workspace, 'start'>>;
  readonly health: HealthStore;
  readonly clock: Clock;
}

/** Whose call it is. */
export interface Caller {
  readonly runId: string;
  readonly stream: string | null;
  /** The same at every attempt: names the trial while a server is half-open. */
  readonly by: string;
  readonly signal: AbortSignal;
}

interface Live {
  readonly opening: Promise<Connection>;
  users: number;
  stopIdle: () => void;
}

/**
 * The servers of baton.yaml, each with a process or session of its own for every worktree that uses it. One that failed
 * five times running rests; a person may take one out of use.
 */
export class ToolServers {
  readonly #deps: ServersDependencies;
  readonly #live = new Map<string, Live>();

  constructor(deps: ServersDependencies) {
    this.#deps = deps;
  }

  /** What it lists, as far as it is allowed and usable; a moment old unless it is to be fresh. @throws ServerUnavailable */
  async list(name: string, fresh: boolean, caller: Caller): Promise<Understood> {
    return this.with(name, caller, async (connection, server) =>
      understandList(name, server, await connection.list(fresh, caller.signal)),
    );
  }

  /**
   * Does something with a connection, and counts how it went.
   * @throws ServerUnavailable, McpRefusal, or the reason of the caller's signal
   */
  async with<T>(
    name: string,
    caller: Caller,
    work: (connection: Connection, server: McpServer) => Promise<T>,
  ): Promise<T> {
    const { health, servers } = this.#deps;
    const server = servers[name];
    if (server === undefined) throw new ServerUnavailable('is not in baton.yaml any more');
    await this.#admitted(name, caller);
    const counted = (outcome: CircuitOutcome, failure?: Failure) =>
      health.ended('server', name, caller.by, outcome, failure);
    const live = await this.#use(name, server, caller);
    try {
      const result = await work(await live.opening, server);
      await counted('success');
      return result;
    } catch (error) {
      if (!(error instanceof McpTrouble) || caller.signal.aborted) {
        await counted(error instanceof McpRefusal ? 'success' : 'neither');
        throw error;
      }
      await counted('failure', {
        class: 'transient',
        code: 'server_failed',
        message: error.message,
      });
      throw new ServerUnavailable(`did not do its part: ${error.message}`);
    } finally {
      this.#rest(live);
    }
  }

  async #admitted(name: string, { by }: Caller): Promise<void> {
    const { health, clock } = this.#deps;
    const now = clock.now();
    const { before } = await health.change('server', name, (circuit) => {
      const admission = admit(circuit, by, now);
      return admission.ok ? admission.circuit : circuit;
    });
    const admission = admit(before, by, now);
    if (admission.ok) return;
    throw new ServerUnavailable(
      admission.retryInMs === null
        ? 'was taken out of use by a person'
        : `rests after failures, for ${Math.ceil(admission.retryInMs / 1_000)} s more`,
    );
  }

  /** The one that is open for this worktree, or a new one. */
  async #use(
    name: string,
    server: McpServer,
    { runId, stream }: Pick<Caller, 'runId' | 'stream'>,
  ): Promise<Live> {
    const key = `${runId}/${stream ?? ''}/${name}`;
    const known = this.#live.get(key);
    if (known !== undefined) {
      known.users += 1;
      known.stopIdle();
      const connection = await known.opening.catch(() => null);
      if (connection !== null && !connection.gone) return known;
      if (this.#live.get(key) === known) this.#live.delete(key);
      const other = this.#live.get(key);
      if (other !== undefined) return this.#use(name, server, { runId, stream });
    }
    const live: Live = { opening: this.#open(server, runId, stream), users: 1, stopIdle: () => undefined };
    // Whoever uses it hears of a failure; until then it is not unhandled.
    live.opening.catch(() => undefined);
    this.#live.set(key, live);
    return live;
  }

  #rest(live: Live): void {
    live.users -= 1;
    if (live.users > 0) return;
    live.stopIdle = this.#deps.clock.after(IDLE_MS, () => {
      for (const [key, each] of this.#live) if (each === live) this.#live.delete(key);
      live.opening.then(
        (connection) => void connection.close(),
        () => undefined,
      );
    });
  }

  async #open(server: McpServer, runId: string, stream: string | null): Promise<Connection> {
    const { values, workspaceOf, clock } = this.#deps;
    // Its library takes a fifth of a second that no start should wait.
    const [{ connect }, place] = await Promise.all([import('./connection.ts'), workspaceOf(runId, stream)]);
    return connect({ server, values, place, clock });
  }

  async stop(): Promise<void> {
    const all = [...this.#live.values()];
    this.#live.clear();
    for (const { stopIdle } of all) stopIdle();
    await Promise.allSettled(all.map(async ({ opening }) => (await opening).close()));
  }
}
