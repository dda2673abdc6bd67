import { durationText } from '../../domain/duration.ts';
import type { Alternative, Plan } from '../../domain/events.ts';
import { type Dimensions, wantedWords } from '../../domain/start-options.ts';
import type { Estimate, Workflow } from '../../domain/workflow.ts';
import type { Interpreter } from '../../patterns/interpreter.ts';
import { traitsOf } from '../../patterns/traits.ts';
import { filesLikely } from '../../planning/files-likely.ts';
import { tradeOff } from '../../planning/trade-off.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import { makePlan, type PlanLimits, type SessionDefinition } from '../contracts.ts';

export interface PlanningDeps {
  readonly interpreter: Interpreter;
  /** What one task of an agent is expected to take, by role. */
  readonly agentTask: (agent: string) => Estimate;
  /** What else could be started for the same request, as the catalogue is now. */
  readonly workflows: () => Iterable<Workflow>;
}

/** Other ways that one plan names: as many as a person compares. */
const ALTERNATIVES = 5;

/** A test suite in a small repository, in milliseconds, until history says better. */
const COMMAND_MS = 4_000;

/** Turns a workflow and a look at the repository into what people see before they press Start. */
export function planningActivities({ interpreter, agentTask, workflows }: PlanningDeps): Activity[] {
  const estimated = (workflow: Workflow): Estimate =>
    interpreter.estimate(workflow.flow, { agentTask, commandMs: COMMAND_MS });
  return [
    implement(makePlan, async ({ definition, request, report }): Promise<Plan> => {
      const { workflow, review } = definition;
      const estimate = estimated(workflow);
      const agents = new Map<string, string[]>();
      for (const { agent, node } of interpreter.agents(workflow.flow))
        agents.set(agent, [...(agents.get(agent) ?? []), node]);
      const { wanted, limits } = definition;
      const traits = traitsOf(workflow.flow.kind);
      const warnings = [...report.warnings];
      if (report.testCommand === null)
        warnings.push('No test command was recognised in this repository, so nothing will be tested.');
      return {
        title: request.split('\n')[0]?.slice(0, 140) ?? workflow.title,
        workflow: workflow.name,
        repository: report.name,
        // Once people changed it, the words of its file no longer say how it goes.
        pattern: review === undefined ? workflow.how : interpreter.describe(workflow.flow),
        why: workflow.why,
        ...(traits === null
          ? {}
          : {
              traits: `${workflow.flow.kind}, for ${traits.uses}; coordination ${traits.coordination}${traits.parallel === 'none' ? '' : `, side by side: ${traits.parallel}`}`,
            }),
        ...askedFor(wanted, limits),
        agents: [...agents].map(([agent, tasks]) => ({ agent, tasks })),
        filesLikely: filesLikely(request, report.files),
        costUsd: estimate.usd,
        durationMs: estimate.ms,
        asks: estimate.asks,
        warnings,
        ...(review === undefined
          ? {}
          : { changedBy: review.by, changes: review.changes, notes: review.notes }),
        ...budgetShown(definition),
        alternatives: alternativesTo(workflow, estimate, workflows(), estimated),
      };
    }),
  ];
}

/** What it may cost before people are asked, whoever said so; a run that began before workflows could only had its start's. */
function budgetShown({ budget, limits }: SessionDefinition): { budgetUsd?: number } {
  const usd = budget?.usd ?? limits?.budgetUsd ?? null;
  return usd === null ? {} : { budgetUsd: usd };
}

/** What was asked for beside the words; nothing where all is as usual. */
function askedFor(wanted: Dimensions | undefined, limits: PlanLimits | undefined): { wanted?: string[] } {
  const words = [
    ...(wanted === undefined ? [] : wantedWords(wanted)),
    ...(limits?.budgetUsd == null ? [] : [`at most $${limits.budgetUsd}`]),
    ...(limits?.withinMs == null
      ? []
      : [
          `within ${durationText(limits.withinMs)} of ${limits.dueAt === undefined ? 'its start' : 'the request'}`,
        ]),
  ];
  return words.length === 0 ? {} : { wanted: words };
}

/** Other workflows beside this one, the quickest first. */
function alternativesTo(
  mine: Workflow,
  estimate: Estimate,
  workflows: Iterable<Workflow>,
  estimated: (workflow: Workflow) => Estimate,
): Alternative[] {
  return [...workflows]
    .filter(({ name }) => name !== mine.name)
    .map((workflow) => ({ workflow, estimate: estimated(workflow) }))
    .sort((a, b) => a.estimate.ms.mid - b.estimate.ms.mid)
    .slice(0, ALTERNATIVES)
    .map(({ workflow: { name, title, how }, estimate: other }) => ({
      workflow: name,
      title,
      how,
      tradeOff: tradeOff(estimate, other),
    }));
}
