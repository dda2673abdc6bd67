import { awaitDecision } from '../patterns/await-decision.ts';
import { openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';

/**
 * Where commands have no sandbox, people are asked: once whether to go on at all, then for each command. Never
 * silently. On the rehearsal's own sample they just run, and the epic says so.
 */
export function permitFor(workspace: {
  readonly sandbox: 'bubblewrap' | 'none';
  readonly allowUnsandboxed: boolean;
}) {
  const asked: { general: boolean | null } = { general: null };
  return function* permit(
    argv: readonly string[] | null,
    node: string,
    flow: Flow,
  ): Operation<string | null> {
    if (workspace.sandbox === 'bubblewrap' || workspace.allowUnsandboxed) return null;
    if (asked.general === null) {
      asked.general = yield* ask(flow, node, null);
    }
    if (!asked.general)
      return 'Commands may not run here: this machine has no sandbox, and nobody allowed going on without one.';
    return (yield* ask(flow, node, argv)) ? null : 'This command was not allowed.';
  };
}

function* ask(flow: Flow, node: string, argv: readonly string[] | null): Operation<boolean> {
  const at = yield* flow.now('asked-at');
  const line = argv === null ? null : argv.join(' ');
  const opened = yield* flow.step(
    'ask-unsandboxed',
    openApproval,
    {
      node,
      title: line === null ? 'Run commands without a sandbox?' : `Run \`${line}\` without a sandbox?`,
      why:
        line === null
          ? 'This machine has no bubblewrap, so commands of agents cannot be shut in.'
          : 'An agent asks to run this command.',
      risk: 'It can read and change whatever Baton itself can on this machine.',
      round: 1,
      policy: {},
      subject: { kind: 'unsandboxed', argv: argv === null ? null : [...argv] },
      at,
    },
    { label: 'asking whether commands may run' },
  );
  const answer = yield* awaitDecision('unsandboxed-answer', opened, flow);
  return answer?.verdict === 'approve';
}
