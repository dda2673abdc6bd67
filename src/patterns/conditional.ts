import { z } from 'zod';
import { inSequence, noEstimate, oneOf } from '../domain/estimate.ts';
import type { Handoff } from '../domain/handoff.ts';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import { readFlags } from '../ports/flags.ts';
import type { Flow, Operation } from '../ports/flow.ts';
import { asksFor, decide, factsOf, ruleSchema } from './facts.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type RunContext } from './pattern.ts';

const caseSchema = z.strictObject({
  if: ruleSchema,
  then: nodeSchema,
});

const shape = z.strictObject({
  ...commonShape,
  kind: z.literal('conditional'),
  /** Runs first; what it hands over is what the rules speak of. Without it, what came before. */
  start: nodeSchema.optional(),
  /** Looked at in order; the first that matches is taken. */
  cases: z.array(caseSchema).default([]),
  /** Taken when no case matched and what came before succeeded, or failed. */
  on_success: nodeSchema.optional(),
  on_failure: nodeSchema.optional(),
  /** Taken when nothing else was. Without it the handoff goes on as it is. */
  else: nodeSchema.optional(),
});
type Conditional = z.infer<typeof shape>;

const schema = shape
  .refine(
    (node) => branches(node).length > 0,
    'A conditional needs `cases`, `on_success`, `on_failure` or `else`. Write at least one of them.',
  )
  .superRefine((node, context) => {
    for (const problem of unreached(node)) context.addIssue({ code: 'custom', ...problem });
  })
  .refine(
    (node) => node.else === undefined || node.on_success === undefined || node.on_failure === undefined,
    {
      path: ['else'],
      message:
        'This is never reached: `on_success` or `on_failure` is taken before it. Take one of the three out.',
    },
  );

/** What stands behind a case that is always taken, and a case that never is. */
function unreached({
  cases,
  ...rest
}: Conditional): { readonly path: (string | number)[]; readonly message: string }[] {
  const never = cases.flatMap(({ if: rule }, at) =>
    rule.trim() === 'false'
      ? [
          {
            path: ['cases', at, 'if'],
            message: 'This is never taken: the rule is `false`. Take the case out.',
          },
        ]
      : [],
  );
  const always = cases.findIndex(({ if: rule }) => rule.trim() === 'true');
  if (always < 0) return never;
  const behind = always + 1 < cases.length ? ['cases', always + 1] : undefined;
  const other = (['on_success', 'on_failure', 'else'] as const).find((key) => rest[key] !== undefined);
  const path = behind ?? (other === undefined ? undefined : [other]);
  if (path === undefined) return never;
  const message = 'This is never reached: the case before it is always taken. Take one of them out.';
  return [...never, { path, message }];
}

/** P3: one of several ways, by rules over what was handed over, or by its success. */
export const conditional = definePattern({
  kind: 'conditional',
  schema,
  children: (node) => (node.start === undefined ? branches(node) : [node.start, ...branches(node)]),
  *run(node, input, flow, context) {
    const given = node.start === undefined ? input : yield* context.run(node.start, input, flow);
    const way = yield* choose(node, given, flow, context);
    return way === null ? given : yield* context.run(way, given, flow);
  },
  /** One of the ways, or none where no `else` catches what no rule matches. */
  estimate(node, context) {
    const ways = branches(node).map((way) => context.child(way));
    const sure = node.else !== undefined || (node.on_success !== undefined && node.on_failure !== undefined);
    const start = node.start === undefined ? [] : [context.child(node.start)];
    return inSequence([...start, oneOf(sure ? ways : [...ways, noEstimate])]);
  },
  describe(node, child) {
    const ways = [
      ...node.cases.map((each) => `${child(each.then)} if ${each.if}`),
      ...(node.on_success === undefined ? [] : [`${child(node.on_success)} on success`]),
      ...(node.on_failure === undefined ? [] : [`${child(node.on_failure)} on failure`]),
      ...(node.else === undefined ? [] : [`else ${child(node.else)}`]),
    ];
    return ways.join(', ');
  },
});

function branches(node: Pick<Conditional, 'cases' | 'on_success' | 'on_failure' | 'else'>): Node[] {
  return [...node.cases.map((each) => each.then), node.on_success, node.on_failure, node.else].filter(
    (way) => way !== undefined,
  );
}

function* choose(node: Conditional, given: Handoff, flow: Flow, context: RunContext): Operation<Node | null> {
  const asks = node.cases.some((each) => asksFor(each.if, 'flags'));
  const flags = asks
    ? { flags: yield* flow.step('flags', readFlags, { node: node.id }, { label: 'reading flags' }) }
    : {};
  const facts = factsOf(given, context, flags);
  for (const each of node.cases) if (yield* decide(each.if, facts, node.id, flow)) return each.then;
  return (given.validation.passed ? node.on_success : node.on_failure) ?? node.else ?? null;
}
