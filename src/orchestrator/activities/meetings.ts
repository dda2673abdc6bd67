import type { StepContext } from '../../ports/activity.ts';
import type { WorkspaceRegistry } from '../workspace-registry.ts';

/** Where two streams will meet is told while both still work, once for the same files. */
export async function tellMeetings(
  registry: WorkspaceRegistry,
  stream: string,
  node: string,
  step: StepContext,
): Promise<void> {
  for (const { other, paths } of await registry.meetings(step.runId, stream))
    step.emit({ type: 'stream.meets', node, stream, other, paths: [...paths] });
}
