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
import { elapsed, money, percent } from '../format.ts';
import { type Message, message } from '../message.ts';
import { escapeMarkup, short } from '../text.ts';
import type { CommandHelp, RunDetail, RunLine } from '../views.ts';
import { answers, statusWords } from '../words.ts';
import { agentRows } from './epic.ts';

/** Runs of one list; more would be a wall of text. */
const RUNS_SHOWN = 10;
const DECISIONS_SHOWN = 8;
const COMMANDS_SHOWN = 30;
const STARTS_SHOWN = 60;

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

/** `/orchestrate help`, also under an answer to an unknown word. */
export function helpBlocks(commands: readonly CommandHelp[], rehearsal: boolean, first?: string): Message {
  const words = commands.filter(({ starts }) => starts === undefined);
  return message(
    [
      first === undefined ? null : section(first),
      words.length === 0
        ? null
        : lines(
            ...words
              .slice(0, COMMANDS_SHOWN)
              .map(({ usage, description }): Piece[] => [
                code(short(usage, 80)),
                ` ${short(description, 160)}`,
              ]),
          ),
      startsRow(commands),
      lines(['The buttons on each card do the rest.']),
    ],
    rehearsal,
  );
}

/** What starts work: one usage, and the names it goes with. */
function startsRow(commands: readonly CommandHelp[]): Part | null {
  const names = commands.flatMap(({ starts }) => starts ?? []);
  const [first] = commands.filter(({ starts }) => starts !== undefined);
  if (first?.starts === undefined) return null;
  const more = names.length - STARTS_SHOWN;
  return lines(
    [bold('To start work: '), code(short(`<workflow>${first.usage.slice(first.starts.length)}`, 160))],
    [
      ...names
        .slice(0, STARTS_SHOWN)
        .flatMap((name, at): Piece[] => [at === 0 ? '' : ' ', code(short(name, 32))]),
      more > 0 ? ` and ${more} more` : '',
      '. What each is for: ',
      code('workflows'),
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
    return [when(at), ' ', who, `: ${short(choice, 200)}`];
  });
  const more = run.decisions.length - rows.length;
  return more > 0 ? [[`${more} earlier`], ...rows] : rows;
}
