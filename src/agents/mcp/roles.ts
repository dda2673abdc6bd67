import type { AgentRole } from '../../domain/agent.ts';
import { BatonError } from '../../domain/failure.ts';
import type { McpServers } from '../../domain/mcp-settings.ts';

/** Roles with the tool servers that baton.yaml gives them. @throws BatonError `config_invalid` naming what is wrong */
export function withServers(
  roles: ReadonlyMap<string, AgentRole>,
  servers: McpServers,
): ReadonlyMap<string, AgentRole> {
  const problems = Object.entries(servers).flatMap(([server, { agents }]) =>
    agents.flatMap((agent) => {
      if (agent === '*') return [];
      const role = roles.get(agent);
      if (role === undefined) return [`mcp.${server}: there is no agent "${agent}"`];
      return ownLoop(role)
        ? []
        : [`mcp.${server}: ${agent} is played by the runner "${role.runner}", which has tools of its own`];
    }),
  );
  if (problems.length > 0)
    throw new BatonError({
      class: 'terminal',
      code: 'config_invalid',
      message: problems.join('\n'),
      hint: 'Correct baton.yaml. Nothing was started.',
    });
  return new Map(
    [...roles].map(([name, role]) => {
      const mcp = Object.entries(servers)
        .filter(([, { agents }]) => agents.includes(name) || (agents.includes('*') && ownLoop(role)))
        .map(([server]) => server);
      return [name, mcp.length === 0 ? role : { ...role, mcp }];
    }),
  );
}

/** Whether Baton's own loop plays it: programs bring tools of their own. */
function ownLoop({ runner }: AgentRole): boolean {
  return runner === undefined || runner === 'model';
}
