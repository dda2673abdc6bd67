import type { Approval } from '../../domain/approval.ts';
import { actionIds } from '../actions.ts';
import {
  actions,
  bold,
  button,
  code,
  italic,
  lines,
  type Part,
  type Piece,
  people,
  person,
  preformatted,
  when,
} from '../blocks.ts';
import { roughly, signs } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short, visible } from '../text.ts';
import type { ApprovalView } from '../views.ts';

/** Longest part of the change on a card, so that the whole card stays in its budget. */
const EXCERPT_MAX = 3_500;

/** The first and last characters of a digest: enough to compare by eye. */
function shortDigest(digest: string): string {
  return digest.length <= 8 ? digest : `${digest.slice(0, 4)}…${digest.slice(-2)}`;
}

/** An approval that waits for an answer. */
export function approvalCard(view: ApprovalView): Message {
  return message(cardBlocks(view), view.rehearsal);
}

/** The same card in somebody's DM; its first line says why it came to them. @param waitedMs since it was asked */
export function approvalDm(view: ApprovalView, waitedMs: number): Message {
  const first = lines([
    `Nobody has answered for ${roughly(waitedMs)}; you're the next in line. If nobody decides by `,
    when(view.approval.expiresAt),
    ` ${short(view.onTimeout, 200)}.`,
  ]);
  return message([first, ...cardBlocks(view)], view.rehearsal);
}

/** Recalls an open approval to those who may decide; the card itself is further up in the thread. */
export function approvalReminder(view: ApprovalView): Message {
  const { approval } = view;
  const eligible = approval.policy.people.filter(
    (id) => !approval.policy.fourEyes || id !== approval.requester,
  );
  const who: Piece[] = eligible.length === 0 ? [] : [...people(eligible, 'or'), ': '];
  return message(
    [
      lines(
        [
          `${signs.needs_person} `,
          ...who,
          'still waiting for a decision on ',
          bold(short(approval.subject.title, 150)),
          '.',
        ],
        [
          'The card is above in this thread. Until ',
          when(approval.expiresAt),
          `, then ${short(view.onTimeout, 200)}.`,
        ],
      ),
    ],
    view.rehearsal,
  );
}

/** The card once it is closed: who decided what, when, having seen what. No buttons. */
export function approvalClosed(view: ApprovalView): Message {
  const { subject, comment } = view.approval;
  return message(
    [
      lines(
        outcomeRow(view),
        [bold(short(subject.title, 200)), ' · ', ...askedIn(view)],
        comment === null || comment.trim() === '' ? [] : ['“', short(comment, 500), '”'],
      ),
    ],
    view.rehearsal,
  );
}

function cardBlocks(view: ApprovalView): Part[] {
  const { subject } = view.approval;
  return [
    lines(
      [`${signs.needs_person} `, bold(short(subject.title, 200))],
      [short(subject.why, 500)],
      subject.risk === '' ? [] : ['Risk: ', short(subject.risk, 300)],
      askedIn(view),
    ),
    ...(subject.excerpt.trim() === '' ? [] : [preformatted(subject.excerpt, EXCERPT_MAX)]),
    lines(changeRow(view), whoRow(view.approval), [
      'If nobody decides by then, ',
      short(view.onTimeout, 200),
      '.',
    ]),
    cardButtons(view),
  ];
}

function askedIn({ askedBy, epicTitle }: ApprovalView): Piece[] {
  const by: Piece[] = askedBy === null ? ['asked in '] : ['asked by ', short(askedBy, 60), ' in '];
  return [...by, italic(short(epicTitle, 150))];
}

/** Whether the card shows only part of what the digest covers. */
function isCut({ subject }: Approval): boolean {
  return subject.excerptCut || visible(subject.excerpt).length > EXCERPT_MAX;
}

function changeRow({ approval }: ApprovalView): Piece[] {
  return [
    'sha256 ',
    code(shortDigest(approval.subject.digest)),
    isCut(approval) ? ' covers all of it; only part is shown here' : ' covers what is shown here',
  ];
}

function whoRow(approval: Approval): Piece[] {
  const { people: named, fourEyes, escalateTo } = approval.policy;
  const eligible = named.filter((id) => !fourEyes || id !== approval.requester);
  const who: Piece[] =
    eligible.length === 0 ? ['anybody in this workspace but guests'] : people(eligible, 'or');
  const not: Piece[] = fourEyes ? [', not ', person(approval.requester)] : [];
  const next: Piece[] = escalateTo.length === 0 ? [] : [', then ', ...people(escalateTo, 'and'), ' by DM'];
  return ['Who: ', ...who, ...not, ...next, ' · until ', when(approval.expiresAt, 'day and time')];
}

function cardButtons({ approval }: ApprovalView): Part {
  const { nonce, runId } = approval;
  const { labels } = approval.subject;
  return actions(
    ...(labels === undefined
      ? [
          button(actionIds.approvalApprove, 'Approve', nonce, { style: 'primary' }),
          button(actionIds.approvalReject, 'Reject…', nonce, { style: 'danger' }),
          button(actionIds.approvalChanges, 'Request changes…', nonce),
        ]
      : [
          button(actionIds.approvalApprove, labels.approve, nonce),
          button(actionIds.approvalChanges, labels.request_changes, nonce),
          button(actionIds.approvalReject, labels.reject, nonce, { style: 'danger' }),
        ]),
    ...(isCut(approval) ? [button(actionIds.runDetails, 'Details', runId)] : []),
  );
}

function outcomeRow(view: ApprovalView): Piece[] {
  const { approval } = view;
  const who: Piece = approval.decidedBy === null ? 'Somebody' : person(approval.decidedBy);
  const at: Piece[] = approval.decidedAt === null ? [] : [' at ', when(approval.decidedAt)];
  const seen: Piece[] = [' (seen: ', code(shortDigest(approval.subject.digest)), ').'];
  const { labels } = approval.subject;
  const chose = (label: string): Piece[] => [
    `${signs.done} `,
    who,
    ' chose “',
    bold(label),
    '”',
    ...at,
    ...seen,
  ];
  switch (approval.status) {
    case 'pending':
      return [`${signs.needs_person} Waiting for a decision.`];
    case 'approved':
      if (labels !== undefined) return chose(labels.approve);
      return [`${signs.done} `, who, ' approved this', ...at, ...seen];
    case 'rejected':
      if (labels !== undefined) return chose(labels.reject);
      return [`${signs.failed} `, who, ' rejected this', ...at, ...seen];
    case 'changes_requested':
      if (labels !== undefined) return chose(labels.request_changes);
      return [`${signs.in_progress} `, who, ' asked for changes', ...at, ...seen];
    case 'expired':
      return [
        `${signs.paused} Nobody decided by `,
        when(approval.expiresAt),
        `: ${short(view.onTimeout, 200)}. Nothing was done.`,
      ];
    case 'voided':
      return [`${signs.skipped} Withdrawn`, ...at, ': it no longer applies. Nothing was done.'];
    default:
      return approval.status satisfies never;
  }
}
