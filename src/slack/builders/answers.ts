import { isTerminal } from '../../domain/run.ts';
import { actionIds } from '../actions.ts';
import {
  actions,
  bold,
  button,
  code,
  context,
  lines,
  type Part,
  type Piece,
  person,
  section,
  when,
} from '../blocks.ts';
import { count, elapsed, money, percent } from '../format.ts';
import { type Message, message } from '../message.ts';
import { escapeMarkup, short } from '../text.ts';
import type { CommandHelp, RunDetail, RunLine } from '../views.ts';
import { answers, statusWords } from '../words.ts';
import { agentRows } from './epic.ts';

/** Runs of one list; more would be a wall of text. */
const RUNS_SHOWN = 10;
const DECISIONS_SHOWN = 8;
const COMMANDS_SHOWN = 30;

/** One sentence or two to one person. @param markup from `words.ts`, or made with `mk` */
export function answerBlocks(markup: string, rehearsal = false): Message {
  return message([section(markup)], rehearsal);
}

/** `/orchestrate list` and `status`: a line or two per run, the newest first as given. */
export function runListBlocks(
  runs: readonly RunLine[],
  rehearsal: boolean,
  below: string | null = null,
): Message {
  const footer = below === null ? null : context(below);
  if (runs.length === 0) return message([section(answers.noRuns), footer], rehearsal);
  const more = runs.length - RUNS_SHOWN;
  return message(
    [
      ...runs.slice(0, RUNS_SHOWN).map((run) => lines(...runRows(run))),
      more > 0 ? lines([`and ${more} more`]) : null,
      footer,
    ],
    rehearsal,
  );
}

/** `/orchestrate show` and the Details button. */
export function runDetailBlocks(run: RunDetail, rehearsal: boolean): Message {
  const ended = run.status === 'delivered' || isTerminal(run.status);
  return message(
    [
      lines(...runRows(run), run.pattern === '' ? [] : ['Plan: ', short(run.pattern, 500)]),
      run.agents.length === 0 ? null : lines(...agentRows(run.agents)),
      run.decisions.length === 0 ? null : lines([bold('Decisions')], ...decisionRows(run)),
      run.branch === null ? null : lines(['Branch ', code(short(run.branch, 120))]),
      ended ? actions(button(actionIds.runAgain, 'Run again', run.runId)) : null,
    ],
    rehearsal,
  );
}

/** `/orchestrate help`, also under an answer to an unknown word: how work is started, then the other words by their use. */
export function helpBlocks(commands: readonly CommandHelp[], rehearsal: boolean, first?: string): Message {
  const words = commands.filter(({ starts }) => starts === undefined).slice(0, COMMANDS_SHOWN);
  const headings = [...new Set(words.map(({ heading }) => heading ?? ''))];
  return message(
    [
      first === undefined ? null : section(first),
      startsRow(commands),
      ...headings.map((heading) =>
        lines(
          heading === '' ? [] : [bold(short(heading, 60))],
          ...words.filter((each) => (each.heading ?? '') === heading).map(helpRow),
        ),
      ),
      lines(['The buttons on each card do the same, and so does what you say to it in its thread.']),
    ],
    rehearsal,
  );
}

function helpRow({ usage, description }: CommandHelp): Piece[] {
  return [code(short(usage, 80)), ` ${short(description, 160)}`];
}

/** What starts work: one usage for all workflows, and where to read what each is for. */
function startsRow(commands: readonly CommandHelp[]): Part | null {
  const starting = commands.filter(({ starts }) => starts !== undefined);
  const shown = starting.find(({ starts }) => starts === 'feature') ?? starting[0];
  if (shown?.starts === undefined) return null;
  const options = shown.usage.slice(`${shown.starts} <what you want>`.length).trim();
  return lines(
    [bold('To start work: '), code(short(`/orchestrate ${shown.starts} <what you want>`, 160))],
    [
      `${count(starting.length, 'workflow')} can be started like this; `,
      code('workflows'),
      ' says what each is for. At the end of your words, if you like: ',
      code(short(options, 160)),
    ],
  );
}

/** What an undeliverable message said, sent to somebody's DM instead. @param markup the notice before it */
export function forwardedBlocks(markup: string, text: string): Message {
  return message([section(markup), section(escapeMarkup(short(text, 1_500)))], false);
}

/** A run in two or three lines. */
export function runRows(run: RunLine): Piece[][] {
  const progress = run.progress === null ? '' : ` · ${percent(run.progress)}`;
  return [
    [
      bold(short(run.title, 150)),
      ` · ${statusWords(run.status)}${progress} · ${elapsed(run.elapsedMs)} · ${money(run.costUsd)}`,
    ],
    [
      `${short(run.repository, 80)} · asked by `,
      person(run.requester),
      ' ',
      when(run.createdAt, 'day and time'),
      ' · ',
      code(run.runId),
    ],
    run.doing === null ? [] : [short(run.doing, 300)],
  ];
}

function decisionRows(run: RunDetail): Piece[][] {
  const rows = run.decisions.slice(-DECISIONS_SHOWN).map(({ at, actor, byPerson, choice }): Piece[] => {
    const who: Part | string = byPerson ? person(actor) : short(actor, 60);
    return [when(at), ' ', who, `: ${short(choice.replaceAll('_', ' '), 200)}`];
  });
  const more = run.decisions.length - rows.length;
  return more > 0 ? [[`${more} earlier`], ...rows] : rows;
}
