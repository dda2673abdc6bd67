import { createHash } from 'node:crypto';
import type { Approval, Verdict } from '../src/domain/approval.ts';
import { type DecideResult, groupsOf } from '../src/domain/approval-rules.ts';
import type { Said } from '../src/orchestrator/approvals.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { epicKey } from '../src/slack/epic-key.ts';
import { type Handles, refusalWords, answers as words } from '../src/slack/words.ts';
import type { ApprovalDeps } from './deps.ts';
import { turnAway } from './turn-away.ts';

export interface ApprovalCall {
  readonly intent: string;
  readonly nonce: string;
  readonly team: string;
  readonly homeTeam: string;
  readonly user: string;
  readonly channel: string;
}

export interface DecideCall extends ApprovalCall {
  readonly verdict: Verdict;
  readonly comment: string | null;
  /** To how much a budget is to be raised; what the question offers unless given. */
  readonly amount?: number;
}

/** A person's decision, whatever door it came through. Whoever's answer did not count is always told why (A9). */
export async function decideAndAnswer(call: DecideCall, deps: ApprovalDeps): Promise<void> {
  const result = await deps.orchestrator.approvals.decide(
    await saidBy(call, deps),
    call.verdict,
    call.comment,
    call.amount,
  );
  await answer(call, result, words.decided, deps);
}

/** What somebody wrote in place of choosing between two sides. */
export async function editAndAnswer(
  call: ApprovalCall & { readonly text: string },
  deps: ApprovalDeps,
): Promise<void> {
  const result = await deps.orchestrator.approvals.edit(await saidBy(call, deps), call.text);
  await answer(call, result, words.decided, deps);
}

/** The approval, while this person's word about it would count; null: they were told why not. */
export async function mayAnswer(
  call: ApprovalCall,
  choice: string,
  deps: ApprovalDeps,
): Promise<Approval | null> {
  const result = await deps.orchestrator.approvals.check(await saidBy(call, deps), choice);
  if (result?.ok === true) return result.approval;
  await answer(call, result, () => '', deps);
  return null;
}

/** A question before deciding. */
export async function askAndAnswer(
  call: ApprovalCall & { readonly text: string },
  deps: ApprovalDeps,
): Promise<void> {
  const id = `dec_ask_${createHash('sha256').update(call.intent).digest('hex').slice(0, 20)}`;
  const result = await deps.orchestrator.approvals.ask(await saidBy(call, deps), id, call.text);
  await answer(call, result, () => words.asked, deps);
}

/** Whether this person may answer, before they are given a form for it. */
export async function lookAt(
  call: Omit<ApprovalCall, 'intent'>,
  deps: Pick<ApprovalDeps, 'orchestrator' | 'people'>,
): Promise<DecideResult | null> {
  return deps.orchestrator.approvals.look(await saidBy(call, deps));
}

/** Tells somebody why they got no form, and keeps it. It is looked at anew: what they read is true at this moment. */
export async function answerLook(call: ApprovalCall, wanted: string, deps: ApprovalDeps): Promise<void> {
  const result = await deps.orchestrator.approvals.check(await saidBy(call, deps), wanted);
  await answer(call, result, () => words.formLate, deps);
}

async function saidBy(
  { nonce, user, team, homeTeam, channel }: Omit<ApprovalCall, 'intent'>,
  deps: Pick<ApprovalDeps, 'people'>,
): Promise<Said> {
  return { nonce, by: await deps.people.decider(user, team, homeTeam), place: channel };
}

async function answer(
  call: ApprovalCall,
  result: DecideResult | null,
  done: (approval: Approval, handles: Handles) => string,
  deps: ApprovalDeps,
): Promise<void> {
  const { intent, team, user } = call;
  if (result === null) return turnAway({ ...call, what: 'approval', value: call.nonce }, 'unknown', deps);
  if (!result.ok && result.refusal === 'other_team') {
    // The approval's own audit has it; somebody else's workspace learns nothing about it.
    const to = { intent, team, user, channel: call.channel };
    return deps.answers.send(to, answerBlocks(words.runGone, deps.rehearsal));
  }
  const handles = await deps.people.handles(groupsOf(result.approval.policy), team);
  const text = result.ok
    ? done(result.approval, handles)
    : refusalWords(result.refusal, result.approval, handles);
  const session = await deps.queries.byRun(result.approval.runId);
  // A copy of the card elsewhere, in a DM or the channel for what waits, is in no epic's thread.
  const inEpic = session !== null && call.channel !== '' && call.channel === session.session.channel;
  const thread = inEpic ? { thread: epicKey(session.session.id) } : {};
  const channel = call.channel === '' ? (session?.session.channel ?? '') : call.channel;
  await deps.answers.send({ intent, team, user, channel, ...thread }, answerBlocks(text, deps.rehearsal));
}
