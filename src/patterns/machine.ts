import { z } from 'zod';
import { inSequence, times } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import { nodeSchema } from '../domain/workflow.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { decide, factsOf, ruleSchema } from './facts.ts';
import { machineProblems } from './machine-problems.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';

/** Visits of one state unless the machine says otherwise: as often as anybody follows with patience. */
const DEFAULT_VISITS = 10;

const stateName = nodeSchema.shape.id;
const stateSchema = z.strictObject({
  id: stateName,
  /** Works each time the state is entered. */
  run: nodeSchema.optional(),
  /** Looked at in order; the first whose rule matches is taken, one without a rule always. */
  go: z
    .array(z.strictObject({ if: ruleSchema.optional(), to: stateName }))
    .min(1)
    .max(50)
    .optional(),
  /** The machine ends here. */
  end: z.boolean().default(false),
});
type State = z.infer<typeof stateSchema>;

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('machine'),
    /** Where it begins: the first state unless given. */
    start: stateName.optional(),
    states: z.array(stateSchema).min(1).max(200),
    /** How often one state may be entered. */
    max_visits: z.number().int().min(1).max(1_000).default(DEFAULT_VISITS),
  })
  .superRefine((node, context) => {
    for (const issue of machineProblems(node)) context.addIssue({ code: 'custom', ...issue });
  });
type MachineNode = z.infer<typeof schema>;

/** P14: states and transitions, for cycles that no tree can say; bounded by visits. */
export const machine = definePattern({
  kind: 'machine',
  schema,
  children: (node) => node.states.flatMap(({ run }) => run ?? []),
  *run(node, input, flow, context) {
    const states = new Map(node.states.map((state) => [state.id, state]));
    const visits = new Map<string, number>();
    let handoff: Handoff = input;
    let from: string | null = null;
    let id = node.start ?? node.states[0]?.id ?? '';
    for (;;) {
      const state = states.get(id);
      if (state === undefined) throw stuck(node, id, 'There is no such state');
      const visit = (visits.get(id) ?? 0) + 1;
      if (visit > node.max_visits) throw tooOften(node, id);
      visits.set(id, visit);
      yield* flow.emit({
        type: 'state.entered',
        node: node.id,
        state: id,
        from,
        visit,
        max: node.max_visits,
      });
      if (state.run !== undefined) handoff = yield* context.run(state.run, handoff, flow);
      if (state.end) return handoff;
      const to = yield* next(node, state, visit, handoff, flow, context);
      from = id;
      id = to;
    }
  },
  /** At least one visit of the first state; at most all visits of all states, one after the other, and one of a state that ends it. */
  estimate(node, context) {
    const start = node.start ?? node.states[0]?.id;
    return inSequence(
      node.states.flatMap(({ id, run, end }) =>
        run === undefined
          ? []
          : [times(context.child(run), id === start ? 1 : 0, 1, end ? 1 : node.max_visits)],
      ),
    );
  },
  describe: (node, child) =>
    `a machine of ${node.states.map(({ id, run }) => (run === undefined ? id : `${id} (${child(run)})`)).join(', ')}, each ${node.max_visits} times at most`,
});

function* next(
  node: MachineNode,
  state: State,
  visit: number,
  handoff: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<string> {
  const facts = factsOf(handoff, context, { visit });
  for (const way of state.go ?? [])
    if (way.if === undefined || (yield* decide(way.if, facts, node.id, flow))) return way.to;
  throw stuck(node, state.id, 'No rule of its transitions matches');
}

function stuck(node: MachineNode, state: string, why: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'machine_stuck',
    message: `"${node.id}" cannot leave the state "${state}". ${why}`,
    hint: 'Give the state a last transition without `if`. The branch and every snapshot are kept.',
  });
}

function tooOften(node: MachineNode, state: string): BatonError {
  return new BatonError({
    class: 'terminal',
    code: 'machine_visits',
    message: `"${node.id}" came to the state "${state}" more than ${node.max_visits} times`,
    hint: 'The branch and every snapshot are kept. Look at why it goes round, or raise `max_visits`.',
  });
}
