import type { Flow, NamedBody } from '../ports/flow.ts';

/**
 * The same flow, in which a step that cannot go on hands its failure to the pattern instead of pausing the run: for
 * nodes that have another way. Everything started from it is the same.
 */
export function throwingFlow(flow: Flow): Flow {
  const bold = <T>(bodies: readonly NamedBody<T>[]): NamedBody<T>[] =>
    bodies.map((body) => ({ ...body, run: (inner) => body.run(throwingFlow(inner)) }));
  return {
    path: flow.path,
    step: (name, of, input, options) => flow.step(name, of, input, { giveUp: 'throw', ...options }),
    sleep: (name, ms) => flow.sleep(name, ms),
    waitSignal: (name, signal, schema, options) => flow.waitSignal(name, signal, schema, options),
    waitSignalFor: (name, signal, schema, ms) => flow.waitSignalFor(name, signal, schema, ms),
    now: (name) => flow.now(name),
    random: (name) => flow.random(name),
    child: (name, spec, schema) => flow.child(name, spec, schema),
    emit: (...events) => flow.emit(...events),
    onGivenUp: (tell) => flow.onGivenUp(tell),
    until: (holds, options) => flow.until(holds, options),
    call: (name, body, node) => flow.call(name, (inner) => body(throwingFlow(inner)), node),
    all: (name, bodies, limit) => flow.all(name, bold(bodies), limit),
    settle: (name, bodies, options) => flow.settle(name, bold(bodies), options),
    race: (name, bodies, because) => flow.race(name, bold(bodies), because),
  };
}
