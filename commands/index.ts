import { BatonError } from '../src/domain/failure.ts';
import type { Workflow } from '../src/domain/workflow.ts';
import type { Command } from './command.ts';
import { cancel, retry } from './control.ts';
import { helpCommand } from './help.ts';
import { list } from './list.ts';
import { show } from './show.ts';
import { startCommand } from './start.ts';
import { status } from './status.ts';

/**
 * Every word `/orchestrate` knows: one per workflow, then the fixed ones.
 * @throws BatonError when a workflow is named like a fixed word
 */
export function allCommands(workflows: Iterable<Workflow>): ReadonlyMap<string, Command> {
  const commands = new Map<string, Command>();
  const fixed = [status, list, show, cancel, retry, helpCommand(() => [...commands.values()])];
  const reserved = new Set(fixed.map(({ word }) => word));
  for (const workflow of workflows) {
    if (reserved.has(workflow.name)) {
      throw new BatonError({
        class: 'terminal',
        code: 'workflow_name',
        message: `A workflow cannot be called "${workflow.name}": that is a word of /orchestrate`,
        hint: 'Give it another name.',
      });
    }
    commands.set(workflow.name, startCommand(workflow));
  }
  for (const command of fixed) commands.set(command.word, command);
  return commands;
}
