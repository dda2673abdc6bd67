import type { Plan } from '../../domain/events.ts';
import type { Estimate } from '../../domain/workflow.ts';
import type { Interpreter } from '../../patterns/interpreter.ts';
import { filesLikely } from '../../planning/files-likely.ts';
import { type Activity, implement } from '../../ports/activity.ts';
import { makePlan } from '../contracts.ts';

export interface PlanningDeps {
  readonly interpreter: Interpreter;
  /** What one task of an agent is expected to take, by role. */
  readonly agentTask: (agent: string) => Estimate;
}

/** A test suite in a small repository, in milliseconds, until history says better. */
const COMMAND_MS = 4_000;

/** Turns a workflow and a look at the repository into what people see before they press Start. */
export function planningActivities({ interpreter, agentTask }: PlanningDeps): Activity[] {
  return [
    implement(makePlan, async ({ definition, request, report }): Promise<Plan> => {
      const { workflow } = definition;
      const estimate = interpreter.estimate(workflow.flow, { agentTask, commandMs: COMMAND_MS });
      const agents = new Map<string, string[]>();
      for (const { agent, node } of interpreter.agents(workflow.flow))
        agents.set(agent, [...(agents.get(agent) ?? []), node]);
      const warnings = [...report.warnings];
      if (report.testCommand === null)
        warnings.push('No test command was recognised in this repository, so nothing will be tested.');
      return {
        title: request.split('\n')[0]?.slice(0, 140) ?? workflow.title,
        workflow: workflow.name,
        repository: report.name,
        pattern: workflow.how,
        why: workflow.why,
        agents: [...agents].map(([agent, tasks]) => ({ agent, tasks })),
        filesLikely: filesLikely(request, report.files),
        costUsd: estimate.usd,
        durationMs: estimate.ms,
        asks: estimate.asks,
        warnings,
      };
    }),
  ];
}
