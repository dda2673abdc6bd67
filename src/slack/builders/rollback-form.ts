import type { OfferedPoint, RollbackAnswer, RollbackOffer } from '../../domain/rollback.ts';
import { actionIds, callbackIds, inputIds } from '../actions.ts';
import { actions, bold, button, code, input, lines, type Piece, select, type View, when } from '../blocks.ts';
import { count } from '../format.ts';
import { type Message, message } from '../message.ts';
import { ROLLBACK_ASKED, rollbackRefusedWords } from '../rollback-words.ts';
import { short } from '../text.ts';
import { answers } from '../words.ts';
import { answerBlocks } from './answers.ts';
import { modal } from './modals.ts';

/** As many as are offered; no list of any length breaks the card. */
const POINTS_SHOWN = 20;
/** The choice that means the last good state. */
const LAST_GOOD = 'good';

/** What came of asking, for whoever did. */
export function rollbackBlocks(answer: RollbackAnswer, requester: string, rehearsal: boolean): Message {
  switch (answer.done) {
    case 'offer':
      return offerBlocks(answer.offer, rehearsal);
    case 'asked':
      return answerBlocks(ROLLBACK_ASKED, rehearsal);
    case 'resumed':
      return answerBlocks(answers.working, rehearsal);
    case 'refused':
      return answerBlocks(rollbackRefusedWords(answer.why, answer.detail, requester), rehearsal);
    default:
      return answer satisfies never;
  }
}

/** What there is to go back to, as `/orchestrate rollback` shows it. */
function offerBlocks(offer: RollbackOffer, rehearsal: boolean): Message {
  const { points, runId } = offer;
  return message(
    [
      lines(
        [bold(`Where to roll back: ${short(offer.title, 120)}`)],
        ...(points.length === 0 ? [['No state was kept yet.']] : points.slice(0, POINTS_SHOWN).map(pointRow)),
      ),
      lines(...waysRows(offer)),
      actions(button(actionIds.runRollback, 'Choose…', runId)),
    ],
    rehearsal,
  );
}

function pointRow({ number, label, at, filesSince, validated, filesOnly }: OfferedPoint): Piece[] {
  return [
    `${number}. `,
    bold(short(label, 100)),
    ' · ',
    when(at, 'day and time'),
    ` · ${filesSince === 0 ? 'no file differs now' : `${count(filesSince, 'file')} since`}`,
    validated ? ' · found good' : '',
    filesOnly === null ? '' : ` · files only: ${short(filesOnly, 100)}`,
  ];
}

function waysRows({ lastGood, hasStep, hasBeginning, runId }: RollbackOffer): Piece[][] {
  const id = runId.slice(-6);
  return [
    ...(lastGood === null
      ? []
      : [
          [
            'The run goes on from there: ',
            code(`/orchestrate rollback ${id} ${lastGood.number}`),
            ' (the last good state)',
          ],
        ]),
    ...(lastGood === null
      ? []
      : [['Only the files: ', code(`/orchestrate rollback ${id} ${lastGood.number} files`)]]),
    ...(hasStep ? [['The step that failed, once more: ', code(`/orchestrate rollback ${id} step`)]] : []),
    ...(hasBeginning
      ? [['All of it anew, on the same plan: ', code(`/orchestrate rollback ${id} full`)]]
      : []),
    ['What would be lost is shown first, and somebody else has to agree.'],
  ];
}

/** The same as a form. */
export function rollbackForm(offer: RollbackOffer): View {
  const { points, hasStep, hasBeginning, lastGood, runId } = offer;
  const levels = [
    ...(lastGood === null ? [] : [{ value: 'state', text: 'The run goes on from a state it had' }]),
    ...(points.length === 0 ? [] : [{ value: 'snapshot', text: 'Only the files go back' }]),
    ...(hasStep ? [{ value: 'step', text: 'The step that failed is tried again' }] : []),
    ...(hasBeginning ? [{ value: 'full', text: 'All of it anew, on the same plan' }] : []),
  ];
  const level = select({
    actionId: actionIds.rollbackLevel,
    placeholder: 'Choose',
    options: levels,
    chosen: levels[0]?.value ?? null,
  });
  const point = select({
    actionId: actionIds.rollbackPoint,
    placeholder: 'Choose',
    options: [
      { value: LAST_GOOD, text: 'The last good state' },
      ...points.slice(0, POINTS_SHOWN).map(({ number, label, filesSince, filesOnly }) => ({
        value: String(number),
        text: short(
          `${number}. ${label}, ${count(filesSince, 'file')} since${filesOnly === null ? '' : ' (files only)'}`,
          75,
        ),
      })),
    ],
    chosen: LAST_GOOD,
  });
  return modal({
    callbackId: callbackIds.rollback,
    title: 'Roll back',
    submit: 'Ask for it',
    metadata: runId,
    blocks: [
      input(level, { blockId: inputIds.level, label: 'What goes back?', optional: false }),
      input(point, {
        blockId: inputIds.point,
        label: 'To which state?',
        hint: 'Matters only where the run or its files go back to a state. What would be lost is shown before anything happens, and kept.',
        optional: false,
      }),
    ],
  });
}

/** The number that was chosen; null: the last good state. */
export function chosenPoint(value: string): number | null {
  return value === LAST_GOOD ? null : Number(value);
}
