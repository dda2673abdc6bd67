import type { Logger } from 'pino';
import { Alarm } from '../engine/alarm.ts';
import { Subscriptions } from '../orchestrator/subscriptions.ts';
import type { Clock } from '../ports/clock.ts';
import type { Redact } from '../ports/redactor.ts';
import type { People } from '../slack/people.ts';
import type { Core } from './core.ts';
import { gather } from './gather.ts';
import { isNobody } from './subscriptions.ts';

/** Events that come close together are looked at in one go. */
const GATHER_MS = 40;

interface OnEventsOptions {
  readonly core: Core;
  readonly clock: Clock;
  readonly log: Logger;
  readonly redact: Redact;
}

/** Starts workflows on events. Runs start one after the other; a run that ends makes room for the next. */
export function startOnEvents(
  { core, clock, log, redact }: OnEventsOptions,
  { team, homeTeam }: { readonly team: string; readonly homeTeam: string },
  people: People,
) {
  const subscriptions = new Subscriptions({
    ...core,
    team,
    clock,
    log,
    decider: (user) =>
      people.decider(user, team, homeTeam).catch((error: unknown) => {
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
