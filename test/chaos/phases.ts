import type { StoredEvent } from './evidence.ts';

/** Where in a run a kill landed. The three in the middle are between Start and the end. */
export const phases = [
  'before the plan',
  'plan waits for Start',
  'agents at work',
  'waiting for approval',
  'finishing',
  'after the end',
] as const;
export type Phase = (typeof phases)[number];

export const MID_RUN: readonly Phase[] = ['agents at work', 'waiting for approval', 'finishing'];

/** The phase at a moment, told by what the run had recorded by then. @param at milliseconds since the epoch */
export function phaseAt(events: readonly StoredEvent[], at: number): Phase {
  const past = new Set(
    events
      .filter((event) => event.at <= at)
      .map(({ type, data }) => (type === 'run.status' ? `status ${String(data['status'])}` : type)),
  );
  if (past.has('status completed') || past.has('status failed') || past.has('status cancelled'))
    return 'after the end';
  if (past.has('approval.closed')) return 'finishing';
  if (past.has('approval.requested')) return 'waiting for approval';
  if (past.has('plan.started')) return 'agents at work';
  return past.has('plan.ready') ? 'plan waits for Start' : 'before the plan';
}
