import type { Approval } from '../../domain/approval.ts';
import type { PersonTask } from '../../domain/person-task.ts';
import {
  actions,
  bold,
  code,
  header,
  lines,
  type Part,
  type Piece,
  section,
  type View,
  when,
} from '../blocks.ts';
import { money } from '../format.ts';
import { short } from '../text.ts';
import type { RunLine } from '../views.ts';
import { statusWords } from '../words.ts';
import { runRows } from './answers.ts';
import { answerButtons } from './approval.ts';
import { personTaskRows } from './person-task.ts';

/** Of each list; the rest is counted. Far below the 100 blocks a view may have. */
const WAITING_SHOWN = 10;
const RUNS_SHOWN = 10;

export interface HomeView {
  /** Open questions that this person may decide, with the title of the epic each belongs to. */
  readonly waiting: readonly { readonly approval: Approval; readonly epicTitle: string }[];
  /** Tasks that are this person's to do. */
  readonly tasks: readonly { readonly task: PersonTask; readonly epicTitle: string }[];
  readonly mine: readonly RunLine[];
  readonly team: readonly RunLine[];
  /** This person's runs that have ended, the newest first, with when. */
  readonly ended: readonly (RunLine & { readonly endedAt: number })[];
  /** What this person's runs have cost since midnight and since the first of the month, in US dollars. */
  readonly mineUsd: { readonly day: number; readonly month: number; readonly isLeast: boolean };
  /** US dollars that the runs under way have cost so far, and the budgets people gave them; null: none known. */
  readonly spentUsd: number | null;
  readonly budgetUsd: number | null;
}

/** One person's App Home: what waits for them first, with the buttons. */
export function homeView(view: HomeView): View {
  return {
    type: 'home',
    blocks: [
      header('Waiting for you'),
      ...waitingBlocks(view),
      header('Your runs'),
      ...runBlocks(
        view.mine,
        view.ended.length > 0 ? 'None under way.' : 'None. /orchestrate in a channel starts one.',
      ),
      ...(view.ended.length === 0 ? [] : [lines([bold('Ended lately')], ...view.ended.map(endedRow))]),
      header('The team’s runs'),
      ...runBlocks(view.team, 'None under way.'),
      header('Money'),
      lines([moneyWords(view)], [yoursWords(view)]),
    ],
  };
}

/** The App Home of somebody who may not look. @param markup why, from `control-words.ts` */
export function closedHome(markup: string): View {
  return { type: 'home', blocks: [section(markup)] };
}

function waitingBlocks({ waiting, tasks }: HomeView): Part[] {
  if (waiting.length + tasks.length === 0)
    return [lines(['Nothing. You will get a message when there is something.'])];
  const more = Math.max(0, waiting.length - WAITING_SHOWN) + Math.max(0, tasks.length - WAITING_SHOWN);
  return [
    ...tasks.slice(0, WAITING_SHOWN).flatMap(({ task, epicTitle }) => personTaskRows(task, epicTitle)),
    ...waiting
      .slice(0, WAITING_SHOWN)
      .flatMap(({ approval, epicTitle }) => [
        lines(
          [bold(short(approval.subject.title, 150)), ` · in ${short(epicTitle, 100)}`],
          [short(approval.subject.why, 300)],
          ['Until ', when(approval.expiresAt, 'day and time'), '. The card in its thread shows all of it.'],
        ),
        actions(...answerButtons(approval)),
      ]),
    ...(more > 0 ? [lines([`and ${more} more`])] : []),
  ];
}

function runBlocks(runs: readonly RunLine[], none: string): Part[] {
  if (runs.length === 0) return [lines([none])];
  const more = runs.length - RUNS_SHOWN;
  return [
    ...runs.slice(0, RUNS_SHOWN).map((run) => lines(...runRows(run))),
    ...(more > 0 ? [lines([`and ${more} more`])] : []),
  ];
}

function moneyWords({ spentUsd, budgetUsd, mine, team }: HomeView): string {
  if (mine.length + team.length === 0) return 'Nothing is being spent.';
  const of = budgetUsd === null ? '; none of them has a budget' : ` of ${money(budgetUsd)} budgeted`;
  return `Runs under way have cost ${money(spentUsd)}${of}.`;
}

function endedRow({
  status,
  title,
  repository,
  endedAt,
  costUsd,
  runId,
}: HomeView['ended'][number]): Piece[] {
  return [
    `${statusWords(status)} `,
    when(endedAt, 'day and time'),
    ' · ',
    bold(short(title, 120)),
    ` · ${short(repository, 60)} · ${money(costUsd)} · `,
    code(runId),
  ];
}

function yoursWords({ mineUsd: { day, month, isLeast } }: HomeView): string {
  const least = isLeast ? ', and calls whose price is not known' : '';
  return `Your runs: ${money(day)} today, ${money(month)} this month${least}.`;
}
