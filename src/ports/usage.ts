import type { Used } from '../domain/budget.ts';
import type { Usage } from '../domain/usage.ts';

/** What something took, summed up. */
export interface Spending {
  /** How often: calls of models and tools, commands, decisions. */
  readonly count: number;
  readonly inputTokens: number;
  /** A part of the input that the server had kept. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** A part of the output that nobody reads. */
  readonly reasoningTokens: number;
  readonly durationMs: number;
  /** US dollars, of what has a known price. */
  readonly costUsd: number;
  /** How many of `count` have no known price: the cost is at least `costUsd`. */
  readonly unpriced: number;
}

export interface SpendingLine extends Spending {
  readonly kind: Usage['kind'];
  readonly agent: string | null;
  readonly model: string | null;
}

/** One entry as it was recorded, with whose work it was. */
export interface UsageEntry extends Usage {
  readonly at: number;
  readonly runId: string;
  readonly step: string;
  readonly session: string | null;
  readonly team: string | null;
  readonly channel: string | null;
  readonly requester: string | null;
  readonly workflow: string | null;
}

/** Reads what was spent; nothing here changes anything. */
export interface UsageReader {
  /** Of one run so far, or of the steps whose key begins with `below`: what a budget is held against. People's time counts only where it has a price. */
  soFar(runId: string, below?: string): Promise<Spending>;
  /** Of one run and its parts, by kind, agent and model, the dearest first. */
  ofRun(runId: string): Promise<SpendingLine[]>;
  /** Of the same entries, by the key of their step, in the order in which they began. */
  bySteps(runId: string): Promise<(Spending & { readonly step: string })[]>;
  /** Since a moment, of those sessions of a team that one person in one channel may know of, by channel. */
  byChannel(
    asking: { readonly team: string; readonly user: string; readonly channel: string },
    since: number,
  ): Promise<(Spending & { readonly channel: string })[]>;
  /** Of the same entries, by day (UTC, "2026-11-20"), the newest first, and by agent, the dearest first. */
  byDay(
    asking: { readonly team: string; readonly user: string; readonly channel: string },
    since: number,
  ): Promise<(Spending & { readonly day: string })[]>;
  byAgentSeen(
    asking: { readonly team: string; readonly user: string; readonly channel: string },
    since: number,
  ): Promise<(Spending & { readonly agent: string })[]>;
  /** Since a moment, by agent. */
  byAgent(since: number): Promise<ReadonlyMap<string, Spending>>;
  /** Entries since a moment, oldest first. */
  entries(since: number): Iterable<UsageEntry>;
}

/** What a run and its parts used so far, as budgets count it. Cheap enough to be asked before each step. */
export interface Meter {
  /** @param root a run that is no part of another */
  used(root: string): Used;
  /**
   * What a step of a run has used so far and nobody has stored yet counts as well, until what is returned is called.
   * @param source asked at every look
   */
  watch(runId: string, source: () => readonly Usage[]): () => void;
}
