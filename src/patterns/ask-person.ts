import { openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { awaitDecision } from './await-decision.ts';

/**
 * An agent's question to a person: asked, reminded of and let go like an approval, with yes, no, or words. The answer is
 * the agent's to read; nothing is allowed or forbidden by it.
 */
export function* askPerson(
  { question, why }: { readonly question: string; readonly why: string },
  { node, agent }: { readonly node: string; readonly agent: string },
  flow: Flow,
): Operation<string> {
  const at = yield* flow.now('question-at');
  const opened = yield* flow.step(
    'question',
    openApproval,
    {
      node,
      title: question,
      why: `${agent} asks: ${why}`,
      risk: 'None: the answer goes to the agent, which works on with it.',
      round: 1,
      policy: {},
      subject: { kind: 'question', question, why },
      at,
    },
    { label: 'asking a person' },
  );
  const answer = yield* awaitDecision('question-answer', { ...opened, askedAt: at }, flow);
  if (answer === null)
    return 'Nobody answered in time. Go on as you think best, and say in your result that it was not answered.';
  const said =
    answer.comment === null || answer.comment === '' ? '' : ` They said: ${JSON.stringify(answer.comment)}`;
  switch (answer.verdict) {
    case 'approve':
      return `The answer is yes.${said}`;
    case 'reject':
      return `The answer is no.${said}`;
    default:
      return `The answer is neither yes nor no.${said}`;
  }
}
