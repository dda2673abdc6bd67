import type { WebClient } from '@slack/web-api';
import type { Clients } from './clients.ts';
import type { Transport } from './out/transport.ts';
import { bareTeam } from './team.ts';

/** A workspace that Baton may speak to, or an organisation with all of its workspaces. */
export interface Workspace {
  /** Key of the workspace, or the enterprise's id. */
  readonly id: string;
  readonly name: string;
  readonly botToken: string;
  readonly botUser: string;
  readonly botId: string;
  readonly clients: Clients;
  readonly transport: Transport;
}

/**
 * The workspaces there are, by their keys. A workspace's own installation goes before its organisation's. What is not
 * here is not spoken to: its messages wait.
 */
export class Workspaces {
  readonly #known = new Map<string, Workspace>();

  put(workspace: Workspace): void {
    this.#known.set(workspace.id, workspace);
  }

  remove(id: string): void {
    this.#known.delete(id);
  }

  /** @param team a workspace's key, `E…:T…` or `T…` */
  of(team: string): Workspace | null {
    const colon = team.indexOf(':');
    const own = this.#known.get(team);
    return own ?? (colon === -1 ? undefined : this.#known.get(team.slice(0, colon))) ?? null;
  }

  /**
   * Key of the workspace that stands before an id in the settings, `T…` or `E…:T…`; null where Baton is not installed.
   * Of an organisation that installed it as a whole, only `E…:T…` says which of its workspaces is meant.
   */
  named(written: string): string | null {
    if (written.includes(':')) return this.of(written) === null ? null : written;
    return (
      [...this.#known.keys()].find((id) =>
        id.startsWith('T') ? id === written : bareTeam(id) === written && id !== written,
      ) ?? null
    );
  }

  /** The client for what has to be quick. @throws when Baton is not installed there, or not any more */
  client(team: string): WebClient {
    const found = this.of(team);
    if (found === null) throw new Error(`Baton is not installed in ${team}`);
    return found.clients.prompt;
  }

  all(): readonly Workspace[] {
    return [...this.#known.values()];
  }
}
