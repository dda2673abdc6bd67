import type { Logger } from 'pino';
import { type BareIds, idIn } from '../domain/slack-id.ts';
import type { Subscription } from '../domain/subscription.ts';
import { Alarm } from '../engine/alarm.ts';
import { type Place, Subscriptions } from '../orchestrator/subscriptions.ts';
import type { Clock } from '../ports/clock.ts';
import type { Redact } from '../ports/redactor.ts';
import type { People } from '../slack/people.ts';
import { bareTeam } from '../slack/team.ts';
import type { Workspaces } from '../slack/workspaces.ts';
import type { Core } from './core.ts';
import { gather } from './gather.ts';
import { isNobody } from './subscriptions.ts';

/** Events that come close together are looked at in one go. */
const GATHER_MS = 40;

const NOT_THERE =
  'What this subscription was given waits: Baton is not installed in the workspace of its channel, or its person belongs to another. Write ids such as T0123ABCD/C0123ABCD, with the organisation before it where that installed Baton as a whole (E0123ABCD:T0123ABCD/C0123ABCD)';

function bareOf(bareIds: BareIds): string | null {
  return bareIds === null || bareIds === 'one' ? null : bareIds.of;
}

interface OnEventsOptions {
  readonly core: Core;
  readonly clock: Clock;
  readonly log: Logger;
  readonly redact: Redact;
}

/** Starts workflows on events. Runs start one after the other; a run that ends makes room for the next. */
export function startOnEvents(
  { core, clock, log, redact }: OnEventsOptions,
  workspaces: Workspaces,
  /** The workspace of ids that are written without one; null: the only one that may install. */
  home: string | null,
  people: People,
) {
  const told = new Set<string>();
  /** Null, and told once, while Baton is not in the workspace that is meant. */
  const placeOf = ({ id, channel, by }: Subscription): Place | null => {
    const written = channel.includes('/') ? channel.slice(0, channel.indexOf('/')) : bareOf(core.bareIds);
    const team = written === null ? home : workspaces.named(written);
    const place =
      team === null
        ? null
        : { team, channel: idIn(channel, team, core.bareIds), by: idIn(by, team, core.bareIds) };
    if (place !== null && place.channel !== null && place.by !== null) {
      told.delete(id);
      return { team: place.team, channel: place.channel, by: place.by };
    }
    if (!told.has(id)) log.warn({ subscription: id, channel, by }, NOT_THERE);
    told.add(id);
    return null;
  };
  const subscriptions = new Subscriptions({
    ...core,
    placeOf,
    clock,
    log,
    decider: (user, team) =>
      people.decider(user, team, bareTeam(team)).catch((error: unknown) => {
        if (!isNobody(error)) throw error;
        return { id: user, team, isBot: false, isGuest: false, isStranger: true };
      }),
  });
  const work = gather(
    clock,
    GATHER_MS,
    async () => {
      timer.set(await subscriptions.catchUp());
    },
    (error) => log.error({ error: redact(String(error)) }, 'An event could not start its run; trying again'),
  );
  const timer = new Alarm(clock, work.again);
  core.events.onDelivered(work.again);
  core.engine.onCommit(work.again);
  return {
    /** A workspace has come: what waits for it can start. */
    again: work.again,
    begin: async () => {
      const known = core.subscriptions.map(({ id }) => id);
      await core.bus.refuseOthers(known, 'The subscription is not in baton.yaml any more');
      work.again();
    },
    stop: async () => {
      timer.set(null);
      await work.stop();
    },
  };
}
