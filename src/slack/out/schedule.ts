import { type Lane, lanes, type OutboxRow } from '../../ports/outbox.ts';
import {
  channelFree,
  channelKey,
  laneShare,
  type Method,
  methodFree,
  methodKey,
  noteCall,
  type SendState,
  UPDATE_SPACING_MS,
} from './limits.ts';

/**
 * What the sender does next. `decide` only reads; the sender carries out one decision, notes it, and asks again.
 *
 * Order: posts of one thread and lane go in the order they were written, one at a time; lanes go by rank; every
 * `FAIR_TURN`th turn of a channel (and of `chat.update`) belongs to whatever has waited longest. A thread's reply
 * waits for its parent, an update for its post.
 */

/** Both clocks: `wall` for what is stored, `mono` for what is measured here. Milliseconds. */
export interface Moment {
  readonly wall: number;
  readonly mono: number;
}

/** What is waiting; `complete` is false when the store held more than was read. */
export interface Waiting {
  readonly rows: readonly OutboxRow[];
  readonly complete: boolean;
}

export type Decision =
  /** Claim the row and send it. `channel` is the queue that a post occupies. */
  | {
      readonly kind: 'post' | 'ephemeral';
      readonly row: OutboxRow;
      readonly channel: string;
      readonly oldest: boolean;
    }
  | { readonly kind: 'update'; readonly row: OutboxRow; readonly oldest: boolean }
  /** The row may have been sent: look for it. */
  | { readonly kind: 'verify'; readonly row: OutboxRow }
  /** The row may have been sent, and sending it again does no harm. */
  | { readonly kind: 'release'; readonly row: OutboxRow }
  /** Its parent or its post will never be there. */
  | { readonly kind: 'orphan'; readonly row: OutboxRow }
  /** Nothing now; ask again in `ms`, or when something changes (null). */
  | { readonly kind: 'wait'; readonly ms: number | null };

/** Calls under way at once, over all channels. */
const IN_FLIGHT_MAX = 10;

/** One turn in so many goes to the oldest row, whatever its lane, so that nothing starves. */
const FAIR_TURN = 8;

/** An ephemeral message counts as a post of its channel. */
export const METHOD = {
  post: 'chat.postMessage',
  ephemeral: 'chat.postEphemeral',
  update: 'chat.update',
} as const;

/** Longest wait between attempts. A stored time further away means that the wall clock jumped. */
export const BACKOFF_MAX_MS = 60_000;

/** After a restart a request of the process before may still be on its way. */
const RESTART_SETTLE_MS = 1_000;

/** Wait before attempt `attempt` + 1: 1 s doubled each time, at most a minute, half of it random. @param random [0, 1) */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(BACKOFF_MAX_MS, 1_000 * 2 ** Math.min(16, Math.max(0, attempt - 1)));
  return Math.round(full / 2 + (full / 2) * random);
}

interface Candidate {
  readonly decision: Exclude<Decision, { kind: 'wait' }>;
  /** Monotonic; in the past when it can go now. */
  readonly readyAt: number;
  /** The queue whose turns it takes; null when it takes none. */
  readonly queue: string | null;
}

/** The next thing to do. Pure: reads `state` and changes nothing. */
export function decide(waiting: Waiting, state: SendState, now: Moment): Decision {
  const candidates = candidatesOf(waiting, state, now);
  const ready = candidates.filter(({ readyAt }) => readyAt <= now.mono);
  if (ready.length > 0 && state.inFlight.size < IN_FLIGHT_MAX) return choose(ready, state);
  if (ready.length > 0) return { kind: 'wait', ms: null };
  const next = Math.min(...candidates.map(({ readyAt }) => readyAt));
  return { kind: 'wait', ms: Number.isFinite(next) ? Math.max(1, Math.ceil(next - now.mono)) : null };
}

/** Notes that a decision is being carried out: budgets, turns, and the queue it occupies. */
export function noteStart(state: SendState, decision: Decision, mono: number): void {
  switch (decision.kind) {
    case 'post':
    case 'ephemeral':
      noteCall(state, decision.row.team, METHOD[decision.kind], mono);
      if (needsOpening(decision.row, state)) noteCall(state, decision.row.team, 'conversations.open', mono);
      state.inFlight.set(decision.row.id, { channel: decision.channel });
      noteTurn(state, decision.channel, decision.oldest);
      return;
    case 'update':
      noteCall(state, decision.row.team, 'chat.update', mono);
      state.inFlight.set(decision.row.id, { channel: null });
      state.lastUpdate.set(decision.row.key, mono);
      noteTurn(state, methodKey(decision.row.team, 'chat.update'), decision.oldest);
      return;
    case 'verify':
      noteCall(state, decision.row.team, readBackMethod(decision.row), mono);
      state.inFlight.set(decision.row.id, { channel: null });
      return;
    case 'release':
    case 'orphan':
    case 'wait':
      return;
    default:
      decision satisfies never;
  }
}

/** Notes that a row is done with, however it went. The spacing of its channel begins now. */
export function noteEnd(state: SendState, rowId: number, mono: number): void {
  const flight = state.inFlight.get(rowId);
  state.inFlight.delete(rowId);
  if (flight?.channel != null) state.lastPost.set(flight.channel, mono);
}

/** By which method a row is looked for. */
export function readBackMethod(row: OutboxRow): Method {
  return row.thread === undefined ? 'conversations.history' : 'conversations.replies';
}

/** The queue a post stands in: its channel, or the DM of a person. */
export function queueOf(row: OutboxRow): string {
  return channelKey(row.team, row.target.kind === 'channel' ? row.target.channel : `dm:${row.target.user}`);
}

function noteTurn(state: SendState, queue: string, oldest: boolean): void {
  state.turns.set(queue, oldest ? 0 : (state.turns.get(queue) ?? 0) + 1);
}

function needsOpening(row: OutboxRow, state: SendState): boolean {
  return row.target.kind === 'dm' && !state.dms.has(`${row.team} ${row.target.user}`);
}

function candidatesOf({ rows, complete }: Waiting, state: SendState, now: Moment): Candidate[] {
  const ordered = [...rows].sort((a, b) => a.id - b.id);
  const unsentPosts = new Set(ordered.filter(({ kind }) => kind !== 'update').map(({ key }) => key));
  const busy = new Set(
    [...state.inFlight.values()].flatMap(({ channel }) => (channel === null ? [] : [channel])),
  );
  const taken = new Set<string>();
  const candidates: Candidate[] = [];
  for (const row of ordered) {
    const group = groupOf(row);
    if (taken.has(group)) continue;
    taken.add(group);
    if (state.inFlight.has(row.id) || state.frozen.has(row.team)) continue;
    const candidate = candidateOf(row, { state, now, unsentPosts, busy, complete });
    if (candidate !== null) candidates.push(candidate);
  }
  return candidates;
}

/** Rows of one group go one at a time, in order. A top-level post is the first of its own thread. */
function groupOf(row: OutboxRow): string {
  switch (row.kind) {
    case 'post':
      return `post ${row.team} ${row.lane} ${row.thread ?? row.key}`;
    case 'update':
      return `update ${row.key}`;
    case 'ephemeral':
      return `ephemeral ${row.key}`;
    default:
      return row.kind satisfies never;
  }
}

interface Surroundings {
  readonly state: SendState;
  readonly now: Moment;
  readonly unsentPosts: ReadonlySet<string>;
  readonly busy: ReadonlySet<string>;
  readonly complete: boolean;
}

/** What a row needs next and when that can be; null when it waits for another row. */
function candidateOf(row: OutboxRow, around: Surroundings): Candidate | null {
  const { state } = around;
  if (row.status === 'sending') return doubtful(row, around);
  const needed = row.kind === 'update' ? row.key : row.thread;
  if (needed !== undefined && !state.refs.has(needed)) {
    if (around.unsentPosts.has(needed) || !around.complete) return null;
    return { decision: { kind: 'orphan', row }, readyAt: 0, queue: null };
  }
  return row.kind === 'update' && !state.reposts.has(row.id) ? updating(row, around) : posting(row, around);
}

function doubtful(row: OutboxRow, { state }: Surroundings): Candidate {
  const settled = state.verifyAt.get(row.id) ?? state.startedAt + RESTART_SETTLE_MS;
  // An update can be repeated, and an answer seen twice by one person is better than none.
  if (row.kind !== 'post' && !state.reposts.has(row.id)) {
    return { decision: { kind: 'release', row }, readyAt: settled, queue: null };
  }
  const readyAt = Math.max(settled, methodFree(state, row.team, readBackMethod(row), 1));
  return { decision: { kind: 'verify', row }, readyAt, queue: null };
}

function posting(row: OutboxRow, { state, now, busy }: Surroundings): Candidate | null {
  const channel = queueOf(row);
  if (busy.has(channel)) return null;
  const opening = needsOpening(row, state) ? methodFree(state, row.team, 'conversations.open', 1) : 0;
  const kind = row.kind === 'ephemeral' ? 'ephemeral' : 'post';
  const budget = methodFree(state, row.team, METHOD[kind], share(row.lane, state, channel));
  const readyAt = Math.max(notBefore(row, now), channelFree(state, channel), budget, opening);
  return { decision: { kind, row, channel, oldest: false }, readyAt, queue: channel };
}

function updating(row: OutboxRow, { state, now }: Surroundings): Candidate {
  const queue = methodKey(row.team, 'chat.update');
  const last = state.lastUpdate.get(row.key);
  const spacing = last === undefined || row.lane !== 'progress' ? 0 : last + UPDATE_SPACING_MS;
  const budget = methodFree(state, row.team, 'chat.update', share(row.lane, state, queue));
  const readyAt = Math.max(notBefore(row, now), spacing, budget);
  return { decision: { kind: 'update', row, oldest: false }, readyAt, queue };
}

/** A lane's share of a method's budget; all of it when the oldest row's turn has come. */
function share(lane: Lane, state: SendState, queue: string): number {
  return oldestTurn(state, queue) ? 1 : laneShare(lane);
}

function oldestTurn(state: SendState, queue: string): boolean {
  return (state.turns.get(queue) ?? 0) >= FAIR_TURN - 1;
}

function notBefore(row: OutboxRow, now: Moment): number {
  return now.mono + Math.min(BACKOFF_MAX_MS, Math.max(0, row.notBefore - now.wall));
}

function choose(ready: readonly Candidate[], state: SendState): Decision {
  const first = [...ready].sort((a, b) => rank(a) - rank(b) || byAge(a, b))[0];
  if (first === undefined) return { kind: 'wait', ms: null };
  if (first.queue === null) return first.decision;
  const oldest = ready.filter(({ queue }) => queue === first.queue).sort(byAge)[0] ?? first;
  const chosen = oldestTurn(state, first.queue) ? oldest : first;
  const { decision } = chosen;
  return 'oldest' in decision ? { ...decision, oldest: chosen === oldest } : decision;
}

function rank({ decision }: Candidate): number {
  return lanes.indexOf(decision.row.lane);
}

function byAge(a: Candidate, b: Candidate): number {
  return a.decision.row.createdAt - b.decision.row.createdAt || a.decision.row.id - b.decision.row.id;
}
