import type { Approval, Verdict } from './approval.ts';

/** What a message says about a decision: the whole of it is the word, or it plainly tries to be. Null: neither. */
export interface Reply {
  readonly verdict: Extract<Verdict, 'approve' | 'reject'>;
  readonly whole: boolean;
}

const WHOLE = /^\s*(?<word>approve|reject)\s*$/i;
/** The word alone, quoted, in marks, as a question, in the past tense or with the few words that people put around it. */
const TRIED =
  /^[\s>"'“”‘’«»`*_~([]*(?:(?:yes|no|ok|okay|please|pls|i|we|lgtm)[\s,:.!]+){0,3}(?<word>approve|reject)(?:d|s|ed)?(?:[\s,]+(?:it|this|that|please|pls|thanks?|now))*[\s.,!?…"'“”‘’«»`*_~)\]:]*$/i;

/** Reads a message as its author wrote it. Pure; nothing is guessed: all but the bare word decides nothing. */
export function readReply(text: string): Reply | null {
  const whole = WHOLE.exec(text)?.groups?.['word'];
  const word = whole ?? (text.length > 80 ? undefined : TRIED.exec(text)?.groups?.['word']);
  if (word === undefined) return null;
  return { verdict: word.toLowerCase() === 'approve' ? 'approve' : 'reject', whole: whole !== undefined };
}

/** A question whose card belongs where the message was written. `cardTs` null: the card does not stand there. */
export interface CardThere {
  readonly approval: Approval;
  readonly cardTs: string | null;
}

/** What a message comes to. Only `decide` goes on to the one door of decisions, with the nonce of that card. */
export type Typed =
  | { readonly kind: 'chatter' }
  | { readonly kind: 'decide'; readonly approval: Approval; readonly verdict: Reply['verdict'] }
  | { readonly kind: 'which'; readonly approvals: readonly Approval[] }
  | { readonly kind: 'not_whole' | 'nothing_waits' | 'card_is_newer' | 'has_own_answers' };

/**
 * The bare word counts where exactly one question is pending and its card stands above the message, so that it was this
 * that its author had seen. A question that was closed meanwhile goes to the door all the same, which says so.
 */
export function typedDecision(
  { text, ts }: { readonly text: string; readonly ts: string },
  cards: readonly CardThere[],
): Typed {
  const reply = readReply(text);
  if (reply === null) return { kind: 'chatter' };
  const pending = cards.filter(({ approval }) => approval.status === 'pending');
  if (!reply.whole) return { kind: pending.length === 0 ? 'chatter' : 'not_whole' };
  if (pending.length > 1) return { kind: 'which', approvals: pending.map(({ approval }) => approval) };
  const above = ({ cardTs }: CardThere): boolean => cardTs !== null && Number(cardTs) < Number(ts);
  const [only] = pending;
  if (only === undefined) {
    const closed = cards.filter((card) => above(card) && closedAfter(card, ts)).at(-1);
    return closed === undefined
      ? { kind: 'nothing_waits' }
      : { kind: 'decide', approval: closed.approval, verdict: reply.verdict };
  }
  if (!above(only)) return { kind: 'card_is_newer' };
  if (only.approval.subject.labels !== undefined) return { kind: 'has_own_answers' };
  return { kind: 'decide', approval: only.approval, verdict: reply.verdict };
}

/** Whether it was still open, or only just closed, when the message was written. */
function closedAfter({ approval: { decidedAt } }: CardThere, ts: string): boolean {
  return decidedAt === null || decidedAt >= Math.floor(Number(ts) * 1_000);
}
