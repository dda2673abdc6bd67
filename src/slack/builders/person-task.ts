import type { PersonTask, TaskField } from '../../domain/person-task.ts';
import { actionIds, callbackIds, inputIds } from '../actions.ts';
import {
  actions,
  bold,
  button,
  input,
  italic,
  lines,
  type Part,
  type Piece,
  person,
  select,
  textInput,
  type View,
  when,
} from '../blocks.ts';
import { signs } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short } from '../text.ts';
import { modal } from './modals.ts';

const WORDS_MAX = 3_000;
/** Of those who cannot do it; the rest is counted. */
const REASONS_SHOWN = 5;

export interface PersonTaskView {
  readonly task: PersonTask;
  readonly epicTitle: string;
  readonly rehearsal: boolean;
}

/** A task that waits for a person, or what became of it. */
export function personTaskCard({ task, epicTitle, rehearsal }: PersonTaskView): Message {
  if (task.status !== 'open')
    return message(
      [lines(outcomeRow(task), [bold(short(task.task, 200)), ' · asked in ', italic(short(epicTitle, 150))])],
      rehearsal,
    );
  return message(
    [
      lines(
        [`${signs.needs_person} `, person(task.assignee), ': ', bold(short(task.task, 600))],
        [
          'A task for a person in ',
          italic(short(epicTitle, 150)),
          '. Why you: ',
          short(task.because, 200),
          '.',
        ],
        ...(task.about === '' ? [] : [['So far: ', short(task.about, 600)]]),
        task.fields.length === 0 ? [] : ['Wanted: ', task.fields.map(({ name }) => name).join(', ')],
        dueRow(task),
      ),
      taskButtons(task),
    ],
    rehearsal,
  );
}

/** Tells whoever it was given to; the card itself is further up in the thread. */
export function personTaskGiven(
  { task, epicTitle, rehearsal }: PersonTaskView,
  { to, by, from }: { readonly to: string; readonly by: string; readonly from: string },
  why: string,
): Message {
  const how: Piece[] =
    by === to
      ? [person(to), ' took this over from ', person(from), ': ']
      : why === ''
        ? [person(to), ': ', person(by), ' gives this to you: ']
        : [person(to), ': ', person(from), ` cannot do this (${short(why, 200)}), so it is yours now: `];
  return message(
    [
      lines(
        [...how, bold(short(task.task, 200)), ' in ', italic(short(epicTitle, 100)), '.'],
        ['The card with its buttons is above in this thread.'],
      ),
    ],
    rehearsal,
  );
}

/** One task in somebody's App Home. */
export function personTaskRows(task: PersonTask, epicTitle: string): Part[] {
  return [
    lines([bold(short(task.task, 300)), ` · in ${short(epicTitle, 100)}`], dueRow(task)),
    taskButtons(task),
  ];
}

/** Asks what came of it: a field each, or words. */
export function doneForm(task: PersonTask): View {
  return modal({
    callbackId: callbackIds.taskDone,
    title: 'Done',
    submit: 'Hand in',
    metadata: task.nonce,
    blocks: [
      lines([bold(short(task.task, 300))]),
      ...(task.fields.length === 0
        ? [
            input(textInput({ actionId: actionIds.taskText, multiline: true, max: WORDS_MAX }), {
              blockId: inputIds.words,
              label: 'What came of it?',
              hint: 'The work goes on with what you write.',
              optional: false,
            }),
          ]
        : task.fields.map(fieldInput)),
    ],
  });
}

function fieldInput(field: TaskField, at: number): Part {
  const { name, type, options, optional } = field;
  const chosen = type === 'yes-no' ? ['yes', 'no'] : options;
  const element =
    chosen.length > 0
      ? select({
          actionId: actionIds.taskField,
          placeholder: 'Choose',
          options: chosen.map((value) => ({ value, text: value })),
          chosen: null,
        })
      : textInput({ actionId: actionIds.taskField, multiline: type !== 'number', max: WORDS_MAX });
  return input(element, {
    blockId: `${inputIds.field}${at}`,
    label: name.replaceAll('_', ' '),
    ...(type === 'list' ? { hint: 'One per line.' } : type === 'number' ? { hint: 'A number.' } : {}),
    optional,
  });
}

/** Who else may do it. @param others member ids, with the names by which they are shown */
export function handOverForm(
  task: PersonTask,
  others: readonly { readonly id: string; readonly name: string }[],
): View {
  return modal({
    callbackId: callbackIds.taskHandOver,
    title: 'Hand over',
    submit: 'Hand over',
    metadata: task.nonce,
    blocks: [
      lines([bold(short(task.task, 300))]),
      input(
        select({
          actionId: actionIds.taskTo,
          placeholder: 'Choose',
          options: others.map(({ id, name }) => ({ value: id, text: name })),
          chosen: null,
        }),
        {
          blockId: inputIds.to,
          label: 'To whom?',
          hint: 'Those who may do it. They are told in the thread.',
          optional: false,
        },
      ),
    ],
  });
}

export function cannotForm(task: PersonTask): View {
  return modal({
    callbackId: callbackIds.taskCannot,
    title: 'Cannot do it',
    submit: 'Pass it on',
    metadata: task.nonce,
    blocks: [
      lines([bold(short(task.task, 300))]),
      input(textInput({ actionId: actionIds.taskText, multiline: true, max: 1_000 }), {
        blockId: inputIds.words,
        label: 'Why not?',
        hint: 'It goes to the next who may do it, with your words. If there is nobody, the work does not go on this way.',
        optional: false,
      }),
    ],
  });
}

function taskButtons({ nonce }: PersonTask): Part {
  return actions(
    button(actionIds.taskDone, 'Done…', nonce, { style: 'primary' }),
    button(actionIds.taskHandOver, 'Hand over…', nonce),
    button(actionIds.taskCannot, 'Cannot do it', nonce),
  );
}

function dueRow({ dueAt, onTimeout }: PersonTask): Piece[] {
  if (dueAt === null) return ['No hurry: it waits until somebody does it.'];
  const then = {
    pause: 'the run waits, paused',
    skip: 'the run goes on without it',
    stop: 'the run ends; the branch is kept as it is',
  } as const;
  return ['Until ', when(dueAt, 'day and time'), `; if nobody does it by then, ${then[onTimeout]}.`];
}

function outcomeRow(task: PersonTask): Piece[] {
  const who: Piece = task.endedBy === null ? 'Somebody' : person(task.endedBy);
  const at: Piece[] = task.endedAt === null ? [] : [' at ', when(task.endedAt)];
  switch (task.status) {
    case 'open':
      return [`${signs.needs_person} Waiting for `, person(task.assignee), '.'];
    case 'done':
      return [`${signs.done} `, who, ' did this', ...at, ': ', short(task.words ?? '', 500)];
    case 'declined':
      return [
        `${signs.failed} Nobody can do this: `,
        ...task.declined
          .slice(0, REASONS_SHOWN)
          .flatMap(({ by, reason }, i): Piece[] => [
            i === 0 ? '' : '; ',
            person(by),
            ` (${short(reason, 200)})`,
          ]),
        task.declined.length > REASONS_SHOWN ? `; and ${task.declined.length - REASONS_SHOWN} more` : '',
        '.',
      ];
    case 'skipped':
      return [`${signs.skipped} `, who, ' left this out', ...at, ': ', short(task.words ?? '', 500)];
    case 'expired':
      return [`${signs.paused} Nobody did this in time.`];
    case 'voided':
      return [
        `${signs.skipped} Not asked any more: `,
        short(task.why ?? 'the run ended without it', 300),
        '.',
      ];
    default:
      return task.status satisfies never;
  }
}
