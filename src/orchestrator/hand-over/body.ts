import type { Decision } from '../../ports/decisions.ts';

/** Decisions listed; the rest is in `baton history`. */
const MAX_DECISIONS = 40;
/** Characters of a request that make a title. */
const TITLE_CHARS = 72;

export interface Told {
  readonly runId: string;
  readonly request: string;
  readonly requester: string;
  readonly status: 'completed' | 'delivered' | 'failed' | 'cancelled';
  readonly summary: string;
  readonly decisions: readonly Pick<Decision, 'at' | 'kind' | 'actor' | 'choice' | 'reason'>[];
  /** US dollars; null: not all of it has a known price. */
  readonly costUsd: number | null;
}

export function pullRequestTitle({ request }: Pick<Told, 'request'>): string {
  return (request.split('\n')[0] ?? request).slice(0, TITLE_CHARS);
}

/** Summary, who decided what, cost; for people who read the change. Secrets are taken out by whoever gives the words. */
export function pullRequestBody(told: Told): string {
  const { decisions, costUsd, runId } = told;
  const shown = decisions
    .slice(0, MAX_DECISIONS)
    .map(({ at, kind, actor, choice, reason }) =>
      plain(
        `- ${new Date(at).toISOString()} ${kind}: ${choice}, by ${actor}${reason === '' ? '' : ` (${oneLine(reason)})`}`,
      ),
    );
  const more = decisions.length - shown.length;
  return [
    `${ENDED[told.status]}. Asked for by ${plain(told.requester)}:`,
    told.request
      .split('\n')
      .map((line) => `> ${plain(line)}`)
      .join('\n'),
    plain(told.summary),
    `**Decisions**\n${[...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n') || 'None was asked for.'}`,
    `**Cost** ${costUsd === null ? 'not all of it has a known price' : `$${costUsd.toFixed(2)}`}. Run \`${runId}\`.`,
  ].join('\n\n');
}

const ENDED = {
  completed: 'Done',
  delivered: 'Delivered as it was when its budget was used up',
  failed: 'Unfinished: the run failed, and this is what it came to',
  cancelled: 'Unfinished: the run was stopped, and this is what it came to',
} as const;

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 200);
}

/** People's words as words: they mention nobody, and are no markup that GitHub acts on. */
function plain(text: string): string {
  return text
    .replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replaceAll('@', '@\u200b')
    .replace(/#(?=\d)/g, '#\u200b');
}
