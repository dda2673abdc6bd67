import { z } from 'zod';
import type { Workflow } from '../src/domain/workflow.ts';
import { bold, code, lines, type Piece } from '../src/slack/blocks.ts';
import { type Message, message } from '../src/slack/message.ts';
import { short } from '../src/slack/text.ts';
import type { Command } from './command.ts';

/** As many as one message bears, and somebody still reads. */
const SHOWN = 48;
const TITLE_MAX = 40;
const PROBLEMS_SHOWN = 3;

/** Groups people look under, by the first whose kinds of nodes a workflow has. */
const GROUPS = [
  { title: 'React to events, errors, time and resources', kinds: ['adaptive', 'receive', 'resource-aware'] },
  { title: 'Led by somebody, or by nobody', kinds: ['orchestrator', 'mesh'] },
  { title: 'Side by side, or in phases', kinds: ['phases', 'parallel'] },
  { title: 'Step by step', kinds: [] },
] as const;

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
  const shown = workflows.slice(0, SHOWN);
  const more = workflows.length - SHOWN;
  const wrong = problems.length - PROBLEMS_SHOWN;
  return message(
    [
      workflows.length === 0
        ? lines(['There is no workflow.'])
        : lines([
            'Start one with ',
            code('/orchestrate <name> <what you want>'),
            '. Its plan says how it goes before anything begins.',
          ]),
      ...[...GROUPS].reverse().map(({ title }) => {
        const rows = shown.filter((workflow) => groupOf(workflow) === title);
        return rows.length === 0 ? null : lines([bold(title)], ...rows.map(row));
      }),
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

function row({ name, title }: Workflow): Piece[] {
  return [code(name), ` ${short(title, TITLE_MAX)}`];
}

function groupOf({ flow }: Workflow): string {
  const found = kindsIn(flow);
  return (GROUPS.find(({ kinds }) => kinds.some((kind) => found.has(kind))) ?? GROUPS[3]).title;
}

/** Every kind of node in a tree. Nodes are told by their `kind` and `id`, wherever a pattern keeps them. */
function kindsIn(flow: Workflow['flow']): Set<string> {
  const kinds = new Set<string>();
  const left: unknown[] = [flow];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (typeof at !== 'object' || at === null) continue;
    const node = nodeLike.safeParse(at);
    if (node.success) kinds.add(node.data.kind);
    left.push(...Object.values(at));
  }
  return kinds;
}
const nodeLike = z.looseObject({ kind: z.string(), id: z.string() });

/** Without the folder: where it lies on the server's disk is nothing to read in a channel. */
function fileName(problem: string): string {
  return problem.replace(/^.*?([^/\\]+\.ya?ml:)/, '$1');
}
