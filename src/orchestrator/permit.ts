import { awaitDecision } from '../patterns/await-decision.ts';
import { openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';

/** Asked before each command: null when it may run, else what to tell whoever wanted it. */
export type Permit = (argv: readonly string[] | null, node: string, flow: Flow) => Operation<string | null>;

interface Setting {
  readonly sandbox: 'bubblewrap' | 'none';
  readonly allowUnsandboxed: boolean;
  /** Whether anything in the workflow can run a command at all. */
  readonly runsCommands: boolean;
  /** The node the general question is asked for. */
  readonly node: string;
}

/**
 * Where commands have no sandbox, people are asked: once whether to go on at all, then for each command. Never
 * silently. On the rehearsal's own sample they just run, and the epic says so. The general question comes before
 * any work: asked by the first command, agents side by side would each ask it.
 */
export function* permitFor(setting: Setting, flow: Flow): Operation<Permit> {
  const { sandbox, allowUnsandboxed, runsCommands, node } = setting;
  const free = sandbox === 'bubblewrap' || allowUnsandboxed;
  const allowed = free || (runsCommands && (yield* ask(flow, node, null)));
  return function* permit(argv, asking, inner) {
    if (free) return null;
    if (!allowed)
      return 'Commands may not run here: this machine has no sandbox, and nobody allowed going on without one.';
    return (yield* ask(inner, asking, argv)) ? null : 'This command was not allowed.';
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
  const answer = yield* awaitDecision('unsandboxed-answer', { ...opened, askedAt: at }, flow);
  return answer?.verdict === 'approve';
}
