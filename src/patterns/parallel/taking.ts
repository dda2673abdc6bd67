import type { AgentRole } from '../../domain/agent.ts';
import type { Part } from './parallel-plan.ts';

/** How far a node with streams is, for who may take what. */
export interface Standing {
  readonly parts: readonly Part[];
  isDone(id: string): boolean;
  /** Whether somebody works in a stream now. */
  isBusy(stream: string): boolean;
  /** Whether a task could begin in its own stream now. */
  mayBegin(part: Part): boolean;
  role(name: string): AgentRole;
}

/** Who takes a task over, and in which stream. */
export interface Taker {
  readonly stream: string;
  readonly agent: string;
}

/**
 * Who takes a task that waits for nothing but its own stream, which is still at work: the agent of the first stream that has
 * nothing to do and that is capable of all the task asks for. Null: nobody, or it need not be taken.
 */
export function takerOf(part: Part, standing: Standing): Taker | null {
  const { capabilities, behind, stream, needs } = part;
  if (capabilities.length === 0 || stream === null || behind === null || standing.isDone(behind)) return null;
  if (!standing.isBusy(stream)) return null;
  if (!needs.every((need) => need === behind || standing.isDone(need))) return null;
  const others = new Set(standing.parts.flatMap((each) => each.stream ?? []));
  for (const other of others) {
    if (other === stream || standing.isBusy(other)) continue;
    const own = standing.parts.filter((each) => each.stream === other);
    if (own.some((each) => !standing.isDone(each.id) && standing.mayBegin(each))) continue;
    const agent = own
      .flatMap(({ node }) => (typeof node['agent'] === 'string' ? [node['agent']] : []))
      .find((name) => capabilities.every((each) => standing.role(name).capabilities.includes(each)));
    if (agent !== undefined) return { stream: other, agent };
  }
  return null;
}
