import type { Alternative, Plan } from '../../domain/events.ts';
import { actionIds } from '../actions.ts';
import {
  actions,
  bold,
  button,
  code,
  italic,
  lines,
  type Part,
  type Piece,
  person,
  select,
} from '../blocks.ts';
import { list, moneyRange, signs, timeRange, times } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short } from '../text.ts';
import type { PlanView } from '../views.ts';

/** Agents and files listed one by one; the rest is counted. Keeps the largest plan well under the size budget. */
const AGENTS_SHOWN = 10;
const FILES_SHOWN = 8;
const CHANGES_SHOWN = 6;
const NOTES_SHOWN = 2;
/** The others are in the select beside Start. */
const ALTERNATIVES_SHOWN = 2;
const OTHERS_OFFERED = 5;

/** The epic before anybody said Start: what will be done, why so, by whom, at what cost. */
export function planBlocks(view: PlanView): Message {
  const { plan, requester, runId } = view;
  return message(
    [
      lines([
        bold(short(plan.title, 200)),
        ` · ${short(plan.repository, 100)} · asked by `,
        person(requester),
      ]),
      lines(
        ['Plan: ', short(plan.pattern, 500)],
        // What people left out may be what it speaks of.
        [
          italic((plan.changes ?? []).length === 0 ? 'Why: ' : 'Why, before it was changed: '),
          short(plan.why, 500),
        ],
        ...askedRows(plan),
        ...changeRows(plan),
        ...alternativeRows(plan.alternatives ?? []),
      ),
      plan.agents.length === 0 ? null : lines(...agentRows(plan)),
      lines([effort(plan)], fileRow(plan.filesLikely), ...warningRows(plan.warnings)),
      view.open ? planButtons(runId, plan.alternatives ?? []) : null,
    ],
    view.rehearsal,
  );
}

function agentRows(plan: Plan): Piece[][] {
  const rows: Piece[][] = plan.agents
    .slice(0, AGENTS_SHOWN)
    .map(({ agent, tasks }) => [
      `${signs.waiting} `,
      bold(short(agent, 60)),
      tasks.length === 0 ? '' : ` · ${short(list(tasks, 3), 160)}`,
    ]);
  const more = plan.agents.length - AGENTS_SHOWN;
  return more > 0 ? [...rows, [`${signs.waiting} and ${more} more`]] : rows;
}

function effort(plan: Plan): string {
  const most = plan.asks > 1 ? ' at most' : '';
  const asks = plan.asks === 0 ? 'asks nobody on the way' : `asks ${times(plan.asks)}${most}`;
  return `Estimate: ${timeRange(plan.durationMs)}, ${moneyRange(plan.costUsd)}, ${asks}`;
}

function fileRow(files: readonly string[]): Piece[] {
  if (files.length === 0) return [];
  const more = files.length - FILES_SHOWN;
  const shown = files
    .slice(0, FILES_SHOWN)
    .flatMap((path, i): Piece[] => [i === 0 ? '' : ', ', code(short(path, 120))]);
  return ['Likely to touch ', ...shown, more > 0 ? ` and ${more} more` : ''];
}

function warningRows(warnings: readonly string[]): Piece[][] {
  return warnings.slice(0, 5).map((warning) => [bold('Note: '), short(warning, 300)]);
}

function askedRows({ traits, wanted = [] }: Plan): Piece[][] {
  return [
    ...(traits === undefined ? [] : [[italic('Way: '), short(traits, 200)]]),
    ...(wanted.length === 0 ? [] : [[italic('Asked for: '), short(wanted.join(', '), 200)]]),
  ];
}

/** What people made of the plan so far, and what they said of it. */
function changeRows({ changedBy, changes = [], notes = [] }: Plan): Piece[][] {
  if (changedBy === undefined) return [];
  return [
    changes.length === 0
      ? []
      : [
          italic('Changed by '),
          person(changedBy),
          ': ',
          short(changes.slice(-CHANGES_SHOWN).join('; '), 300),
        ],
    ...notes.slice(-NOTES_SHOWN).map((note): Piece[] => [italic('Taken along: '), `“${short(note, 200)}”`]),
  ];
}

function alternativeRows(alternatives: readonly Alternative[]): Piece[][] {
  return alternatives
    .slice(0, ALTERNATIVES_SHOWN)
    .map(({ title, tradeOff }, i) => [
      i === 0 ? italic('Instead: ') : '',
      bold(short(title, 60)),
      `, ${short(tradeOff, 120)}`,
    ]);
}

function planButtons(runId: string, alternatives: readonly Alternative[]): Part {
  const others = alternatives.slice(0, OTHERS_OFFERED).map(({ workflow, title, tradeOff }) => ({
    value: `${runId}/${workflow}`,
    text: short(title, 50),
    description: tradeOff,
  }));
  return actions(
    button(actionIds.planStart, 'Start', runId, { style: 'primary' }),
    button(actionIds.planEdit, 'Edit plan…', runId),
    button(actionIds.planSendBack, 'Send back…', runId),
    ...(others.length === 0
      ? []
      : [
          select({
            actionId: actionIds.planOther,
            placeholder: 'Other plans',
            options: others,
            chosen: null,
          }),
        ]),
    button(actionIds.planSave, 'Save as workflow…', runId),
    button(actionIds.planCancel, 'Cancel', runId),
  );
}
