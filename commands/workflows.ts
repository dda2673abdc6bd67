import type { Workflow } from '../src/domain/workflow.ts';
import { bold, code, lines, type Piece } from '../src/slack/blocks.ts';
import { type Message, message } from '../src/slack/message.ts';
import { short } from '../src/slack/text.ts';
import type { Command } from './command.ts';

/** As many as fit one message, however long their words are. */
const SHOWN = 16;
const PROBLEMS_SHOWN = 3;

/** What can be started and how. @param problems workflow files that cannot be used as they are now */
export function workflowsCommand(problems: () => readonly string[]): Command {
  return {
    word: 'workflows',
    usage: 'workflows',
    description: 'What can be started, and how',
    async run(_call, { catalog, rehearsal }) {
      return workflowList([...catalog.workflows.values()], problems(), rehearsal);
    },
  };
}

export function workflowList(
  workflows: readonly Workflow[],
  problems: readonly string[],
  rehearsal: boolean,
): Message {
  const more = workflows.length - SHOWN;
  const wrong = problems.length - PROBLEMS_SHOWN;
  return message(
    [
      workflows.length === 0
        ? lines(['There is no workflow.'])
        : lines(
            ...workflows
              .slice(0, SHOWN)
              .flatMap(({ name, title, description }): Piece[][] => [
                [bold(short(title, 60)), ` ${short(description, 140)}`],
                [code(`/orchestrate ${name} <what you want>`)],
              ]),
          ),
      more > 0 ? lines([`and ${more} more`]) : null,
      problems.length === 0
        ? null
        : lines(
            [bold('Files to correct')],
            ...problems.slice(0, PROBLEMS_SHOWN).map((problem): Piece[] => [short(fileName(problem), 240)]),
            [wrong > 0 ? `and ${wrong} more` : ''],
          ),
    ],
    rehearsal,
  );
}

/** Without the folder: where it lies on the server's disk is nothing to read in a channel. */
function fileName(problem: string): string {
  return problem.replace(/^.*?([^/\\]+\.ya?ml:)/, '$1');
}
