import { acpActivities } from '../agents/programs/acp-activity.ts';
import { programActivity } from '../agents/programs/command-runner.ts';
import { createModelBroker } from '../agents/programs/model-broker.ts';
import type { ProgramDependencies } from '../agents/programs/program-dependencies.ts';
import type { Activity } from '../ports/activity.ts';
import type { ModelEndpoint } from './models.ts';

export type InWorktrees = Omit<ProgramDependencies, 'runners' | 'broker'>;

/** Programs that play agents, and their way to the model. */
export function joinPrograms(
  given: Omit<ProgramDependencies, 'broker'>,
  model: ModelEndpoint,
): { readonly activities: Activity[]; readonly stop: () => Promise<void> } {
  const broker = createModelBroker(model);
  const deps = { ...given, broker };
  return { activities: [...acpActivities(deps), programActivity(deps)], stop: () => broker.stop() };
}
