import type { Approval, Requirement, Vote } from '../../domain/approval.ts';
import { mayEdit, missing, namedDeciders, raisedTo, requirementsOf } from '../../domain/approval-rules.ts';
import { amount } from '../../domain/budget.ts';
import { actionIds } from '../actions.ts';
import {
  actions,
  bold,
  button,
  code,
  group,
  italic,
  lines,
  type Part,
  type Piece,
  people,
  person,
  preformatted,
  when,
} from '../blocks.ts';
import { money, sentence, signs } from '../format.ts';
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

/**
 * Recalls an open approval to those who may decide; the card itself is further up in the thread.
 * @param calling those who are called by name; all who decide unless given
 */
export function approvalReminder(view: ApprovalView, calling?: readonly string[]): Message {
  const { approval } = view;
  // Groups are called by the card itself.
  const named = people(calling ?? namedDeciders(approval), 'or');
  const who: Piece[] = named.length === 0 ? [] : [...named, ': '];
  return message(
    [
      lines(
        [
          `${signs.needs_person} `,
          ...who,
          'still waiting for a decision: ',
          bold(sentence(short(approval.subject.title, 150))),
        ],
        [
          'The card is above in this thread; APPROVE or REJECT as a whole message counts like its buttons. Until ',
          when(approval.expiresAt),
          `, then ${onTimeout(view.approval)}.`,
        ],
      ),
    ],
    view.rehearsal,
  );
}

/** A question before deciding, to whoever asked for the work. */
export function approvalQuestion(view: ApprovalView, by: string, text: string): Message {
  const { requester, subject, expiresAt } = view.approval;
  return message(
    [
      lines(
        [
          person(requester),
          ': ',
          person(by),
          ' asks before deciding on ',
          bold(short(subject.title, 150)),
          ':',
        ],
        ['“', short(text, 800), '”'],
        ['Answer here. The approval is open until ', when(expiresAt), '.'],
      ),
    ],
    view.rehearsal,
  );
}

/** An admin went past who may decide: said to everybody there, at once. */
export function brokenGlass(view: ApprovalView, by: string, reason: string): Message {
  const { subject } = view.approval;
  return message(
    [
      lines(
        [
          `${signs.needs_person} `,
          bold('The glass was broken'),
          ': ',
          person(by),
          ' allowed ',
          bold(short(subject.title, 150)),
          ' alone, past those who decide on it.',
        ],
        ['Reason: “', short(reason, 500), '”'],
        ['Seen: ', code(shortDigest(subject.digest)), '. It is in the audit as what it is.'],
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
        isSaid(view.approval) ? ['“', short(comment ?? '', 500), '”'] : [],
      ),
    ],
    view.rehearsal,
  );
}

/** Whether somebody said something with their answer: of what was withdrawn, the outcome has said why. */
function isSaid({ comment, status, decidedBy }: Approval): boolean {
  return (comment ?? '').trim() !== '' && !(status === 'voided' && decidedBy === null);
}

/** @param orElse whether it says what comes of it when nobody decides: not where that was said above it */
export function cardBlocks(view: ApprovalView, orElse = true): Part[] {
  const { subject } = view.approval;
  return [
    lines(
      [`${signs.needs_person} `, bold(short(subject.title, 200))],
      [short(subject.why, 500)],
      subject.risk === '' ? [] : ['Risk: ', short(subject.risk, 300)],
      askedIn(view),
    ),
    ...(subject.excerpt.trim() === '' ? [] : [preformatted(subject.excerpt, EXCERPT_MAX)]),
    lines(
      problemRow(view.approval),
      changeRow(view),
      editRow(view.approval),
      whoRow(view.approval),
      votesRow(view.approval),
      orElse ? ['If nobody decides by then, ', onTimeout(view.approval), '.'] : [],
    ),
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

function changeRow({ approval, costUsd }: ApprovalView): Piece[] {
  return [
    'sha256 ',
    code(shortDigest(approval.subject.digest)),
    isCut(approval) ? ' covers all of it; only part is shown here' : ' covers what is shown here',
    costUsd === null || costUsd === 0 ? '' : ` · ${money(costUsd)} so far`,
  ];
}

function whoRow(approval: Approval): Piece[] {
  const { policy, requester, subject } = approval;
  const lastEditor = subject.lastEditor === undefined ? [] : [subject.lastEditor];
  const not = [...(policy.fourEyes ? [requester] : []), ...lastEditor];
  // Whoever decides anyway is not named twice.
  const known = new Set(requirementsOf(policy).flatMap((each) => each.people));
  const others = people(
    policy.escalateTo.filter((id) => !known.has(id)),
    'and',
  );
  const next: Piece[] =
    policy.escalateTo.length === 0 ? [] : [', then ', ...others, others.length === 0 ? 'by DM' : ' by DM'];
  const except: Piece[] = not.length === 0 ? [] : [', not ', ...people(not, 'or')];
  const who = requirementsOf(policy).flatMap((each, i): Piece[] => [
    i === 0 ? '' : '; and ',
    ...whoOf(each, not),
  ]);
  return ['Who: ', ...who, ...except, ...next, ' · until ', when(approval.expiresAt, 'day and time')];
}

/** "2 of @bob or @dba (changes the database's shape)" */
function whoOf(
  { anyone, people: named, groups, count, trigger }: Requirement,
  not: readonly string[],
): Piece[] {
  const may = named.filter((id) => !not.includes(id));
  const some: Piece[] = anyone ? ['anybody in this workspace but guests'] : callable(may, groups);
  const shown: Piece[] = some.length === 0 ? ['nobody whom the policy names is known here'] : some;
  const many = count > 1 ? [`${count} people: `] : [];
  return [...many, ...shown, ...(trigger === 'workflow' ? [] : [` (${trigger.replaceAll('_', ' ')})`])];
}

function callable(named: readonly string[], groups: readonly string[]): Piece[] {
  const all = [...named.map(person), ...groups.map(group)];
  return all.flatMap((each, i): Piece[] => [i === 0 ? '' : i === all.length - 1 ? ' or ' : ', ', each]);
}

/** Whose votes are in, and what is missing still. */
function votesRow({ policy, votes }: Approval): Piece[] {
  const needed = requirementsOf(policy).reduce((sum, { count }) => sum + count, 0);
  const yes = votes.filter(({ verdict }) => verdict === 'approve');
  if (yes.length === 0) return needed > 1 ? ['Votes: none yet'] : [];
  const lacks = missing(policy, votes).reduce((sum, each) => sum + each.lacks, 0);
  const voters = yes.flatMap((vote, i): Piece[] => [i === 0 ? '' : ' and ', ...voterOf(vote)]);
  return ['Votes: ', ...voters, ` yes${lacks > 0 ? `; ${lacks} more needed` : ''}`];
}

/** "@carol for @bob" where somebody spoke for one who is away. */
function voterOf({ by, inPlaceOf }: Vote): Piece[] {
  return inPlaceOf === undefined ? [person(by)] : [person(by), ' for ', person(inPlaceOf)];
}

/** What a timeout does, as the end of a sentence. In each case it is not done. */
export function onTimeout({ policy }: Approval): string {
  switch (policy.onTimeout) {
    case 'pause':
      return 'it is not done and the run waits, paused';
    case 'skip':
      return 'it is not done and the run goes on without it';
    case 'stop':
      return 'it is not done and the run ends; the branch is kept as it is';
    default:
      return policy.onTimeout satisfies never;
  }
}

/** Why nobody can decide, in big letters: a policy that cannot be read lets nobody pass. */
function problemRow({ policy }: Approval): Piece[] {
  return policy.problem === null
    ? []
    : [
        `${signs.needs_person} Nobody can decide this: `,
        short(policy.problem, 300),
        '. Whoever runs Baton has to put it right.',
      ];
}

/** Why people cannot write the outcome themselves where that could be expected. */
function editRow({ subject: { edit } }: Approval): Piece[] {
  return edit === undefined || 'text' in edit
    ? []
    : ['Edit is not offered: ', short(edit.why, 200), '. Take a side, or stop and merge by hand.'];
}

/** The answers, by the names they have for what is asked. */
export function answerButtons(approval: Approval): Part[] {
  const {
    nonce,
    subject: { labels, raise },
  } = approval;
  if (labels === undefined)
    return [
      button(actionIds.approvalApprove, 'Approve', nonce, { style: 'primary' }),
      button(actionIds.approvalReject, 'Reject…', nonce, { style: 'danger' }),
      button(actionIds.approvalChanges, 'Request changes…', nonce),
    ];
  return [
    button(actionIds.approvalApprove, labels.approve, nonce),
    ...(raise === undefined ? [] : [button(actionIds.budgetAmount, 'Another amount…', nonce)]),
    button(actionIds.approvalChanges, labels.request_changes, nonce),
    ...(mayEdit(approval) ? [button(actionIds.approvalEdit, 'Edit…', nonce)] : []),
    button(actionIds.approvalReject, labels.reject, nonce, { style: 'danger' }),
  ];
}

function cardButtons({ approval }: ApprovalView): Part {
  return actions(
    ...answerButtons(approval),
    button(actionIds.approvalAsk, 'Ask…', approval.nonce),
    ...(isCut(approval) ? [button(actionIds.runDetails, 'Details', approval.runId)] : []),
  );
}

const VOTES = { approve: 'yes', reject: 'no', request_changes: 'changes' } as const;
const WITHDRAWN = {
  content_changed: 'what was shown changed before it was done, so it was not done.',
  right_lost: 'those who approved may not do so any more, so it was not done.',
  withdrawn: 'the run went on otherwise, so it was not used.',
} as const;

/** What was chosen with a yes: with the amount, where people named one of their own. */
function approvedLabel(approval: Approval, usual: string): string {
  const { raise } = approval.subject;
  const to = raisedTo(approval);
  return raise === undefined || to === null ? usual : `Raise to ${amount(raise.unit, to)}`;
}

export function outcomeRow(view: ApprovalView): Piece[] {
  const { approval } = view;
  const last = approval.votes.find(({ by }) => by === approval.decidedBy);
  const decider: Piece[] = approval.decidedBy === null ? ['Somebody'] : [person(approval.decidedBy)];
  const who: Piece[] = last === undefined || approval.breakGlass !== null ? decider : voterOf(last);
  const at: Piece[] = approval.decidedAt === null ? [] : [' at ', when(approval.decidedAt)];
  const seen: Piece[] = [' (seen: ', code(shortDigest(approval.subject.digest)), ').'];
  const { labels } = approval.subject;
  const chose = (label: string): Piece[] => [
    `${signs.done} `,
    ...who,
    ' chose “',
    bold(label),
    '”',
    ...at,
    ...seen,
  ];
  const votes: Piece[] =
    approval.votes.length < 2
      ? []
      : [
          ' Votes: ',
          ...approval.votes.flatMap((vote, i): Piece[] => [
            i === 0 ? '' : ', ',
            ...voterOf(vote),
            ` ${VOTES[vote.verdict]}`,
          ]),
          '.',
        ];
  const head: Piece[] =
    approval.auditHash === null ? [] : [' Audit ', code(approval.auditHash.slice(0, 8)), '.'];
  switch (approval.status) {
    case 'pending':
      return [`${signs.needs_person} Waiting for a decision.`];
    case 'approved':
    case 'taken':
      if (approval.breakGlass !== null)
        return [
          `${signs.needs_person} `,
          ...who,
          ' broke the glass and allowed this',
          ...at,
          ...seen,
          ...head,
        ];
      if (labels !== undefined) return [...chose(approvedLabel(approval, labels.approve)), ...head];
      return [`${signs.done} `, ...who, ' approved this', ...at, ...seen, ...votes, ...head];
    case 'lapsed':
      return [
        `${signs.paused} `,
        ...who,
        ' approved this',
        ...at,
        '; it was not begun in time and was not done.',
        ...head,
      ];
    case 'rejected':
      if (labels !== undefined) return [...chose(labels.reject), ...head];
      return [`${signs.failed} `, ...who, ' rejected this', ...at, ...seen, ...votes, ...head];
    case 'changes_requested':
      if (last?.edited !== undefined)
        return [...chose('Edit'), ' Written: ', code(shortDigest(last.edited)), '.', ...head];
      if (labels !== undefined) return [...chose(labels.request_changes), ...head];
      return [`${signs.in_progress} `, ...who, ' asked for changes', ...at, ...seen, ...votes, ...head];
    case 'expired':
      return [
        `${signs.paused} Nobody decided by `,
        when(approval.expiresAt),
        `: ${onTimeout(view.approval)}. Nothing was done.`,
        ...head,
      ];
    case 'voided':
      if (approval.decidedBy !== null)
        return [
          `${signs.skipped} `,
          ...who,
          ' approved this',
          ...at,
          `; ${WITHDRAWN[approval.voidReason ?? 'withdrawn']}`,
          ...head,
        ];
      if (approval.voidReason === 'content_changed')
        return [
          `${signs.skipped} Withdrawn`,
          ...at,
          ': what was shown has changed since. Nothing was decided.',
          ...head,
        ];
      return [
        `${signs.skipped} Withdrawn`,
        ...at,
        `: ${sentence(short(approval.comment ?? 'it no longer applies', 300))} Nothing was done.`,
        ...head,
      ];
    default:
      return approval.status satisfies never;
  }
}
