import { BatonError } from '../domain/failure.ts';
import { type CommandGateDeps, takeYes } from './command-gate.ts';
import { toolDigest } from './payloads.ts';

/** One call of a server's tool that people have to allow. */
interface ToolCall {
  readonly runId: string;
  readonly server: string;
  readonly tool: string;
  readonly hash: string;
  readonly arguments: string;
  readonly key: string;
}

/**
 * The last look before such a call: somebody's yes to this very tool, as it describes itself, with these arguments, is
 * used up by it.
 * @throws BatonError terminal / `tool_not_allowed`
 */
export function toolGate(
  deps: Pick<CommandGateDeps, 'store' | 'approvals' | 'payloads'>,
): (call: ToolCall) => Promise<void> {
  return async (call) => {
    if (await takeYes(deps, call, toolDigest(deps.payloads, call.runId, call))) return;
    throw new BatonError({
      class: 'terminal',
      code: 'tool_not_allowed',
      message: `${call.server}/${call.tool} was not called: it needs somebody's yes, and there is none that holds now.`,
      hint: 'The yes may have run out, or the policy may have changed since. It is asked for anew when the tool is called again.',
    });
  };
}
