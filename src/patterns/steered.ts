import type { AgentRole } from '../domain/agent.ts';
import { type Handoff, mergeContext } from '../domain/handoff.ts';
import { steerSignal, type WorkWord, workWordSchema } from '../domain/steering.ts';
import type { Node } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';

/** How one try at a node ended: by itself, or by a person's word. */
type Ended =
  | { readonly by: 'work'; readonly handoff: Handoff }
  | { readonly by: 'word'; readonly word: WorkWord };

/**
 * Does a node's work while a person may step in: skip it with a reason, have it done again, give it to somebody else,
 * or take it over and say what came of it. Their words are signals: one that comes early counts when the node begins,
 * and a run that is resumed goes the same way.
 * @param work the node's own work; `as` is the role that does it instead of the one named, or null
 */
export function* steered(
  node: Node,
  input: Handoff,
  flow: Flow,
  work: (inner: Flow, as: AgentRole | null) => Operation<Handoff>,
): Operation<Handoff> {
  for (let as: AgentRole | null = null; ; ) {
    const word: WorkWord | Handoff = yield* tried(node, flow, work, as);
    if (!('do' in word)) return word;
    switch (word.do) {
      case 'skip':
        yield* flow.emit({ type: 'node.finished', node: node.id, status: 'skipped', summary: word.reason });
        return told(input, node, `Skipped by a person: ${word.reason}`);
      case 'reassign':
        as = word.role;
        break;
      case 'take_over': {
        const done = yield* byHand(node, flow, word.by);
        if (done !== null) {
          yield* flow.emit({ type: 'node.finished', node: node.id, status: 'done', summary: done.text });
          return {
            ...told(input, node, `Done by a person: ${done.text}`),
            result: { summary: done.text, files: [], warnings: [] },
          };
        }
        break;
      }
      // Nobody had taken it over: it is done once more, as it would be by `retry`.
      case 'done':
      case 'retry':
        break;
      default:
        word satisfies never;
    }
  }
}

/** The handoff the work ended with, or the word that came before it did. */
function* tried(
  node: Node,
  flow: Flow,
  work: (inner: Flow, as: AgentRole | null) => Operation<Handoff>,
  as: AgentRole | null,
): Operation<WorkWord | Handoff> {
  const listening: NamedBody<Ended> = {
    name: 'word',
    *run(inner) {
      return { by: 'word', word: yield* inner.waitSignal('word', steerSignal(node.id), workWordSchema) };
    },
  };
  const working: NamedBody<Ended> = {
    name: 'work',
    *run(inner) {
      return { by: 'work', handoff: yield* work(inner, as) };
    },
  };
  const { value } = yield* flow.race('steered', [listening, working], () => 'a person stepped in');
  return value.by === 'work' ? value.handoff : value.word;
}

/** Waits for the person who took it over. Null: it was given back. */
function* byHand(node: Node, flow: Flow, by: string): Operation<Extract<WorkWord, { do: 'done' }> | null> {
  yield* flow.emit({ type: 'work.taken', node: node.id, by, open: true });
  for (;;) {
    const word = yield* flow.waitSignal('by-hand', steerSignal(node.id), workWordSchema);
    // Taken over once more is nothing new; anything else ends it.
    if (word.do === 'take_over') continue;
    yield* flow.emit({ type: 'work.taken', node: node.id, by, open: false });
    if (word.do === 'done') return word;
    return word.do === 'skip' ? { do: 'done', by: word.by, text: `left out: ${word.reason}` } : null;
  }
}

function told(input: Handoff, node: Node, summary: string): Handoff {
  return { ...input, context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]) };
}
