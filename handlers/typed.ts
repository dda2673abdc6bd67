import type { CardThere } from '../src/domain/typed-decision.ts';
import { readReply, typedDecision } from '../src/domain/typed-decision.ts';
import { approvalKey, approvalOfCard } from '../src/slack/approval-messages.ts';
import { epicKey } from '../src/slack/epic-key.ts';
import { typedWords } from '../src/slack/typed-words.ts';
import { decideAndAnswer } from './decide.ts';
import type { HandlerDeps } from './deps.ts';
import { tellRefused } from './refused.ts';

/** A message, as far as it may be a decision. */
export interface TypedMessage {
  readonly intent: string;
  readonly team: string;
  readonly homeTeam: string;
  readonly user: string;
  readonly channel: string;
  readonly ts: string;
  readonly text: string;
  /** The first message of its thread; null: it stands in none. */
  readonly parent: string | null;
  readonly sessionId: string | null;
}

/** Whether a message could be a decision where it stands: nothing else is looked at, or kept. */
export async function mayBeDecision(
  { text, team, channel, parent, sessionId }: Omit<TypedMessage, 'intent' | 'homeTeam' | 'user' | 'ts'>,
  deps: HandlerDeps,
): Promise<boolean> {
  if (readReply(text) === null) return false;
  if (sessionId !== null || isDirect(channel)) return true;
  return parent !== null && (await cardAt({ team, channel }, parent, deps)) !== null;
}

/**
 * APPROVE or REJECT as a whole message: through the one door that the buttons use, with the same checks.
 * @returns false when it is no decision, and means something else or nothing
 */
export async function decideByWord(said: TypedMessage, deps: HandlerDeps): Promise<boolean> {
  if (readReply(said.text) === null) return false;
  const typed = typedDecision(said, await cardsThere(said, deps));
  if (typed.kind === 'chatter') return false;
  if (typed.kind === 'decide') {
    const { nonce } = typed.approval;
    await decideAndAnswer({ ...said, nonce, verdict: typed.verdict, comment: null }, deps);
    return true;
  }
  await tell(said, typed.kind, typedWords(typed), deps);
  return true;
}

/** A message that was changed into a decision: it is not known who had read what when. Nothing is changed. */
export async function refuseEdited(said: TypedMessage, deps: HandlerDeps): Promise<void> {
  const waits = (await cardsThere(said, deps)).some(({ approval }) => approval.status === 'pending');
  if (waits) await tell(said, 'edited', typedWords({ kind: 'edited' }), deps);
}

/** The questions whose cards belong to this place: of its thread, or of the direct message. */
async function cardsThere(
  { team, channel, parent, sessionId }: TypedMessage,
  deps: HandlerDeps,
): Promise<CardThere[]> {
  if (parent !== null && sessionId === null) {
    const card = await cardAt({ team, channel }, parent, deps);
    const approval = card === null ? null : await deps.approvals.byId(card);
    return approval === null ? [] : [{ approval, cardTs: parent }];
  }
  if (sessionId !== null) {
    const run = await deps.queries.bySession(sessionId);
    return Promise.all(
      (run?.approvals ?? []).map(async (approval) => {
        const ref = await deps.cards.ref(approvalKey(approval.id));
        return { approval, cardTs: ref?.channel === channel ? ref.ts : null };
      }),
    );
  }
  if (!isDirect(channel)) return [];
  const refs = await deps.cards.refsIn(team, channel, approvalKey(''));
  const found = await Promise.all(
    refs.map(async ({ key, ts }) => {
      const id = approvalOfCard(key);
      const approval = id === null ? null : await deps.approvals.byId(id);
      return approval === null ? [] : [{ approval, cardTs: ts }];
    }),
  );
  // A question that went on to somebody and came back has two cards here: it is one question, and the first is above.
  const first = new Map<string, CardThere>();
  for (const card of found.flat()) {
    const before = first.get(card.approval.id);
    if (before?.cardTs == null || before.cardTs > card.cardTs) first.set(card.approval.id, card);
  }
  return [...first.values()];
}

async function cardAt(
  { team, channel }: Pick<TypedMessage, 'team' | 'channel'>,
  ts: string,
  deps: HandlerDeps,
): Promise<string | null> {
  const ref = await deps.cards.refAt(team, channel, ts);
  return ref === null ? null : approvalOfCard(ref.key);
}

function isDirect(channel: string): boolean {
  return channel.startsWith('D');
}

async function tell(said: TypedMessage, why: string, markup: string, deps: HandlerDeps): Promise<void> {
  const { intent, team, user, channel, sessionId, text } = said;
  const thread = sessionId === null ? {} : { thread: epicKey(sessionId) };
  await tellRefused(
    { intent, team, user, channel, ...thread, what: 'typed', value: text },
    why,
    markup,
    deps,
  );
}
