import type { Lane, MessageRef } from '../../ports/outbox.ts';

/**
 * What the sender knows about Slack's patience: calls of the last minute, posts per channel, and who asked us to
 * wait. Times are monotonic milliseconds, so that a jumping clock frees nothing. Keys begin with the team.
 */

/** Slack takes about one post per second and channel; counted from the answer to the post before, plus a margin. */
export const POST_SPACING_MS = 1_050;

/** The window over which Slack counts calls of a method. */
export const WINDOW_MS = 60_000;

/** One live message is rewritten at most this often; what changes in between is coalesced. */
export const UPDATE_SPACING_MS = 1_500;

/** Calls per minute and method, a little under Slack's tiers (3: 50, 4: 100; posting: "several hundred"). */
export const PER_MINUTE = {
  'chat.postMessage': 300,
  'chat.update': 48,
  'chat.postEphemeral': 90,
  'conversations.open': 45,
  'conversations.replies': 45,
  'conversations.history': 45,
} as const;
export type Method = keyof typeof PER_MINUTE;

/** The part of a minute's calls a lane may use up, so that a burst of progress leaves room for an approval. */
const SHARE: Readonly<Record<Lane, number>> = { approvals: 1, results: 0.9, progress: 0.75 };

export interface SendState {
  readonly startedAt: number;
  /** Rows being worked on, with the queue each occupies. */
  readonly inFlight: Map<number, { readonly channel: string | null }>;
  readonly lastPost: Map<string, number>;
  readonly lastUpdate: Map<string, number>;
  readonly calls: Map<string, number[]>;
  /** Channels and methods that asked us to wait, until when. */
  readonly blocked: Map<string, number>;
  readonly frozen: Set<string>;
  /** Channels in which nothing can be said at the moment, though something was before. */
  readonly held: Set<string>;
  /** Turns of a queue since the oldest waiting row had one. */
  readonly turns: Map<string, number>;
  /** When a row that may have been sent is looked for. */
  readonly verifyAt: Map<number, number>;
  /** How many times a row was in doubt. */
  readonly doubts: Map<number, number>;
  /** Updates whose message is gone: posted anew. */
  readonly reposts: Set<number>;
  /** Rows Slack refused to draw: sent as plain text. */
  readonly degraded: Set<number>;
  readonly refs: Map<string, MessageRef>;
  /** The DM channel of each person, once opened. */
  readonly dms: Map<string, string>;
}

export function createSendState(mono: number): SendState {
  return {
    startedAt: mono,
    inFlight: new Map(),
    lastPost: new Map(),
    lastUpdate: new Map(),
    calls: new Map(),
    blocked: new Map(),
    frozen: new Set(),
    held: new Set(),
    turns: new Map(),
    verifyAt: new Map(),
    doubts: new Map(),
    reposts: new Set(),
    degraded: new Set(),
    refs: new Map(),
    dms: new Map(),
  };
}

export const methodKey = (team: string, method: Method): string => `${team}!${method}`;
export const channelKey = (team: string, channel: string): string => `${team}#${channel}`;

/**
 * When a method may be called again.
 * @param share of the minute's budget; see {@link laneShare}
 * @returns monotonic milliseconds, in the past when it may be called now
 */
export function methodFree(state: SendState, team: string, method: Method, share: number): number {
  const key = methodKey(team, method);
  const recent = state.calls.get(key) ?? [];
  const allowed = Math.max(1, Math.floor(PER_MINUTE[method] * share));
  const limiting = recent[recent.length - allowed];
  const budget = limiting === undefined ? 0 : limiting + WINDOW_MS;
  return Math.max(budget, state.blocked.get(key) ?? 0);
}

/** Entries of one of the maps that grow with every message; above this what is of no more use is forgotten. */
const MAX_ENTRIES = 10_000;

/**
 * Forgets what the sender can do without: where messages stand, which is looked up again, and moments whose spacing is
 * over. To be called before a look at what waits, and never between that and what comes of it.
 */
export function tidy({ refs, lastPost, lastUpdate }: SendState, mono: number): void {
  if (refs.size > MAX_ENTRIES) refs.clear();
  forgetBefore(lastPost, mono - POST_SPACING_MS);
  forgetBefore(lastUpdate, mono - UPDATE_SPACING_MS);
}

function forgetBefore(moments: Map<string, number>, mono: number): void {
  if (moments.size <= MAX_ENTRIES) return;
  for (const [key, at] of moments) if (at < mono) moments.delete(key);
}

/** When something may be posted in a channel again; monotonic milliseconds. */
export function channelFree(state: SendState, channel: string): number {
  const last = state.lastPost.get(channel);
  const spacing = last === undefined ? 0 : last + POST_SPACING_MS;
  return Math.max(spacing, state.blocked.get(channel) ?? 0);
}

export function laneShare(lane: Lane): number {
  return SHARE[lane];
}

/** Counts a call; forgets those that left the window. */
export function noteCall(state: SendState, team: string, method: Method, mono: number): void {
  const key = methodKey(team, method);
  const recent = (state.calls.get(key) ?? []).filter((at) => at > mono - WINDOW_MS);
  recent.push(mono);
  state.calls.set(key, recent);
}

/** Somebody asked us to wait; a shorter wait never cancels a longer one. */
export function noteBlocked(state: SendState, key: string, until: number): void {
  state.blocked.set(key, Math.max(until, state.blocked.get(key) ?? 0));
}
