import type { AuditRow } from '../src/domain/audit.ts';
import { bold, code, lines, type Piece, person, when } from '../src/slack/blocks.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
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
  const left = Math.max(0, rows.length - SHOWN);
  return message(
    [
      lines(
        [bold('History'), left > 0 ? ` (${left} earlier ones: \`baton history\`)` : ''],
        ...rows.slice(-SHOWN).map(rowPieces),
      ),
      head === undefined ? null : lines(['Audit ', code(head.hash.slice(0, 8)), ` · ${rows.length} entries`]),
    ],
    rehearsal,
  );
}

function rowPieces({ at, kind, actor, actorKind, shown, detail }: AuditRow): Piece[] {
  const said =
    detail !== null && typeof detail === 'object' && !Array.isArray(detail)
      ? [detail['choice'], detail['refusal'] ?? detail['reason'] ?? detail['comment']]
          .flatMap((each) => (typeof each === 'string' && each !== '' ? [each] : []))
          .join(': ')
      : '';
  return [
    when(at, 'day and time'),
    ' ',
    actorKind === 'person' ? person(actor) : short(actor, 40),
    ` ${kind.replace('.', ' ').replaceAll('_', ' ')}`,
    said === '' ? '' : ` · ${short(said, 160)}`,
    ...(shown === null ? [] : [' · seen ', code(shown.slice(0, 8))]),
  ];
}
