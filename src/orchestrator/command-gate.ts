import { BatonError } from '../domain/failure.ts';
import type { SandboxKind } from '../domain/sandbox-kind.ts';
import type { ApprovalStore } from '../ports/store.ts';
import type { Approvals } from './approvals.ts';
import type { Findings } from './findings.ts';
import { commandDigest, type PayloadDeps, unsandboxedDigest } from './payloads.ts';

export interface CommandGateDeps {
  readonly approvals: Approvals;
  readonly store: Pick<ApprovalStore, 'ofRun'>;
  readonly payloads: PayloadDeps;
  readonly findings: Findings;
  readonly sandbox: () => SandboxKind;
  /** Whether the run works on the rehearsal's own sample. */
  readonly onSample: (runId: string) => Promise<boolean>;
  readonly now: () => number;
}

/** The action a command is started by. */
export interface CommandCall {
  readonly runId: string;
  /** Null: in the run's own worktree. */
  readonly stream: string | null;
  readonly argv: readonly string[];
  /** Of the step that runs it: a yes is used by one step, and by that one again after a crash. */
  readonly key: string;
}

/**
 * The last look before a command starts, whoever asked for it: what the policy or the missing sandbox wants people
 * to allow has to be allowed, for this very command on this very worktree, and is used up by it.
 */
export class CommandGate {
  readonly #deps: CommandGateDeps;

  constructor(deps: CommandGateDeps) {
    this.#deps = deps;
  }

  /**
   * @returns whether it may run where there is no sandbox
   * @throws BatonError terminal / `command_not_allowed` when a yes is needed and there is none that holds
   */
  async pass(call: CommandCall): Promise<boolean> {
    const { findings, payloads, sandbox, onSample, now } = this.#deps;
    if (findings.ofCommand(call.argv).length > 0) {
      const digest = await commandDigest(payloads, call, now());
      if (!(await this.#take(call, digest))) throw notAllowed(call.argv);
    }
    if (sandbox() !== 'none') return false;
    if (await onSample(call.runId)) return true;
    return this.#take(call, unsandboxedDigest(payloads, call.runId, call.argv));
  }

  #take(call: CommandCall, digest: string): Promise<boolean> {
    return takeYes(this.#deps, call, digest);
  }
}

/** Takes the approval of this digest that this step took before, or else the first that nobody took and that still holds. */
export async function takeYes(
  { store, approvals }: Pick<CommandGateDeps, 'store' | 'approvals'>,
  { runId, key }: { readonly runId: string; readonly key: string },
  digest: string,
): Promise<boolean> {
  const all = (await store.ofRun(runId)).filter(({ subject }) => subject.digest === digest);
  const mine = all.find(({ takenBy }) => takenBy === key);
  const given = mine === undefined ? all.filter(({ status }) => status === 'approved') : [mine];
  for (const { id } of given) if ((await approvals.take(id, key, digest)).ok) return true;
  return false;
}

function notAllowed(argv: readonly string[]): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'command_not_allowed',
    message: `\`${argv.join(' ').slice(0, 200)}\` was not run: it needs somebody's yes, and there is none that holds now.`,
    hint: 'The yes may have run out, or the files or the policy may have changed since. It is asked for anew when the command is asked for again.',
  });
}
