import type { AgentResult, AgentTask } from '../domain/agent.ts';
import type { Flow, Operation } from './flow.ts';

/**
 * Executes an agent's task as part of a run: a generator, so that every model call and every tool call is a
 * step of its own and a crash repeats only the one that was under way.
 */
export interface Runner {
  run(task: AgentTask, flow: Flow, guard: Guard): Operation<AgentResult>;
}

/** What a runner must ask before it acts. */
export interface Guard {
  /** Asked before every command: null when it may run, else what to tell the agent. May wait for a person. */
  command(argv: readonly string[], flow: Flow): Operation<string | null>;
  /** Puts a question to a person and waits for the answer, in words for the agent. */
  ask(question: { readonly question: string; readonly why: string }, flow: Flow): Operation<string>;
}
