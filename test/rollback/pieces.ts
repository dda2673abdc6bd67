import { z } from 'zod';
import { emptyHandoff } from '../../src/domain/handoff.ts';
import type { RunSpec } from '../../src/domain/run.ts';
import { Interpreter } from '../../src/patterns/interpreter.ts';
import { person } from '../../src/patterns/person.ts';
import { takeSnapshot } from '../../src/ports/activities.ts';
import { contract } from '../../src/ports/activity.ts';
import type { Flow, Operation, Program } from '../../src/ports/flow.ts';

export const write = contract('write', z.object({ file: z.string() }), z.object({}));

/** A part of the run that tells the others when it was. */
export const PART: RunSpec = { program: 'part', programVersion: 1, definition: null, input: null, hash: 'p' };
export const part: Program = {
  name: 'part',
  version: 1,
  *run(_definition, _input, flow) {
    yield* tell('part', flow);
    return null;
  },
};

export function* tell(from: string, flow: Flow): Operation<void> {
  const text = `${from} at ${yield* flow.now(`${from}-tells`)}`;
  const note = { id: `${from}/note-1`, from, node: from, to: null, kind: 'finding' as const, text };
  yield* flow.emit({ type: 'agent.told', note });
}

/** A person's task, as workflows have it; what came of it is written to a file. */
export function* photos(flow: Flow): Operation<void> {
  const nobody = (): never => {
    throw new Error('no agents here');
  };
  const { result } = yield* new Interpreter([person]).run(
    { kind: 'person', id: 'photos', task: 'Take photographs', people: ['UBEN'] },
    emptyHandoff,
    flow,
    {
      request: '',
      testCommand: null,
      stream: null,
      role: nobody,
      runner: nobody,
      permit: nobody,
      approved: () => undefined,
    },
  );
  const { summary } = z.object({ summary: z.string() }).parse(result);
  yield* flow.step('kept', write, { file: `${summary}.txt` });
}

export function* stage(name: string, at: number, flow: Flow): Operation<void> {
  yield* flow.emit({ type: 'node.started', node: name, kind: 'agent', agent: name });
  yield* flow.call(name, function* (inner) {
    yield* inner.step('write', write, { file: `${name}.txt` });
    yield* inner.step('validated', takeSnapshot, { node: name, stream: null, at });
  });
  yield* flow.emit({ type: 'node.finished', node: name, agent: name, status: 'done', summary: name });
}
