import { answerBlocks } from '../src/slack/builders/answers.ts';
import type { Message } from '../src/slack/message.ts';
import type { TurnAwayDeps } from './deps.ts';
import type { Attempt } from './turn-away.ts';

/** Something somebody tried, with the key of the message in whose thread they did; none where they were in none. */
export type Tried = Attempt & { readonly thread?: string };

/**
 * Somebody was turned away: nothing changed, the audit has who tried what on which thing and why it led nowhere, and
 * they are told, in their direct message where nobody knows where they look.
 * @param why the refusal's own name
 */
export async function tellRefused(
  { intent, team, user, channel, what, value, thread }: Tried,
  why: string,
  words: string | Message,
  deps: TurnAwayDeps,
): Promise<void> {
  await deps.audit.turnedAway({ team, user, place: channel, what, value, why }, deps.now());
  const to = { intent, team, user, channel, ...(thread === undefined ? {} : { thread }) };
  const answer = typeof words === 'string' ? answerBlocks(words, deps.rehearsal) : words;
  await deps.answers.send(to, answer);
}
