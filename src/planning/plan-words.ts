import type { Workflow } from '../domain/workflow.ts';
import { editableOf, type PlanEdits } from './plan-edits.ts';

/** What could be read from words about a plan. The words themselves go along whatever was read. */
export interface PlanWords {
  /** Another workflow that was asked for. */
  readonly workflow: string | null;
  readonly edits: PlanEdits;
}

const WITHOUT = String.raw`(?:without|skip|drop|omit|no|leave out|remove)`;
const ARTICLE = String.raw`(?:the |any |an? )?`;

/**
 * Reads plain wishes about a plan: "without qa", "frontend instead of backend", "one after the other", "the simple
 * plan". Pure, and cautious: what it does not know for sure it leaves to the people who read the next plan.
 */
export function readPlanWords(
  text: string,
  workflow: Workflow,
  known: { readonly workflows: readonly string[]; readonly agents: readonly string[] },
): PlanWords {
  const words = text.toLowerCase().replace(/\s+/g, ' ');
  const editable = editableOf(workflow);
  const off = editable.stages
    .filter(({ fixed }) => !fixed)
    // An agent's name stands for the stage that is all its own.
    .filter(({ id, agents }) =>
      [id, ...(agents.length === 1 ? agents : [])].some((name) => isUnwanted(words, name)),
    )
    .map(({ id }) => id);
  const agents: Record<string, string> = {};
  for (const { node, key, agent } of editable.agents) {
    const other = known.agents.find(
      (name) =>
        name !== agent &&
        says(
          words,
          String.raw`${escaped(name)} (?:instead of|rather than|for) ${ARTICLE}(?:${escaped(agent)}|${escaped(node)})`,
        ),
    );
    if (other !== undefined) agents[`${node}.${key}`] = other;
  }
  const way = says(
    words,
    String.raw`(?:one after (?:the other|another)|in sequence|sequentially|not in parallel)`,
  )
    ? 'sequence'
    : says(words, String.raw`(?:side by side|in parallel|at the same time)`)
      ? 'parallel'
      : null;
  const other = known.workflows.find(
    (name) =>
      name !== workflow.name &&
      says(
        words,
        String.raw`(?:use|as|with|take|try) ${ARTICLE}${escaped(name)}(?: (?:workflow|plan|pattern))?(?:$|[.,;!])|${escaped(name)} (?:workflow|plan|pattern) instead`,
      ),
  );
  return {
    workflow: other ?? null,
    edits: {
      ...(off.length === 0 ? {} : { off }),
      ...(Object.keys(agents).length === 0 ? {} : { agents }),
      ...(way === null ? {} : { groups: Object.fromEntries(editable.groups.map(({ node }) => [node, way])) }),
    },
  };
}

function isUnwanted(words: string, name: string): boolean {
  return says(words, String.raw`${WITHOUT} ${ARTICLE}${escaped(name)}`);
}

/** Whole words only: "no qa" says nothing of "qa-lead". */
function says(words: string, pattern: string): boolean {
  return new RegExp(String.raw`(?<![\w-])(?:${pattern})(?![\w-])`).test(words);
}

function escaped(name: string): string {
  return name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
