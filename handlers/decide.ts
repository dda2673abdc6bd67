import type { Verdict } from '../src/domain/approval.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { epicKey } from '../src/slack/projector.ts';
import { refusalWords, answers as words } from '../src/slack/words.ts';
import type { HandlerDeps } from './deps.ts';

export interface DecideCall {
  readonly intent: string;
  readonly nonce: string;
  readonly team: string;
  readonly homeTeam: string;
  readonly user: string;
  readonly channel: string;
  readonly verdict: Verdict;
  readonly comment: string | null;
}

/** A person's decision, whatever door it came through. Whoever's answer did not count is always told why. */
export async function decideAndAnswer(call: DecideCall, deps: HandlerDeps): Promise<void> {
  const by = await deps.people.decider(call.user, call.team, call.homeTeam);
  const result = await deps.orchestrator.decide(call.nonce, by, call.verdict, call.comment);
  const session = result === null ? null : await deps.queries.byRun(result.approval.runId);
  // Somebody else's workspace learns nothing about the approval.
  const foreign = result !== null && !result.ok && result.refusal === 'other_team';
  const text =
    result === null || foreign
      ? words.runGone
      : result.ok
        ? words.decided(result.approval.status)
        : refusalWords(result.refusal, result.approval);
  const thread = session === null || foreign ? {} : { thread: epicKey(session.session.id) };
  const channel = call.channel === '' ? (session?.session.channel ?? '') : call.channel;
  if (channel === '') return;
  await deps.answers.send(
    { intent: call.intent, team: call.team, user: call.user, channel, ...thread },
    answerBlocks(text, deps.rehearsal),
  );
}
