import type { Approval } from '../src/domain/approval.ts';
import { groupsOf } from '../src/domain/approval-rules.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import { mk, short } from '../src/slack/text.ts';
import { refusalWords, answers as words } from '../src/slack/words.ts';
import type { Command, CommandCall, CommandDeps } from './command.ts';

/** An admin's way past who may decide: separate from every button, with a reason, and told to everybody (A14). */
export const breakGlass: Command = {
  word: 'break-glass',
  usage: 'break-glass <id> <why>',
  description: 'For admins: allow what waits for others, with a reason that everybody reads',
  async run(call, deps) {
    const { orchestrator, people, rehearsal } = deps;
    const [id = '', ...why] = call.rest.split(/\s+/);
    const waiting = await waitingFor(id, call, deps);
    const [approval] = waiting;
    if (approval === undefined) return answerBlocks(words.nothingWaits, rehearsal);
    if (waiting.length > 1) {
      const which = waiting.map((each) => `\`${each.id}\` ${short(each.subject.title, 80)}`).join(', ');
      return answerBlocks(
        mk`More than one thing waits there. Name one: ${which}. Nothing was changed.`,
        rehearsal,
      );
    }
    const by = await people.decider(call.user, call.team, call.homeTeam);
    const said = { nonce: approval.nonce, by, place: call.channel };
    const result = await orchestrator.approvals.breakGlass(said, why.join(' '));
    if (result === null) return answerBlocks(words.nothingWaits, rehearsal);
    return answerBlocks(
      result.ok
        ? words.brokeGlass
        : refusalWords(
            result.refusal,
            result.approval,
            await people.handles(groupsOf(result.approval.policy), call.team),
          ),
      rehearsal,
    );
  },
};

/** What waits for a decision under an approval's id or a run's. */
async function waitingFor(
  id: string,
  call: CommandCall,
  { queries, approvals }: CommandDeps,
): Promise<Approval[]> {
  if (id === '') return [];
  const named = id.startsWith('apr_') ? await approvals.byId(id) : null;
  if (named !== null) return named.team === call.team && named.status === 'pending' ? [named] : [];
  const run = await queries.find(call, id);
  return (run?.approvals ?? []).filter(({ status }) => status === 'pending');
}
