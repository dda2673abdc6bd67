/** What earlier work left: a choice with its reason, words of people to agents, what a run came to. */
export interface Memory {
  readonly at: number;
  readonly kind: 'decision' | 'guidance' | 'result';
  readonly text: string;
}

/**
 * Earlier work in the same repository that fits some words, the most fitting first: of the same channel, or asked for by
 * the same person, since a channel may be private. Never of the run itself.
 */
export type Recall = (
  runId: string,
  query: string,
) => Promise<{ readonly entries: readonly Memory[]; readonly more: number }>;
