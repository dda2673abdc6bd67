import type { Workflow } from '../domain/workflow.ts';

export interface RoutedWorkflow {
  readonly workflow: string;
  /** For people: which words decided. */
  readonly reason: string;
  /** The others, with their words, best first. */
  readonly alternatives: readonly string[];
}

/** Words too common to decide anything. */
const COMMON = new Set(['with', 'from', 'that', 'this', 'then', 'your', 'event', 'answer', 'until', 'each']);
const SHORTEST = 3;

/**
 * The workflow most of whose words (of its name, title, description, and what its agents can do) occur in `text`.
 * A word counts less the more workflows have it. Null when none has any.
 */
export function routeWorkflow(
  text: string,
  workflows: readonly Workflow[],
  capabilities: (workflow: Workflow) => readonly string[],
): RoutedWorkflow | null {
  const asked = wordsOf(text);
  const known = workflows.map((workflow) => {
    const { name, title, description } = workflow;
    return { name, words: wordsOf([name, title, description, ...capabilities(workflow)].join(' ')) };
  });
  const scored = known
    .map(({ name, words }) => {
      const found = [...asked].filter((word) => words.has(word));
      const weight = found.reduce(
        (sum, word) => sum + 1 / known.filter((each) => each.words.has(word)).length,
        0,
      );
      return { name, found, weight };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));
  const [best, ...others] = scored;
  if (best === undefined) return null;
  return {
    workflow: best.name,
    reason: `"${best.name}" fits best: ${best.found.join(', ')}`,
    alternatives: others.map(({ name, found }) => `${name} (${found.join(', ')})`),
  };
}

/** Lower case, without the endings that tell "tests" from "test". */
function wordsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return new Set(
    words
      .filter((word) => word.length >= SHORTEST && !COMMON.has(word))
      .map((word) => (word.length > 4 ? word.replace(/(ing|ed|es|s)$/, '') : word)),
  );
}
