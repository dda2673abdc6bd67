import type { RunView } from '../domain/run-view.ts';
import { elapsedOf, progressOf } from '../domain/run-view.ts';
import { money, percent, roughly } from './format.ts';
import { mention, mk, short } from './text.ts';
import { answers } from './words.ts';

/** What a run says of itself when somebody asks. @param waitingFor titles of open questions */
export function progressWords(view: RunView, now: number, waitingFor: readonly string[]): string {
  if (view.startedAt === null) return 'Nothing has begun: the plan above waits to be started.';
  const took = elapsedOf(view, now);
  const left = Math.max(0, (view.plan?.durationMs.mid ?? 0) - took);
  const doing = [...view.nodes.values()]
    .filter(({ status }) => status === 'running' || status === 'stalled')
    .map(({ node, doing: what }) => `${node}: ${what ?? 'at work'}`);
  const parts = [
    `${percent(progressOf(view))}, ${roughly(took)} in${view.endedAt === null && left > 0 && waitingFor.length === 0 ? `, about ${roughly(left)} left` : ''}, ${money(view.costUsd)} so far.`,
    view.status === 'paused' ? `Paused: ${view.failure?.message ?? 'by hand'}.` : '',
    waitingFor.length === 0 ? '' : `Waiting for an answer: ${waitingFor.join('; ')}.`,
    doing.length === 0 ? '' : `${doing.join('; ')}.`,
  ];
  return mk`${short(parts.filter(Boolean).join(' '), 800)}`;
}

/** Why nothing was done about a person's words, and how to say it. */
export function nothingDone(
  why: 'not_yours' | 'not_allowed' | 'ended' | 'older' | 'not_there' | 'not_now' | 'at_budget',
  kind: string,
  requester: string,
): string {
  switch (why) {
    case 'not_yours':
      return mk`Only ${mention(requester)}, who asked for this, steers it. Nothing was changed.`;
    case 'not_allowed':
      return answers.mayLook;
    case 'ended':
      return 'This run has ended, so nothing was changed. Run again starts it once more; a mention with `feature <what you want>` starts something new.';
    case 'older':
      return 'That was said to an earlier run of this; the one under way was left alone. Say it once more if you mean this one.';
    case 'not_there':
      return mk`I could not tell which piece of work you mean with that ${kind.replace('_', ' ')}. Nothing was changed. Name it as the epic does, or use Steer… there.`;
    case 'not_now':
      return mk`There is nothing to ${kind.replace('_', ' ')} as it stands now. Nothing was changed.`;
    case 'at_budget':
      return answers.atBudget;
    default:
      return why satisfies never;
  }
}
