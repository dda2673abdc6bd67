import type { Deed } from './escalation.ts';
import type { RunEvent } from './events.ts';

/** What is done so that a question reaches somebody stands in its run's events. */
export type DeedEvent = Extract<
  RunEvent,
  { type: 'approval.reminded' | 'approval.escalated' | 'approval.raised' | 'approval.called' }
>;

/** @param calling for a reminder: those who decide and may be disturbed */
export function eventOf(approvalId: string, deed: Deed, calling?: readonly string[]): DeedEvent {
  switch (deed.kind) {
    case 'remind':
      return {
        type: 'approval.reminded',
        approvalId,
        ...(calling === undefined ? {} : { calling: [...calling] }),
      };
    case 'channel':
      return { type: 'approval.raised', approvalId, channel: deed.channel };
    case 'direct': {
      const { to, as, inPlaceOf, moved } = deed;
      const away = inPlaceOf === null ? {} : { inPlaceOf };
      return {
        type: 'approval.escalated',
        approvalId,
        to,
        as,
        ...away,
        ...(moved === undefined ? {} : { moved }),
      };
    }
    case 'on_call':
      return { type: 'approval.called', approvalId, group: deed.group };
    default:
      return deed satisfies never;
  }
}

export function deedOf(event: DeedEvent): Deed {
  switch (event.type) {
    case 'approval.reminded':
      return { kind: 'remind' };
    case 'approval.raised':
      return { kind: 'channel', channel: event.channel };
    case 'approval.escalated': {
      const { to, as = 'deputy', inPlaceOf = null, moved } = event;
      return { kind: 'direct', to, as, inPlaceOf, ...(moved === undefined ? {} : { moved }) };
    }
    case 'approval.called':
      return { kind: 'on_call', group: event.group };
    default:
      return event satisfies never;
  }
}
