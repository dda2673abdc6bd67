import { actionIds } from '../actions.ts';
import {
  actions,
  bold,
  button,
  code,
  lines,
  link,
  type Part,
  type Piece,
  people,
  person,
} from '../blocks.ts';
import { count, list, money, moneyRange, roughly, signs, timeRange } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short } from '../text.ts';
import type { EndView } from '../views.ts';
import { UNSANDBOXED } from '../words.ts';
import { agentRows } from './epic.ts';

/** The epic at its end: what came of it, where it stands, what it cost beside what was estimated. */
export function endBlocks(view: EndView): Message {
  return message(
    [
      lines(headRow(view), summaryRow(view), ...failureRows(view)),
      lines(resultRow(view), costRow(view), view.unsandboxed ? [UNSANDBOXED] : []),
      view.agents.length === 0 ? null : lines(...agentRows(view.agents)),
      lines([`${short(view.repository, 100)} · asked by `, person(view.requester)]),
      endButtons(view),
    ],
    view.rehearsal,
  );
}

function headRow(view: EndView): Piece[] {
  const title = bold(short(view.title, 200));
  const took = roughly(view.elapsedMs);
  const { end } = view;
  switch (end.status) {
    case 'completed':
      return [`${signs.done} `, title, ` · done in ${took}`];
    case 'delivered':
      return [
        `${signs.done} `,
        title,
        ' · delivered unfinished',
        ...(end.by === null ? [] : [' as ', person(end.by), ' chose']),
        `, at its budget, after ${took}`,
      ];
    case 'failed':
      return [`${signs.failed} `, title, ` · failed after ${took}`];
    case 'cancelled':
      return [
        `${signs.skipped} `,
        title,
        ' · stopped',
        ...(end.by === null ? [] : [' by ', person(end.by)]),
        ` after ${took}`,
      ];
    default:
      return end satisfies never;
  }
}

/** What the run says of its end, unless that is only the branch, which the next line names. */
function summaryRow({ end, summary, branch }: EndView): Piece[] {
  if (end.status === 'completed' && branch !== null && summary.endsWith(branch)) return [];
  return [short(summary, 600)];
}

function failureRows({ end }: EndView): Piece[][] {
  switch (end.status) {
    case 'completed':
      return [];
    case 'failed':
      return [
        [bold('What failed: '), short(end.what, 500)],
        end.tried.length === 0 ? [] : [bold('Tried: '), short(list(end.tried, 6), 400)],
        end.kept.length === 0 ? [] : [bold('Kept: '), short(list(end.kept, 6), 400)],
        end.hint === null ? [] : [bold('Next: '), short(end.hint, 400)],
      ];
    case 'delivered':
      return [
        end.kept.length === 0 ? [] : [bold('Kept: '), short(list(end.kept, 6), 400)],
        end.hint === null ? [] : [bold('Next: '), short(end.hint, 400)],
      ];
    case 'cancelled':
      return end.kept.length === 0 ? [] : [[bold('Kept: '), short(list(end.kept, 6), 400)]];
    default:
      return end satisfies never;
  }
}

function resultRow(view: EndView): Piece[] {
  const { branch, diff, tests, approvals, rounds, rubric, pullRequest } = view;
  const parts: Piece[][] = [];
  if (pullRequest !== null) parts.push([link(`Pull request #${pullRequest.number}`, pullRequest.url)]);
  if (branch !== null) parts.push(['Branch ', code(short(branch, 120))]);
  if (diff !== null) parts.push([`${count(diff.files, 'file')}, +${diff.added} −${diff.removed}`]);
  if (tests !== null) parts.push([testWords(tests)]);
  if (approvals.length > 0) {
    const who = [...new Set(approvals)];
    parts.push([`${count(approvals.length, 'approval')} (`, ...people(who, 'and'), ')']);
  }
  if (rounds > 0) parts.push([count(rounds, 'review round')]);
  if (rubric !== null) parts.push([rubricWords(rubric)]);
  return parts.flatMap((part, i) => (i === 0 ? part : [' · ', ...part]));
}

/** "Quality 88: tests 100 (×0.5), lint 75 (×0.5)": each measure with what it counts for, as many as fit. */
function rubricWords({ quality, measures }: NonNullable<EndView['rubric']>): string {
  const each = measures.map(({ name, score, weight }) => `${name} ${score} (×${weight})`);
  return short(`Quality ${quality}: ${each.join(', ')}`, 300);
}

/** "27 tests pass", "2 of 27 tests fail". */
export function testWords({ passed, failed }: { readonly passed: number; readonly failed: number }): string {
  if (failed > 0) return `${failed} of ${count(passed + failed, 'test')} ${failed === 1 ? 'fails' : 'fail'}`;
  return `${count(passed, 'test')} ${passed === 1 ? 'passes' : 'pass'}`;
}

function costRow({ costUsd, elapsedMs, estimate }: EndView): Piece[] {
  const spent = `Cost ${money(costUsd)}, time ${roughly(elapsedMs)}`;
  if (estimate === null) return [spent];
  return [`${spent} · estimated ${moneyRange(estimate.costUsd)} and ${timeRange(estimate.durationMs)}`];
}

function endButtons(view: EndView): Part {
  const { runId, end, branch } = view;
  const again = button(actionIds.runAgain, 'Run again', runId);
  const details = button(actionIds.runDetails, 'Details', runId);
  const save = button(actionIds.planSave, 'Save as workflow…', runId);
  const over = branch === null ? [] : [handOverButton(view, branch)];
  // Before there was a worktree there is nothing to go back to.
  const back = branch === null ? [] : [button(actionIds.runRollback, 'Roll back…', runId)];
  if (end.status === 'completed') return actions(...over, details, again, ...back, save);
  if (end.status === 'cancelled' || end.status === 'delivered')
    return actions(...over, details, again, ...back);
  return actions(
    button(actionIds.runRetry, 'Retry what failed', runId, { style: 'primary' }),
    again,
    ...over,
    ...back,
    details,
  );
}

/** Pressed once more when there is more on the branch; what is pushed then is what is there then. */
function handOverButton({ runId, pullRequest }: EndView, branch: string): Part {
  const what =
    pullRequest === null
      ? 'a pull request is opened'
      : `pull request #${pullRequest.number} is brought up to date`;
  return button(actionIds.runHandOver, pullRequest === null ? 'Hand over…' : 'Hand over again…', runId, {
    confirm: {
      title: 'Hand it over?',
      text: `${short(branch, 120)} is pushed to where the repository came from, and ${what}. Nothing is merged.`,
      yes: 'Hand over',
      no: 'Not now',
    },
  });
}
