import type { Approval, Verdict, Vote } from '../../domain/approval.ts';
import type { RunView } from '../../domain/run-view.ts';
import type { Decision } from '../../ports/decisions.ts';
import type { RunAnswer } from '../queries.ts';

/** Lines about who decided what; the rest is in `baton history`. */
const MAX_DECISIONS = 40;
/** Characters of a request that make a title. */
const TITLE_CHARS = 72;
/** Characters of a reason or a comment. */
const MAX_SAID_CHARS = 200;

/** A question, and what was said to it. */
type Asked = Pick<Approval, 'status' | 'breakGlass' | 'voidReason' | 'expiresAt' | 'decidedAt'> & {
  readonly subject: Pick<Approval['subject'], 'title'>;
  readonly votes: readonly Pick<Vote, 'by' | 'verdict' | 'at' | 'comment' | 'inPlaceOf'>[];
};

/** What a pull request tells of a run. */
export interface Told {
  readonly session: Pick<RunAnswer['session'], 'request' | 'requester'>;
  readonly view: Pick<RunView, 'runId' | 'status' | 'result' | 'costUsd' | 'usage'>;
  readonly approvals: readonly Asked[];
  readonly decisions: readonly Pick<Decision, 'at' | 'kind' | 'actor' | 'choice' | 'reason'>[];
}

/** Title and body of the pull request of a run, the same whichever way it is handed over. */
export function pullRequestText(
  told: Told,
  redact: (text: string) => string,
): { readonly title: string; readonly body: string } {
  const [first = ''] = told.session.request.split('\n');
  return { title: redact(first.slice(0, TITLE_CHARS)), body: redact(pullRequestBody(told)) };
}

/** Summary, who approved and decided what and when, cost; for people who read the change. */
function pullRequestBody({ session, view, approvals, decisions }: Told): string {
  const said = [
    ...approvals.flatMap(approvalLines),
    ...decisions.map(({ at, kind, actor, choice, reason }) => ({
      at,
      words: `${actor === 'baton' ? 'Baton' : actor} decided, ${kind}: ${choice}${because(reason)}`,
    })),
  ].toSorted((a, b) => a.at - b.at);
  const shown = said.slice(0, MAX_DECISIONS).map(({ at, words }) => `- ${timeOf(at)}: ${plain(words)}`);
  const more = said.length - shown.length;
  const summary = view.result?.summary ?? '';
  return [
    `${ENDED[view.result?.status ?? (view.status === 'cancelled' ? 'cancelled' : 'failed')]}. Asked for by ${plain(session.requester)}:`,
    session.request
      .split('\n')
      .map((line) => `> ${plain(line)}`)
      .join('\n'),
    ...(summary === '' ? [] : [`**Summary**\n${plain(summary)}`]),
    `**Decisions**\n${[...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n') || 'None was asked for.'}`,
    `**Cost** ${costOf(view)}. Run \`${view.runId}\`.`,
  ].join('\n\n');
}

const ENDED = {
  completed: 'Done',
  delivered: 'Delivered as it was when its budget was used up',
  failed: 'Unfinished: the run failed, and this is what it came to',
  cancelled: 'Unfinished: the run was stopped, and this is what it came to',
} as const;

const SAID: Readonly<Record<Verdict, string>> = {
  approve: 'approved',
  reject: 'rejected',
  request_changes: 'asked for changes to',
};

/** Each word that was said to a question, and what became of it where that is not what was said. */
function approvalLines({ subject, votes, breakGlass, status, voidReason, expiresAt, decidedAt }: Asked) {
  const what = `“${oneLine(subject.title)}”`;
  const ended = { at: decidedAt ?? expiresAt };
  const lines = votes.map(({ by, verdict, at, comment, inPlaceOf }) => ({
    at,
    words: `${by}${inPlaceOf === undefined ? '' : `, in place of ${inPlaceOf},`} ${SAID[verdict]} ${what}${because(comment ?? '')}`,
  }));
  if (breakGlass !== null)
    lines.push({
      at: breakGlass.at,
      words: `${breakGlass.by} allowed ${what} alone, past who may and how many${because(breakGlass.reason)}`,
    });
  if (status === 'expired') lines.push({ ...ended, words: `nobody answered ${what} in time` });
  if (status === 'lapsed') lines.push({ ...ended, words: `the yes to ${what} ran out before it was used` });
  if (status === 'voided')
    lines.push({
      ...ended,
      words: `${what} was withdrawn${voidReason === 'content_changed' ? ': what was shown had changed' : ''}`,
    });
  return lines;
}

/** In US dollars. Where a price is not known, the least that it was: unknown is not nothing. */
function costOf({ costUsd, usage }: Told['view']): string {
  if (costUsd !== null) return `$${costUsd.toFixed(2)}`;
  const known = [...usage.values()].flatMap((each) => each.costUsd ?? []);
  const least = known.reduce((sum, each) => sum + each, 0);
  return `${known.length === 0 ? 'not known' : `at least $${least.toFixed(2)}`}: not all of it has a known price`;
}

/** To the minute, where everybody reads the same. */
function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function because(reason: string): string {
  return reason.trim() === '' ? '' : ` (${oneLine(reason)})`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, MAX_SAID_CHARS);
}

/** People's words as words: they mention nobody, and are no markup that GitHub acts on. */
function plain(text: string): string {
  return (
    text
      .replaceAll('@', '@\u200b')
      .replace(/#(?=\d)/g, '#\u200b')
      // Last: what it writes holds numbers after a #, too.
      .replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`)
  );
}
