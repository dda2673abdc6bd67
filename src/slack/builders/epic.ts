import { actionIds } from '../actions.ts';
import { actions, bold, button, code, lines, type Part, type Piece, people, person } from '../blocks.ts';
import { count, elapsed, money, percent, roughly, sentence, signs } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short } from '../text.ts';
import type { AgentLine, EpicState, EpicView } from '../views.ts';
import { UNSANDBOXED } from '../words.ts';

/** Agents with a line of their own; those that have not begun go first when there are more. */
const AGENTS_SHOWN = 20;

/** The epic while it is under way: where it stands, and a line per agent. */
export function epicBlocks(view: EpicView): Message {
  return message(
    [
      lines([bold(short(view.title, 200)), ` · ${headline(view)}`], stateRow(view.state)),
      view.agents.length === 0 ? null : lines(...agentRows(view.agents)),
      lines(
        [`${short(view.repository, 100)} · asked by `, person(view.requester)],
        view.unsandboxed ? [UNSANDBOXED] : [],
      ),
      epicButtons(view),
    ],
    view.rehearsal,
  );
}

function headline(view: EpicView): string {
  const left = view.leftMs === null ? '' : `, about ${roughly(view.leftMs)} left`;
  const budget = view.budgetUsd === null ? '' : ` of ${money(view.budgetUsd)}`;
  return `${percent(view.progress)} · ${roughly(view.elapsedMs)} in${left} · ${money(view.costUsd)}${budget}`;
}

function stateRow(state: EpicState): Piece[] {
  switch (state.status) {
    case 'queued':
      return [`${signs.waiting} Started; waiting for a free place.`];
    case 'running':
      return [];
    case 'waiting': {
      const what = `: ${short(state.what, 300)}`;
      if (state.people.length === 0) return [`${signs.needs_person} `, bold('Needs an answer'), what];
      return [`${signs.needs_person} `, bold('Needs '), ...people(state.people, 'or'), what];
    }
    case 'paused':
      return [
        `${signs.paused} `,
        ...(state.byPerson
          ? [bold(sentence(short(state.reason, 400)))]
          : [bold('Paused: '), sentence(short(state.reason, 400))]),
        state.hint === null ? '' : ` ${short(state.hint, 300)}`,
      ];
    default:
      return state satisfies never;
  }
}

/** One row per agent: sign, name, what it does, time, cost. */
export function agentRows(agents: readonly AgentLine[]): Piece[][] {
  const shown = agents.length <= AGENTS_SHOWN ? agents : mostTelling(agents);
  const more = agents.length - shown.length;
  const rows = shown.map(agentRow);
  return more > 0 ? [...rows, [`and ${count(more, 'more agent')}`]] : rows;
}

function mostTelling(agents: readonly AgentLine[]): readonly AgentLine[] {
  const order = ['needs_person', 'failed', 'in_progress', 'paused', 'done', 'skipped', 'waiting'];
  const kept = new Set(
    [...agents].sort((a, b) => order.indexOf(a.sign) - order.indexOf(b.sign)).slice(0, AGENTS_SHOWN),
  );
  return agents.filter((line) => kept.has(line));
}

function agentRow(line: AgentLine): Piece[] {
  const needs: Piece[] =
    line.sign === 'needs_person' && line.needs.length > 0
      ? [' · ', bold('needs '), ...people(line.needs, 'or')]
      : [];
  return [
    `${signs[line.sign]} `,
    bold(short(line.agent, 60)),
    ...needs,
    ...(line.doing === null ? [] : [' · ', ...withPaths(short(line.doing, 160))]),
    line.elapsedMs === null ? '' : ` · ${elapsed(line.elapsedMs)}`,
    line.costUsd === undefined ? '' : ` · ${money(line.costUsd)}`,
  ];
}

/** Draws what looks like a file's path as code: "writing `src/export/csv.ts`, tests 11/14". */
function withPaths(text: string): Piece[] {
  return text
    .split(/((?:[\w.@-]+\/)+[\w.@-]+\.\w+)/)
    .map((piece, i): Piece => (i % 2 === 1 ? code(piece) : piece))
    .filter((piece) => piece !== '');
}

function epicButtons({ runId, state }: EpicView): Part {
  return actions(
    ...goOnButtons(runId, state),
    button(actionIds.runDetails, 'Details', runId),
    ...(state.status === 'paused' ? [button(actionIds.runRollback, 'Roll back…', runId)] : []),
    button(actionIds.runSteer, 'Steer…', runId),
    button(actionIds.runStop, 'Stop', runId, {
      style: 'danger',
      confirm: {
        title: 'Stop this run?',
        text: 'The agents stop now. The branch keeps what has been done so far; it can be run again.',
        yes: 'Stop it',
        no: 'Let it run',
      },
    }),
  );
}

/** The one way on from where it stands. */
function goOnButtons(runId: string, state: EpicState): Part[] {
  if (state.status !== 'paused') return [button(actionIds.runPause, 'Pause', runId)];
  if (state.byPerson) return [button(actionIds.runResume, 'Resume', runId, { style: 'primary' })];
  return state.canRetry ? [button(actionIds.runRetry, 'Retry', runId, { style: 'primary' })] : [];
}
