import type { Approval } from '../domain/approval.ts';
import type { RunEvent } from '../domain/events.ts';
import type { QuestionView, RunView } from '../domain/run-view.ts';
import type { Lane, OutboxMessage, Target } from '../ports/outbox.ts';
import type { Session } from '../ports/store.ts';
import type { TellClosed } from '../ports/telling.ts';
import {
  approvalCard,
  approvalClosed,
  approvalQuestion,
  approvalReminder,
  brokenGlass,
} from './builders/approval.ts';
import { approvalDm, calledGroup, raisedCard, whoWasAsked } from './builders/chasing.ts';
import { epicKey } from './epic-key.ts';
import type { Message } from './message.ts';
import type { Setting } from './run-views.ts';
import { isUserId } from './text.ts';
import type { ApprovalView } from './views.ts';

export type ApprovalEvent = Extract<RunEvent, { type: `approval.${string}` }>;
export type Post = (key: string, lane: Lane, content: Message) => OutboxMessage;

/** The one name of an approval's card in its thread, and the beginning of those of its copies. */
export function approvalKey(approvalId: string): string {
  return `approval:${approvalId}`;
}

/** The approval whose card, or whose copy, a message of this key is; null: it is none. */
export function approvalOfCard(key: string): string | null {
  return /^approval:([^:]+)(?::dm:[^:]+(?::\d+)?|:in:[^:]+)?$/.exec(key)?.[1] ?? null;
}

/**
 * What the closing of a question leads to: its card and the copies of it without buttons, and a broken glass told loudly.
 * Put into the outbox with the decision itself; the projector comes to the same messages later, and they change nothing.
 */
export function closedMessages(rehearsal: boolean): TellClosed {
  return ({ event, approval, view, session, now }) => {
    const setting: Setting = { session, rehearsal, approvals: [approval], tasks: [], now };
    return approvalMessages(event, 0, view, setting, postIn(session));
  };
}

/** Messages in the thread of a session's epic. */
export function postIn({ id, team, channel }: Session): Post {
  return (key, lane, content) => ({
    team,
    key,
    kind: 'post',
    target: { kind: 'channel', channel },
    thread: epicKey(id),
    lane,
    ...content,
  });
}

/** What is told of a question: its card, copies of it where people are asked, and lines about them. */
export function approvalMessages(
  event: ApprovalEvent,
  seq: number,
  view: RunView,
  setting: Setting,
  post: Post,
): OutboxMessage[] {
  const approval = setting.approvals.find(({ id }) => id === event.approvalId);
  if (approval === undefined) return [];
  const question = view.approvals.get(approval.id);
  const shown = approvalView(approval, view, setting);
  const key = approvalKey(approval.id);
  const waitedMs = setting.now - approval.requestedAt;
  /** Outside any thread, in a DM or another channel. */
  const elsewhere = (name: string, target: Target, content: Message): OutboxMessage => {
    const { thread: _thread, ...message } = post(`${key}:${name}`, 'approvals', content);
    return { ...message, target };
  };
  const direct = (user: string, turn: number | undefined, content: Message) =>
    elsewhere(`dm:${user}${turn === undefined ? '' : `:${turn}`}`, { kind: 'dm', user }, content);
  const inChannel = (channel: string, content: Message) =>
    elsewhere(`in:${channel}`, { kind: 'channel', channel }, content);
  /** The card itself, and its copies, rewritten. */
  const everywhere = (content: Message): OutboxMessage[] => {
    const { deeds = [], raised = [] } = question ?? {};
    const copies = deeds.flatMap(({ deed }) =>
      deed.kind === 'direct' ? [direct(deed.to, deed.moved?.turn, content)] : [],
    );
    return [
      post(key, 'approvals', content),
      ...copies,
      ...raised.map((channel) => inChannel(channel, content)),
    ].map(asUpdate);
  };
  const told = toldRequester(shown, question, (content) =>
    elsewhere('told', { kind: 'dm', user: approval.requester }, content),
  );

  switch (event.type) {
    case 'approval.requested':
      return [post(key, 'approvals', approvalCard(shown))];
    case 'approval.reminded':
      return [post(`${key}:reminder:${seq}`, 'approvals', approvalReminder(shown, event.calling))];
    case 'approval.escalated':
      return [direct(event.to, event.moved?.turn, approvalDm(shown, waitedMs, event)), ...told];
    case 'approval.raised':
      return [inChannel(event.channel, raisedCard(shown, waitedMs)), ...told];
    case 'approval.called': {
      const call = post(`${key}:called`, 'approvals', calledGroup(shown, event.group, waitedMs));
      const [channel] = question?.raised ?? [];
      if (channel === undefined) return [call, ...told];
      return [{ ...call, target: { kind: 'channel', channel }, thread: `${key}:in:${channel}` }, ...told];
    }
    case 'approval.voted':
      // Closed meanwhile: the closed card says it all.
      return approval.status === 'pending' ? everywhere(approvalCard(shown)) : [];
    case 'approval.asked':
      return [post(`${key}:question:${seq}`, 'approvals', approvalQuestion(shown, event.by, event.text))];
    case 'approval.broke_glass': {
      // Loud: in the thread for all to see, and to whoever asked for the work, wherever they are.
      const loud = brokenGlass(shown, event.by, event.reason);
      const { requester: user } = approval;
      const dm = elsewhere('glass:dm', { kind: 'dm', user }, loud);
      return [post(`${key}:glass`, 'approvals', loud), ...(isUserId(user) ? [dm] : [])];
    }
    case 'approval.closed':
      return [...everywhere(approvalClosed(shown)), ...told.filter(({ kind }) => kind === 'update')];
    case 'approval.given_up':
      // Its closing tells.
      return [];
    case 'approval.taken':
      // What was allowed is seen where it happens: one message less to read.
      return [];
    default:
      return event satisfies never;
  }
}

/**
 * Whoever asked for the work knows at each step who was asked: by one message that is rewritten, so that it is one to
 * read. Who got the card themselves needs none.
 */
function toldRequester(
  shown: ApprovalView,
  question: QuestionView | undefined,
  dm: (content: Message) => OutboxMessage,
): OutboxMessage[] {
  const { requester } = shown.approval;
  const deeds = (question?.deeds ?? []).filter(({ deed }) => deed.kind !== 'remind');
  if (!isUserId(requester) || deeds.length === 0 || question?.asked.includes(requester) === true) return [];
  const message = dm(whoWasAsked(shown, deeds));
  return [message, asUpdate(message)];
}

function asUpdate(message: OutboxMessage): OutboxMessage {
  return { ...message, kind: 'update' };
}

function approvalView(approval: Approval, view: RunView, { session, rehearsal }: Setting): ApprovalView {
  return {
    approval,
    epicTitle: view.plan?.title ?? session.request,
    askedBy: null,
    costUsd: view.costUsd,
    rehearsal,
  };
}
