import { probeSandbox, type Sandbox } from '../workspace/sandbox/sandbox.ts';
import { type LoadedCatalog, loadCatalog } from './catalog.ts';
import type { CoreOptions } from './core-options.ts';

/** What a core needs whoever plays model and chat: it can be had while they come up. */
export interface Begun {
  readonly catalog: LoadedCatalog;
  readonly sandbox: Promise<Sandbox>;
}

type BeginOptions = Pick<
  CoreOptions,
  'home' | 'catalogHome' | 'events' | 'extraWorkflows' | 'onWorkflowProblem' | 'runners' | 'mcp'
>;

/**
 * Tries the sandbox, which waits for other processes, and reads workflows and roles meanwhile.
 * @throws BatonError `roles_invalid` or `workflow_invalid`
 */
export function begin(options: BeginOptions): Begun {
  const sandbox = probeSandbox();
  // Whoever waits for it hears of a failure; until then it is not unhandled.
  sandbox.catch(() => undefined);
  const catalog = loadCatalog(options.catalogHome ?? options.home, {
    events: options.events?.declared ?? {},
    extra: options.extraWorkflows,
    onProblem: options.onWorkflowProblem,
    runners: options.runners,
    mcp: options.mcp?.servers,
  });
  return { catalog, sandbox };
}
