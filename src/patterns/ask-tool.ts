import { openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import type { ToolAsked } from '../ports/runner.ts';
import { awaitDecision } from './await-decision.ts';

const RISKS: Readonly<Record<string, string>> = {
  read: 'It looks something up.',
  write: 'It may change files of the worktree.',
  execute: 'It may run programs in the sandbox of this work.',
  network: 'It may reach and change things outside this machine, which cannot be undone here.',
};

/**
 * Asks whether a server's tool may be called, or believed after it changed: null when it may, else what to tell the
 * agent. Nobody answering is a no: the agent goes another way.
 */
export function* askTool(
  asked: ToolAsked,
  { node, agent }: { readonly node: string; readonly agent: string },
  flow: Flow,
): Operation<string | null> {
  const at = yield* flow.now('asked-at');
  const opened = yield* flow.step(
    'ask-tool',
    openApproval,
    {
      node,
      ...wordsFor(asked, agent),
      round: 1,
      // What changed is allowed by the decision itself; a call takes its yes when it is made.
      policy: { onTimeout: 'skip', ...(asked.kind === 'tool-change' ? { executeWithinMs: 0 } : {}) },
      subject: asked,
      at,
    },
    { label: 'asking whether a tool may be used' },
  );
  const answer = yield* awaitDecision('tool-answer', { ...opened, askedAt: at }, flow);
  if (answer?.verdict === 'approve') return null;
  const said =
    answer === null || answer.comment === null ? '' : ` They said: ${JSON.stringify(answer.comment)}`;
  const what = asked.kind === 'tool' ? 'This call was not allowed.' : 'Tools that changed were not allowed.';
  return `${what}${said}`;
}

function wordsFor(asked: ToolAsked, agent: string): { title: string; why: string; risk: string } {
  switch (asked.kind) {
    case 'tool':
      return {
        title: `Call ${asked.tool} of ${asked.server}?`,
        why: `${agent} asks to call this tool with what is shown.`,
        risk: RISKS[asked.effect] ?? 'What it does is not known.',
      };
    case 'tool-change':
      return {
        title: `Go on with the changed tools of ${asked.server}?`,
        why: `${asked.tools.map(({ tool }) => tool).join(', ')}: not what was first seen, or last allowed.`,
        risk: 'A tool’s own words are read by agents and may mislead them. Until somebody says yes it is offered to none.',
      };
    default:
      return asked satisfies never;
  }
}
