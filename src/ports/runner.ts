import type { z } from 'zod';
import type { AgentResult, AgentTask } from '../domain/agent.ts';
import type { toolAskedSchema } from './activities.ts';
import type { Flow, Operation } from './flow.ts';

/**
 * Executes an agent's task as part of a run: a generator, so that every model call and every tool call is a
 * step of its own and a crash repeats only the one that was under way.
 */
export interface Runner {
  run(task: AgentTask, flow: Flow, guard: Guard): Operation<AgentResult>;
}

/** Another task whose outcome an agent cannot go on without. */
export interface Wanted {
  readonly task: string;
  readonly why: string;
}

/** What a runner must ask before it acts. */
export interface Guard {
  /** Asked before every command: null when it may run, else what to tell the agent. May wait for a person. */
  command(argv: readonly string[], flow: Flow): Operation<string | null>;
  /** Asked before a call of a server's tool that people decide on, and where such tools changed: null when it may be. */
  tool(asked: ToolAsked, flow: Flow): Operation<string | null>;
  /** Puts a question to a person and waits for the answer, in words for the agent. */
  ask(question: { readonly question: string; readonly why: string }, flow: Flow): Operation<string>;
  /** Waits until another task is done and its work is there, in words for the agent; absent where there are no others. */
  need?(wanted: Wanted, flow: Flow): Operation<string>;
}

/** A call of a server's tool, or tools that say something else of themselves than they did. */
export type ToolAsked = z.infer<typeof toolAskedSchema>;
