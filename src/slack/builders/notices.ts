import { bold, code, lines, type Part, type Piece, person, preformatted } from '../blocks.ts';
import { list, signs } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short } from '../text.ts';
import type { Notice } from '../views.ts';
import { testWords } from './ending.ts';

/** The end of a failing test's output: where the reason usually stands. */
const TAIL_MAX = 1_500;

/** What a colleague would post into the thread: a handoff, a test result, a decision, the result, a note. */
export function noticeBlocks(notice: Notice, rehearsal: boolean): Message {
  return message(blocksOf(notice), rehearsal);
}

function blocksOf(notice: Notice): Part[] {
  switch (notice.kind) {
    case 'handoff':
      return [
        lines(
          [bold(short(notice.from, 60)), ' → ', bold(short(notice.to, 60)), ': ', short(notice.summary, 600)],
          ...notice.warnings.slice(0, 4).map((warning): Piece[] => ['Look out: ', short(warning, 300)]),
        ),
      ];
    case 'tests':
      return testBlocks(notice);
    case 'decision': {
      const who: Piece = notice.byPerson ? person(notice.actor) : bold(short(notice.actor, 80));
      return [
        lines(
          [who, ' decided: ', bold(short(notice.choice, 200))],
          notice.reason === '' ? [] : ['Why: ', short(notice.reason, 500)],
          notice.alternatives.length === 0 ? [] : ['Instead of: ', short(list(notice.alternatives, 5), 300)],
        ),
      ];
    }
    case 'result':
      return [lines(...resultRows(notice))];
    case 'note':
      return [lines([short(notice.text, 600), ...chosenBy(notice.chosenBy ?? null)])];
    default:
      return notice satisfies never;
  }
}

function chosenBy(who: string | null): Piece[] {
  return who === null ? [] : [' Chosen by ', person(who), '.'];
}

/** The branch once: as the end of the summary, or in a line of its own. */
function resultRows({ status, summary, branch }: Extract<Notice, { kind: 'result' }>): Piece[][] {
  const sign = `${resultSign(status)} `;
  if (branch === null) return [[sign, short(summary, 600)]];
  const name = code(short(branch, 120));
  return summary.endsWith(branch)
    ? [[sign, `${short(summary.slice(0, -branch.length), 480)} `, name]]
    : [
        [sign, short(summary, 600)],
        ['Branch ', name],
      ];
}

function resultSign(status: Extract<Notice, { kind: 'result' }>['status']): string {
  switch (status) {
    case 'completed':
    case 'delivered':
      return signs.done;
    case 'failed':
      return signs.failed;
    case 'cancelled':
      return signs.skipped;
    default:
      return status satisfies never;
  }
}

function testBlocks(notice: Extract<Notice, { kind: 'tests' }>): Part[] {
  const { command, exitCode, passed, failed, tail } = notice;
  const passing = exitCode === 0;
  const counted =
    passed === null && failed === null ? null : testWords({ passed: passed ?? 0, failed: failed ?? 0 });
  const ended =
    exitCode === null ? 'was stopped before it ended' : passing ? 'passes' : `fails (exit ${exitCode})`;
  const head = lines([
    `${passing ? signs.done : signs.failed} `,
    code(short(command, 200)),
    ` ${ended}`,
    counted === null ? '' : ` · ${counted}`,
  ]);
  return passing || tail.trim() === '' ? [head] : [head, preformatted(lastLines(tail, TAIL_MAX), TAIL_MAX)];
}

function lastLines(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = text.slice(-max);
  const line = end.indexOf('\n');
  return line === -1 ? end : end.slice(line + 1);
}
