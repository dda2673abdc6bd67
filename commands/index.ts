import { BatonError } from '../src/domain/failure.ts';
import type { Workflow } from '../src/domain/workflow.ts';
import { liveMap } from '../src/workflows/live-map.ts';
import { agents } from './agents.ts';
import { breakGlass } from './break-glass.ts';
import type { Command } from './command.ts';
import { cancel, pause, resume, retry, undo } from './control.ts';
import { cost } from './cost.ts';
import { delegate } from './delegate.ts';
import { flag } from './flag.ts';
import { handOverCommand } from './hand-over.ts';
import { helpCommand } from './help.ts';
import { history } from './history.ts';
import { list } from './list.ts';
import { RESERVED_WORDS } from './reserved.ts';
import { rollback } from './rollback.ts';
import { show } from './show.ts';
import { signal } from './signal.ts';
import { startCommand } from './start.ts';
import { status } from './status.ts';
import { workflowsCommand } from './workflows.ts';

/** Where the workflows come from, and what is wrong with their files; both may change while Baton runs. */
export interface WorkflowSource {
  readonly workflows: ReadonlyMap<string, Workflow>;
  readonly problems: () => readonly string[];
}

const NO_PROBLEMS = (): readonly string[] => [];

/**
 * Every word `/orchestrate` knows: one per workflow, then the fixed ones.
 * @throws BatonError when a workflow is named like a fixed word
 */
export function allCommands(
  workflows: Iterable<Workflow>,
  problems: () => readonly string[] = NO_PROBLEMS,
): ReadonlyMap<string, Command> {
  const commands = new Map<string, Command>();
  const reserved: ReadonlySet<string> = new Set(RESERVED_WORDS);
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
  const fixed: Readonly<Record<(typeof RESERVED_WORDS)[number], Command>> = {
    status,
    list,
    workflows: workflowsCommand(problems),
    show,
    cancel,
    pause,
    resume,
    retry,
    rollback,
    'hand-over': handOverCommand,
    undo,
    signal,
    agents,
    cost,
    history,
    delegate,
    flag,
    'break-glass': breakGlass,
    help: helpCommand(() => [...commands.values()]),
  };
  for (const word of RESERVED_WORDS) commands.set(word, fixed[word]);
  return commands;
}

/** The same, following the workflows as they change. @throws BatonError as `allCommands`, at once */
export function liveCommands({ workflows, problems }: WorkflowSource): ReadonlyMap<string, Command> {
  const current = () => allCommands(workflows.values(), problems);
  current();
  return liveMap(current);
}
