import type { Done } from '../../domain/escalation.ts';
import { bold, group, lines, type Part, type Piece, person, when } from '../blocks.ts';
import { roughly, signs } from '../format.ts';
import { type Message, message } from '../message.ts';
import { short } from '../text.ts';
import type { ApprovalView } from '../views.ts';
import { cardBlocks, onTimeout, outcomeRow } from './approval.ts';

/** The words by which a question reaches those who did not see it in its thread. */

export interface AskedAs {
  readonly as?: 'approver' | 'deputy' | undefined;
  /** Whoever is away. */
  readonly inPlaceOf?: string | undefined;
  readonly to: string;
  /** The question was somebody's before. */
  readonly moved?: { readonly from: string } | undefined;
}

/** The card in somebody's DM; its first line says why it came to them. @param waitedMs since it was asked */
export function approvalDm(view: ApprovalView, waitedMs: number, asked: AskedAs): Message {
  const { as, inPlaceOf } = asked;
  const why: Piece[] =
    asked.moved !== undefined
      ? movedPieces(asked.to, asked.moved.from, inPlaceOf)
      : inPlaceOf !== undefined
        ? ['you decide while ', person(inPlaceOf), ' is away']
        : [as === 'approver' ? 'you are one of those who decide' : "you're the next in line"];
  return message(
    [
      lines([`Nobody has answered for ${roughly(waitedMs)}; `, ...why, '. ', ...orElse(view)]),
      ...cardBlocks(view, false),
      lines(['You can also write APPROVE or REJECT here, as a whole message.']),
    ],
    view.rehearsal,
  );
}

/** Names both: whose question it was, and whose it is. */
function movedPieces(to: string, from: string, inPlaceOf: string | undefined): Piece[] {
  return inPlaceOf === undefined
    ? [person(from), ' no longer stands in for ', person(to), ', so it is yours again']
    : [person(from), ' was asked; while ', person(inPlaceOf), ' is away, ', person(to), ' decides'];
}

/** The card where those look who see to it that questions are answered. */
export function raisedCard(view: ApprovalView, waitedMs: number): Message {
  const { urgency } = view.approval.policy.escalation;
  const first = lines([
    bold('A person is needed'),
    ` (${urgency}): nobody has answered for ${roughly(waitedMs)}. `,
    ...orElse(view),
  ]);
  return message([first, ...cardBlocks(view, false)], view.rehearsal);
}

export function calledGroup(view: ApprovalView, id: string, waitedMs: number): Message {
  const { subject } = view.approval;
  return message(
    [
      lines([
        `${signs.needs_person} `,
        group(id),
        ': ',
        bold(short(subject.title, 150)),
        ` has waited for ${roughly(waitedMs)}, and nobody of those who decide has answered. `,
        ...orElse(view),
      ]),
    ],
    view.rehearsal,
  );
}

/** For whoever asked for the work: who was asked so far, and what came of it. */
export function whoWasAsked(view: ApprovalView, deeds: readonly Done[]): Message {
  const { subject, status } = view.approval;
  const rows = deeds.map(({ deed, at }): Piece[] => ['• ', when(at), ' ', ...deedPieces(deed)]);
  const end: Piece[] =
    status === 'pending' ? ['You need not do anything. ', ...orElse(view)] : outcomeRow(view);
  return message(
    [
      lines(
        [bold(short(subject.title, 150)), status === 'pending' ? ' still waits for a decision.' : ''],
        ...rows,
        end,
      ),
    ],
    view.rehearsal,
  );
}

function deedPieces(deed: Done['deed']): Piece[] {
  switch (deed.kind) {
    case 'remind':
      return ['reminded in the thread'];
    case 'channel':
      return ['said in the channel for what waits'];
    case 'direct': {
      const away: Piece[] = deed.inPlaceOf === null ? [] : [', for ', person(deed.inPlaceOf), ' who is away'];
      if (deed.moved !== undefined) return [person(deed.moved.from), ' → ', person(deed.to), ...away];
      return [person(deed.to), ' asked by direct message', ...away];
    }
    case 'on_call':
      return [group(deed.group), ' called'];
    default:
      return deed satisfies never;
  }
}

function orElse({ approval }: ApprovalView): (Piece | Part)[] {
  return ['If nobody decides by ', when(approval.expiresAt, 'day and time'), `, ${onTimeout(approval)}.`];
}
