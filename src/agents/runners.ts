import type { AgentRole } from '../domain/agent.ts';
import { BatonError } from '../domain/failure.ts';
import type { RunnerSettings, Runners } from '../domain/runner-settings.ts';
import type { Runner } from '../ports/runner.ts';
import { createAcpRunner } from './programs/acp-runner.ts';
import { createCommandRunner } from './programs/command-runner.ts';

/** Who carries out a role's tasks: the program it names, else Baton's own loop with a model. */
export function runnerFor(model: Runner, runners: Runners): (role: AgentRole) => Runner {
  const made = new Map(
    Object.entries(runners).map(([name, settings]) => [name, programRunner(name, settings)]),
  );
  return ({ name, runner }) => {
    if (runner === undefined || runner === 'model') return model;
    const found = made.get(runner);
    if (found !== undefined) return found;
    throw new BatonError({
      class: 'structural',
      code: 'runner_unknown',
      message: `The agent ${name} works with the runner “${runner}”, which baton.yaml does not have.`,
      hint: 'Add it under `runners:` and restart Baton, then choose Retry.',
    });
  };
}

function programRunner(name: string, settings: RunnerSettings): Runner {
  switch (settings.kind) {
    case 'acp':
      return createAcpRunner(name, settings);
    case 'command':
      return createCommandRunner(name, settings);
    default:
      return settings satisfies never;
  }
}

/** Roles with the runners that baton.yaml gives them. @throws BatonError `config_invalid` naming what is unknown */
export function withRunners(
  roles: ReadonlyMap<string, AgentRole>,
  runners: Runners,
): ReadonlyMap<string, AgentRole> {
  const players = new Map(
    Object.entries(runners).flatMap(([name, { agents }]) => agents.map((agent) => [agent, name])),
  );
  const problems = [
    ...[...players.keys()]
      .filter((agent) => !roles.has(agent))
      .map((agent) => `runners: there is no agent "${agent}"`),
    ...[...roles.values()]
      .filter(({ runner }) => runner !== undefined && runner !== 'model' && !(runner in runners))
      .map(
        ({ name, runner }) =>
          `the role ${name} names the runner "${runner}", which \`runners:\` does not have`,
      ),
  ];
  if (problems.length > 0)
    throw new BatonError({
      class: 'terminal',
      code: 'config_invalid',
      message: problems.join('\n'),
      hint: 'Correct baton.yaml or the role. Nothing was started.',
    });
  return new Map(
    [...roles].map(([name, role]) => {
      const player = players.get(name);
      return [name, player === undefined ? role : { ...role, runner: player }];
    }),
  );
}
