import type { McpSettings } from '../../domain/mcp-settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Workspace } from '../../ports/workspace.ts';
import { type Understood, understandList } from './listing.ts';

/** Reaches a server, or starts its program in the given place, and looks what it lists. Calls nothing. @throws McpTrouble */
export async function probeServer(
  name: string,
  { servers, values }: McpSettings,
  place: Pick<Workspace, 'start'>,
  clock: Clock,
): Promise<Understood> {
  const server = servers[name];
  if (server === undefined) return { tools: [], problems: [`${name} is not in baton.yaml`] };
  // Its library takes longer to load than all of Baton's own code, and most have no such server.
  const { connect } = await import('./connection.ts');
  const connection = await connect({ server, values, place, clock });
  try {
    return understandList(name, server, await connection.list(true, new AbortController().signal));
  } finally {
    await connection.close();
  }
}
