import type { AgentRole } from '../../domain/agent.ts';
import type { Answer, Ask } from './acp-protocol.ts';

/**
 * Why an agent may not have what it asks for; null when it may. A role's tools are its rights, whichever program plays it:
 * who may not write with our tools may not write with its own.
 */
export function refusalOf(ask: Ask, tools: AgentRole['tools']): string | null {
  const changes = tools.includes('write') || tools.includes('edit');
  switch (ask.kind) {
    case 'read':
      return tools.includes('read') ? null : 'Your role reads no files.';
    case 'write':
      return changes ? null : 'Your role changes no files.';
    case 'run':
      return tools.includes('run') ? null : 'Your role runs no commands.';
    case 'permit':
      return permitted(ask.sort, tools, changes) ? null : 'Your role may not do that.';
    default:
      return ask satisfies never;
  }
}

/** The sorts are ACP's tool kinds. What it does not name is allowed only to roles that may run commands anyway. */
function permitted(sort: string, tools: AgentRole['tools'], changes: boolean): boolean {
  switch (sort) {
    case 'read':
    case 'search':
      return tools.includes('read') || tools.includes('search');
    case 'think':
      return true;
    case 'edit':
    case 'delete':
    case 'move':
      return changes;
    case 'execute':
      return tools.includes('run');
    case 'fetch':
    case 'switch_mode':
      // There is no network, and how freely it works is not its own to choose.
      return false;
    default:
      return tools.includes('run') && changes;
  }
}

/** Yes is for once: the next time we are asked again. An agent that offers no such answer is told nothing was chosen. */
export function choose(ask: Extract<Ask, { kind: 'permit' }>, allowed: boolean): Answer {
  const kinds = allowed ? (['allow_once'] as const) : (['reject_once', 'reject_always'] as const);
  for (const kind of kinds) {
    const option = ask.options.find((each) => each.kind === kind);
    if (option !== undefined) return { kind: 'chosen', id: ask.id, option: option.optionId };
  }
  return { kind: 'chosen', id: ask.id, option: null };
}
