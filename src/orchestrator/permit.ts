import type { SandboxKind } from '../domain/sandbox-kind.ts';
import { awaitDecision } from '../patterns/await-decision.ts';
import { checkCommand, openApproval } from '../ports/activities.ts';
import type { Flow, Operation } from '../ports/flow.ts';

/** Asked before each command: null when it may run, else what to tell whoever wanted it. */
export type Permit = (
  argv: readonly string[] | null,
  node: string,
  flow: Flow,
  stream?: string | null,
) => Operation<string | null>;

interface Setting {
  readonly sandbox: SandboxKind;
  readonly allowUnsandboxed: boolean;
  /** Whether anything in the workflow can run a command at all. */
  readonly runsCommands: boolean;
  /** Whether the policy is asked about each command; runs of the first version were begun without. */
  readonly gated: boolean;
  /** The node the general question is asked for. */
  readonly node: string;
}

const NOT_ALLOWED = 'This command was not allowed.';

/**
 * Where commands have no sandbox, people are asked: once whether to go on at all, then for each command. Never
 * silently. On the rehearsal's own sample they just run, and the epic says so. The general question comes before
 * any work: asked by the first command, agents side by side would each ask it. What the policy wants asked about a
 * command is asked wherever it runs.
 */
export function* permitFor(setting: Setting, flow: Flow): Operation<Permit> {
  const { sandbox, allowUnsandboxed, runsCommands, gated, node } = setting;
  const free = sandbox !== 'none' || allowUnsandboxed;
  const allowed = free || (runsCommands && (yield* askUnsandboxed(flow, node, null)));
  return function* permit(argv, asking, inner, stream = null) {
    if (gated && argv !== null && !(yield* policyAllows(inner, asking, argv, stream))) return NOT_ALLOWED;
    if (free) return null;
    if (!allowed)
      return 'Commands may not run here: this machine has no sandbox, and nobody allowed going on without one.';
    return (yield* askUnsandboxed(inner, asking, argv)) ? null : NOT_ALLOWED;
  };
}

/** Nothing in the policy speaks of it, or the people it names said yes. */
function* policyAllows(
  flow: Flow,
  node: string,
  argv: readonly string[],
  stream: string | null,
): Operation<boolean> {
  const { asked } = yield* flow.step(
    'policy',
    checkCommand,
    { argv: [...argv] },
    { label: 'looking at what the policy says' },
  );
  if (asked.length === 0) return true;
  const at = yield* flow.now('asked-at');
  const opened = yield* flow.step(
    'ask-command',
    openApproval,
    {
      node,
      title: `Run \`${argv.join(' ')}\`?`,
      why: asked.map(({ why }) => why).join('; '),
      risk: 'It runs once, on the files as they are now, and what it does outside them cannot be undone here.',
      round: 1,
      // An agent that may not run a command goes another way: that is a skip, whatever the policy says of waiting.
      policy: { onTimeout: 'skip' },
      subject: { kind: 'command', argv: [...argv], stream },
      at,
    },
    { label: 'asking whether a command may run' },
  );
  const answer = yield* awaitDecision('command-answer', { ...opened, askedAt: at }, flow);
  return answer?.verdict === 'approve';
}

function* askUnsandboxed(flow: Flow, node: string, argv: readonly string[] | null): Operation<boolean> {
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
          ? 'This machine has no sandbox that works, so commands of agents cannot be shut in.'
          : 'An agent asks to run this command.',
      risk: 'It can read and change whatever Baton itself can on this machine.',
      round: 1,
      // The general yes is used by the run going on; one for a command by that command.
      policy: { onTimeout: 'skip', ...(argv === null ? { executeWithinMs: 0 } : {}) },
      subject: { kind: 'unsandboxed', argv: argv === null ? null : [...argv] },
      at,
    },
    { label: 'asking whether commands may run' },
  );
  const answer = yield* awaitDecision('unsandboxed-answer', { ...opened, askedAt: at }, flow);
  return answer?.verdict === 'approve';
}
