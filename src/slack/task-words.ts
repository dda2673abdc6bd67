import type { PersonTask, TaskRefusal } from '../domain/person-task.ts';
import { mention, mentions, mk, short } from './text.ts';

/** What somebody is told whose click on a task changed nothing, and what they can do. */
export function taskRefusalWords(refusal: TaskRefusal, task: PersonTask): string {
  const by = task.endedBy === null ? 'somebody' : { live: mention(task.endedBy).live };
  switch (refusal) {
    case 'done':
      return mk`${by} has done this already. Your click changed nothing.`;
    case 'declined':
      return 'Everybody who may do this said that they cannot, so it is closed. Your click changed nothing.';
    case 'skipped':
      return mk`${by} left this out. Your click changed nothing.`;
    case 'expired':
      return 'Time for this ran out, so its buttons do nothing any more. The epic shows how it goes on.';
    case 'voided':
      return mk`This is not asked any more: ${short(task.why ?? 'the run ended without it', 300)}. Your click changed nothing.`;
    case 'other_team':
      return 'This belongs to another workspace. Your click changed nothing.';
    case 'not_a_person':
      return 'Only a person can do this. The click changed nothing.';
    case 'guest':
      return 'Guests cannot do tasks of runs here. Your click changed nothing.';
    case 'stranger':
      return 'Only members of the workspace that owns this work can do its tasks. Your click changed nothing.';
    case 'not_eligible':
      return mk`This is for ${{ live: whoWords(task) }}. Your click changed nothing.`;
    case 'not_theirs':
      return mk`This is with ${mention(task.assignee)}, so only they can say that. Your click changed nothing.`;
    case 'nobody_else':
      return 'Nobody else may do this. “Cannot do it” says so to the run; whoever runs Baton can name others in baton.yaml.';
    case 'already_theirs':
      return mk`It is with ${mention(task.assignee)} already. Nothing was changed.`;
    case 'needs_form':
      return mk`This asks for ${short(task.fields.map(({ name }) => name).join(', '), 200)}: press “Done…” on its card and fill in the form. Nothing was changed.`;
    case 'unchecked':
      return 'It could not be checked who may do this, so your click changed nothing. Please try again in a moment.';
    default:
      return refusal satisfies never;
  }
}

/** Groups are not called by name: the answer is to one person, and a mention may ring for all of them. */
function whoWords({ people, groups }: PersonTask): string {
  const named = mentions(people, 'or').live;
  const of = groups.length === 0 ? '' : 'members of the groups that its workflow names';
  return [named, of].filter((each) => each !== '').join(', or ');
}

/** What somebody is told whose word on a task counted. */
export const taskAnswers = {
  gone: 'That task is not known here any more. Nothing was changed.',
  done: 'Noted: the work goes on with it.',
  given: (to: string) => mk`Noted: it is with ${mention(to)} now, who is told in the thread.`,
  passed: (to: string) => mk`Noted: ${mention(to)} is asked now.`,
  nobodyLeft: 'Noted. There was nobody left to ask, so the run goes on as its workflow says for that.',
} as const;
