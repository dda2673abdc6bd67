import type { Decider } from '../domain/approval.ts';
import { type Flag, type FlagSettings, flagSettingsIn, flagsIn } from '../domain/flags.ts';
import { rootRun } from '../domain/run.ts';
import type { BareIds } from '../domain/slack-id.ts';
import { type Activity, implement } from '../ports/activity.ts';
import type { Clock } from '../ports/clock.ts';
import { type FlagStore, readFlags } from '../ports/flags.ts';
import type { SessionStore } from '../ports/store.ts';

export interface FlagsDeps {
  readonly flags: FlagStore;
  readonly sessions: Pick<SessionStore, 'byRun'>;
  /** Its channels as they are written. */
  readonly settings: FlagSettings;
  readonly bareIds: BareIds;
  readonly clock: Clock;
  /** Whether somebody may decide here. */
  readonly mayApprove: (by: Decider) => Promise<boolean>;
}

/** One flag as people see it: what holds, and who set it; null: it stands in baton.yaml. */
export interface ShownFlag {
  readonly name: string;
  readonly on: boolean;
  readonly set: Pick<Flag, 'by' | 'at'> | null;
}

/** Switches of a channel that its runs' rules may ask for. */
export class Flags {
  readonly #deps: FlagsDeps;

  constructor(deps: FlagsDeps) {
    this.#deps = deps;
  }

  get activity(): Activity {
    const { flags, sessions, settings, bareIds } = this.#deps;
    return implement(readFlags, async (_input, { runId }) => {
      const session = await sessions.byRun(rootRun(runId));
      if (session === null) return settings.defaults;
      const { team, channel } = session;
      return flagsIn(flagSettingsIn(settings, team, bareIds), channel, await flags.of(team, channel));
    });
  }

  async list(team: string, channel: string): Promise<ShownFlag[]> {
    const { flags, settings, bareIds } = this.#deps;
    const set = await flags.of(team, channel);
    return Object.entries(flagsIn(flagSettingsIn(settings, team, bareIds), channel, set))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, on]) => {
        const own = set.find((each) => each.name === name);
        return { name, on, set: own === undefined ? null : { by: own.by, at: own.at } };
      });
  }

  /** Whoever may decide about work may switch what it does. False: they may not, and nothing was changed. */
  async set(by: Decider, channel: string, name: string, on: boolean): Promise<boolean> {
    const { flags, clock, mayApprove } = this.#deps;
    if (!(await mayApprove(by))) return false;
    await flags.set({ team: by.team, channel }, { name, on, by: by.id, at: clock.now() });
    return true;
  }
}
