import { eventId } from '../../domain/bus-event.ts';
import { BatonError } from '../../domain/failure.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import { eventSignal, listenForEvent, publishEvent, stopListening } from '../../ports/bus-activities.ts';
import type { RunReader } from '../../ports/store.ts';
import type { Events } from '../events.ts';

/** What `emit` and `receive` ask for. A step that is done again finds its event, or its listener, there. */
export function eventActivities(deps: {
  readonly events: Events;
  readonly runs: RunReader;
}): readonly Activity[] {
  const { events, runs } = deps;
  const idOf = (runId: string, listener: string): string => `${runId}/${listener}`;
  return [
    implement(publishEvent, async ({ name, payload, at }, { runId, idempotencyKey }) => {
      const { seq, refused } = await events.publish({
        keys: [idempotencyKey],
        name,
        payload,
        sourceKind: 'run',
        source: runId,
        runId,
        at,
      });
      if (refused !== null)
        throw new BatonError({
          class: 'terminal',
          code: 'event_circle',
          message: `"${name}" was not handed on. ${refused}`,
          hint: 'Workflows that start each other by events go round in a circle. Break it with a `where`.',
        });
      return { event: eventId(seq) };
    }),
    implement(listenForEvent, async ({ listener, name, rule, facts, count, since }, { runId }) => {
      const signal = eventSignal(listener);
      const began = since === 'run' ? ((await runs.status(runId))?.createdAt ?? null) : null;
      await events.listen(
        { id: idOf(runId, listener), runId, name, signal, rule, facts, remaining: count },
        typeof since === 'number' ? since : began,
      );
      return {};
    }),
    implement(stopListening, async ({ listener }, { runId }) => {
      await events.unlisten(idOf(runId, listener));
      return {};
    }),
  ];
}
