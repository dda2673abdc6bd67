import { z } from 'zod';
import type { AuditRow } from '../src/domain/audit.ts';
import { bold, code, lines, type Piece, person, when } from '../src/slack/blocks.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { count } from '../src/slack/format.ts';
import { type Message, message } from '../src/slack/message.ts';
import { short } from '../src/slack/text.ts';
import { answers } from '../src/slack/words.ts';
import type { Command } from './command.ts';

/** As many as fit one message, however long their reasons are; the newest. */
const SHOWN = 20;

/** Who decided what about a run, in order, with the head of the audit. */
export const history: Command = {
  word: 'history',
  usage: 'history [id]',
  description: 'Who decided what, on what they were shown',
  async run(call, { queries, audit, rehearsal }) {
    const run = await queries.find(call, call.rest);
    if (run === null) return answerBlocks(answers.runGone, rehearsal);
    return historyBlocks(await audit.ofRun(run.view.runId), rehearsal);
  },
};

export function historyBlocks(rows: readonly AuditRow[], rehearsal: boolean): Message {
  const head = rows.at(-1);
  // An answer is in the audit twice: as the card's end, and among the decisions.
  const told = rows.filter(({ kind }) => kind !== 'decision.approval');
  const left = Math.max(0, told.length - SHOWN);
  return message(
    [
      lines(
        [bold('History'), left > 0 ? ` (${left} earlier ones: \`baton history\`)` : ''],
        ...told.slice(-SHOWN).map(rowPieces),
      ),
      head === undefined
        ? null
        : lines(['Audit ', code(head.hash.slice(0, 8)), ` · ${count(rows.length, 'entry', 'entries')}`]),
    ],
    rehearsal,
  );
}

function rowPieces({ at, kind, actor, actorKind, shown, detail }: AuditRow): Piece[] {
  const said = saidOf(kind, detail);
  return [
    when(at, 'day and time'),
    ' ',
    actorKind === 'person' ? person(actor) : short(actor, 40),
    ` ${DID[kind] ?? kind.replace('decision.', '').replace('.', ' ').replaceAll('_', ' ')}`,
    said === '' ? '' : ` · ${short(said, 160)}`,
    ...(shown === null ? [] : [' · seen ', code(shown.slice(0, 8))]),
  ];
}

/** What a row of the audit says happened, after who did it. */
const DID: Readonly<Record<string, string>> = {
  'approval.opened': 'asked',
  'approval.voted': 'said yes',
  'approval.approved': 'approved',
  'approval.rejected': 'rejected',
  'approval.changes_requested': 'asked for changes',
  'approval.taken': 'did what was approved',
  'approval.lapsed': 'closed it: approved, and not done in time',
  'approval.expired': 'closed it: nobody decided in time',
  'approval.voided': 'withdrew it',
  'approval.broke_glass': 'broke the glass',
  'approval.refused': 'was not allowed to answer',
  turned_away: 'was turned away',
};

const saidSchema = z.looseObject({
  title: z.string().default(''),
  choice: z.string().default(''),
  refusal: z.string().default(''),
  reason: z.string().default(''),
  comment: z.string().nullish(),
  why: z.string().default(''),
});

/** What was asked, chosen or said, and why; by a code where there are no words. */
function saidOf(kind: string, detail: AuditRow['detail']): string {
  const said = saidSchema.safeParse(detail).data;
  if (said === undefined) return '';
  const { title, choice, refusal, reason, comment, why } = said;
  const because = [refusal.replaceAll('_', ' '), reason, comment ?? '', why.replaceAll('_', ' ')];
  // That somebody approved is said by the kind of the row.
  const chosen = kind in DID && kind !== 'approval.refused' ? '' : choice.replaceAll('_', ' ');
  const words = [title, chosen, because.find((each) => each !== '') ?? ''];
  return words.filter((each) => each !== '').join(': ');
}
