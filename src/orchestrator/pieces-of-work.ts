import type { AgentRole } from '../domain/agent.ts';
import type { RunView } from '../domain/run-view.ts';
import { type Steering, steerSignal, type WorkWord } from '../domain/steering.ts';
import type { Node } from '../domain/workflow.ts';
import type { Interpreter } from '../patterns/interpreter.ts';
import type { Engine } from '../ports/engine.ts';
import type { SessionDefinition } from './contracts.ts';

export interface PiecesDeps {
  readonly engine: Pick<Engine, 'signal' | 'resume'>;
  readonly interpreter: Pick<Interpreter, 'walk' | 'isWork'>;
}

/** A run, as far as somebody may step into it. */
export interface SteppedInto {
  readonly runId: string;
  readonly view: RunView;
  readonly definition: SessionDefinition;
}

/** What words come to for one piece of work, and what is told of it. */
export interface WorkDeed {
  readonly word: WorkWord;
  readonly what: string;
}

/** The pieces of work of runs, and people's words to one of them. */
export class PiecesOfWork {
  readonly #deps: PiecesDeps;

  constructor(deps: PiecesDeps) {
    this.#deps = deps;
  }

  /** In the order of the workflow. */
  all({ workflow }: SessionDefinition): Node[] {
    const { interpreter } = this.#deps;
    return [...interpreter.walk(workflow.flow)].filter((node) => interpreter.isWork(node));
  }

  /**
   * Tells one piece of work: the one named, or the one under way when there is only one.
   * @param id the same when the word is delivered again
   * @returns the id of its node, or why nobody was told
   */
  async tell(
    { runId, view, definition }: SteppedInto,
    target: string | null,
    word: WorkWord,
    id: string,
  ): Promise<{ readonly node: string } | 'not_there' | 'not_now'> {
    const { engine } = this.#deps;
    if (definition.steered !== true || view.startedAt === null) return 'not_now';
    const running = [...view.nodes.values()].filter(
      ({ status }) => status === 'running' || status === 'stalled',
    );
    const named = this.all(definition).filter(
      (node) => target === null || node.id === target || node.agent === target,
    );
    const under = named.filter(
      (each) => running.some(({ node }) => node === each.id) || view.taken.has(each.id),
    );
    // An agent's name may stand for several pieces: the one under way is meant, or the only one there is.
    const node = named.length === 1 ? named[0] : under.length === 1 ? under[0] : undefined;
    if (node === undefined) return 'not_there';
    if (word.do === 'done' && !view.taken.has(node.id)) return 'not_now';
    await engine.signal(runId, steerSignal(node.id), word, id);
    // A paused run begins no new step: whoever steps in wants it to go on.
    if (view.status === 'paused') await engine.resume(runId);
    return { node: node.id };
  }
}

/**
 * What somebody's words come to for a piece of work. Pure.
 * @param role who is to do it instead, where they name somebody else
 */
export function workDeed(
  {
    kind,
    reason,
  }: Pick<Steering, 'reason'> & {
    readonly kind: 'retry' | 'skip' | 'take_over' | 'done' | 'reassign';
  },
  by: string,
  role: AgentRole | null,
): WorkDeed | null {
  switch (kind) {
    case 'retry':
      return { word: { do: 'retry', by }, what: 'is done once more' };
    case 'skip': {
      const why = reason ?? 'no reason given';
      return { word: { do: 'skip', by, reason: why }, what: `is skipped (${why})` };
    }
    case 'take_over':
      return { word: { do: 'take_over', by }, what: 'is yours now; write “done: …” here when it is' };
    case 'done':
      return {
        word: { do: 'done', by, text: reason ?? 'done by hand' },
        what: 'is done; the others go on with what you said',
      };
    case 'reassign':
      return role === null
        ? null
        : { word: { do: 'reassign', by, role }, what: `is done by ${role.name} now` };
    default:
      return kind satisfies never;
  }
}
