import {
  type PersonTask,
  personTaskStatuses,
  type TaskField,
  taskRefusals,
} from '../../src/domain/person-task.ts';
import type { View } from '../../src/slack/blocks.ts';
import { answerBlocks } from '../../src/slack/builders/answers.ts';
import {
  cannotForm,
  doneForm,
  handOverForm,
  type PersonTaskView,
  personTaskCard,
  personTaskGiven,
} from '../../src/slack/builders/person-task.ts';
import type { Message } from '../../src/slack/message.ts';
import { taskRefusalWords } from '../../src/slack/task-words.ts';
import type { Foreign } from './foreign.ts';

const many = <T>({ n }: Foreign, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** Every message about a task for a person. */
export function taskMessages(f: Foreign): [string, Message][] {
  return [
    ...personTaskStatuses.map((status): [string, Message] => [
      `task ${status}`,
      personTaskCard(taskViewOf(f, status)),
    ]),
    ['task given', personTaskGiven(taskViewOf(f, 'open'), { to: f.bob, by: f.alice, from: f.bob }, f.text)],
    ...taskRefusals.map((refusal): [string, Message] => [
      `refusal of a task: ${refusal}`,
      answerBlocks(taskRefusalWords(refusal, taskOf(f))),
    ]),
  ];
}

/** Every form about one. */
export function taskViews(f: Foreign): Record<string, View> {
  return {
    taskDone: doneForm(taskOf(f)),
    taskDoneInWords: doneForm({ ...taskOf(f), fields: [] }),
    taskHandOver: handOverForm(
      taskOf(f),
      many(f, (i) => ({ id: `U0${i}`, name: f.text })),
    ),
    taskCannot: cannotForm(taskOf(f)),
  };
}

function taskOf(f: Foreign): PersonTask {
  const field = (type: TaskField['type']) => ({
    name: 'a_field',
    type,
    options: ['one', 'two'],
    optional: true,
  });
  return {
    id: 'tsk_1',
    nonce: 'nonce-1',
    runId: 'run_1',
    key: 'work/photos/open',
    node: 'photos',
    team: 'T1',
    requester: f.alice,
    status: 'open',
    task: f.text,
    about: f.text,
    fields: [
      field('text'),
      field('number'),
      { ...field('yes-no'), options: [] },
      field('list'),
      field('choice'),
    ],
    people: [f.bob],
    groups: ['S0123'],
    assignee: f.bob,
    because: f.text,
    declined: many(f, () => ({ by: f.bob, reason: f.text })),
    onTimeout: 'pause',
    askedAt: 0,
    dueAt: 1_800_000_000_000,
    endedBy: f.bob,
    endedAt: 1_800_000_000_000,
    output: null,
    words: f.text,
    why: f.text,
  };
}

function taskViewOf(f: Foreign, status: PersonTask['status']): PersonTaskView {
  return { task: { ...taskOf(f), status }, epicTitle: f.text, rehearsal: true };
}
