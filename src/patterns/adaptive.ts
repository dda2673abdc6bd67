import { z } from 'zod';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { inSequence, oneOf, times } from '../domain/estimate.ts';
import type { Handoff } from '../domain/handoff.ts';
import { asJson } from '../domain/json.ts';
import { type Estimate, type Node, nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { adaptSignal, adaptSignalSchema, readMetrics, recordDecision } from '../ports/metrics.ts';
import { type Action, type Change, Course, OUTSIDE } from './course.ts';
import { decide, factsOf, ruleSchema } from './facts.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type EstimateContext, type RunContext } from './pattern.ts';

/** Units side by side at most: what one provider's rate limit usually bears. */
const MOST_PLACES = 20;
const DEFAULT_COOLDOWN = '5m';
const HEALER = 'self-healing';

const WORDS = [
  'reduce-concurrency',
  'raise-concurrency',
  'parallel-execution',
  'one-by-one',
  'simpler',
] as const;

const adaptationSchema = z
  .strictObject({
    /** About metrics, triggers, and what was handed over. */
    when: ruleSchema,
    do: z.enum([...WORDS, 'activate-self-healing']).optional(),
    /** Who does what is left. */
    agent: z.string().optional(),
    /** Runs next; then it goes on. */
    insert: nodeSchema.optional(),
    /** Takes the place of what is left. */
    to: nodeSchema.optional(),
    cooldown: durationSchema.default(DEFAULT_COOLDOWN),
    times: z.number().int().min(1).max(20).default(3),
  })
  .refine(
    (one) => [one.do, one.agent, one.insert, one.to].filter((way) => way !== undefined).length === 1,
    'Write one of `do`, `agent`, `insert` and `to`.',
  );
type Adaptation = z.infer<typeof adaptationSchema>;

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('adaptive'),
  /** Of a plain `sequence` or `parallel` its nodes are units with a sync point after each; any other is one unit. */
  body: nodeSchema,
  adaptations: z.array(adaptationSchema).min(1).max(20),
  /** Changes in all. */
  max: z.number().int().min(1).max(50).default(10),
  deadline: durationSchema.optional(),
  /** How long it is expected to take, until its own pace says better. */
  estimate: durationSchema.optional(),
});
type Adaptive = z.infer<typeof schema>;

/** P12: looks at how it goes between units, and changes how the rest is done; what is under way is never cut in half. */
export const adaptive = definePattern({
  kind: 'adaptive',
  schema,
  children: (node) => [
    node.body,
    ...node.adaptations.flatMap(({ insert, to }) => [insert, to].filter((way) => way !== undefined)),
  ],
  agents: (node) =>
    node.adaptations.flatMap(({ do: word, agent }) => {
      const name = word === 'activate-self-healing' ? HEALER : agent;
      return name === undefined ? [] : [{ agent: name, task: `when it has to, in ${node.id}` }];
    }),
  *run(node, input, flow, context) {
    const base = baseOf(node.body);
    const first = yield* flow.step(
      'metrics',
      readMetrics,
      { node: node.id },
      { label: 'looking at how it goes' },
    );
    const places = Math.min(MOST_PLACES, Math.max(1, base.units.length));
    const course = new Course(
      base.units,
      { ...base, limit: Math.min(base.limit, places), places },
      input,
      first,
    );
    yield* adapt(node, course, first, flow, context);
    const workers = Array.from(
      { length: places },
      (_, at): NamedBody<null> => ({
        name: `place-${at + 1}`,
        run: (inner) => work(node, course, inner, context),
      }),
    );
    yield* flow.all('places', workers, places);
    return course.finish(base.units.map(({ id }) => id));
  },
  /**
   * At least one unit, or what takes the place of all of them; at most all units and every change as often as it may come,
   * each in its dearest form and one after the other, as it goes when a change says so.
   */
  estimate(node, context) {
    const { units } = baseOf(node.body);
    const body = context.child(node.body);
    const extra = node.adaptations.flatMap(({ insert, to, times: most }) =>
      [insert, to].flatMap((way) =>
        way === undefined ? [] : [times(dearest(node, way, context), 0, 0, Math.min(most, node.max))],
      ),
    );
    const healed = node.adaptations
      .filter(({ do: word }) => word === 'activate-self-healing')
      .map(({ times: most }) => times(context.agentTask(HEALER), 0, 0, most));
    const most = inSequence([...units.map((unit) => dearest(node, unit, context)), ...extra, ...healed]);
    const instead = node.adaptations.flatMap(({ to }) => (to === undefined ? [] : [to]));
    const least = [...units, ...instead].flatMap((unit) => variants(node, unit, context));
    return {
      ms: { low: lowest(least), mid: body.ms.mid, high: most.ms.high },
      usd: most.usd && body.usd && { low: 0, mid: body.usd.mid, high: most.usd.high },
      asks: most.asks,
    };
  },
  describe: (node, child) =>
    `${child(node.body)}, adapting to ${node.adaptations.map(({ when }) => when).join('; ')}`,
});

/** A unit as it is, and as changes may have it: by another agent, or in a simpler way. */
function variants(node: Adaptive, unit: Node, context: EstimateContext): Estimate[] {
  const simpler = node.adaptations.some(({ do: word }) => word === 'simpler') ? context.simpler(unit) : null;
  return [unit, ...(simpler === null ? [] : [simpler])].flatMap((way) => [
    context.child(way),
    ...node.adaptations.flatMap(({ agent }) =>
      agent === undefined || typeof way['agent'] !== 'string' ? [] : [context.child({ ...way, agent })],
    ),
  ]);
}

function dearest(node: Adaptive, unit: Node, context: EstimateContext): Estimate {
  return oneOf(variants(node, unit, context));
}

/** A change may come before anything has begun, or leave all but one unit to run side by side. */
function lowest(estimates: readonly Estimate[]): number {
  return Math.min(...estimates.map(({ ms }) => ms.low));
}

const plainKeys = new Set(['kind', 'id', 'stages', 'branches', 'limit']);
const stagesSchema = z.object({ kind: z.literal('sequence'), stages: z.array(nodeSchema) });
const branchesSchema = z.object({
  kind: z.literal('parallel'),
  branches: z.array(nodeSchema),
  limit: z.number().default(MOST_PLACES),
});

/** The units of a body, and how they go at first. A body that says more of itself than its nodes is kept whole. */
function baseOf(body: Node): {
  readonly units: readonly Node[];
  readonly chained: boolean;
  readonly limit: number;
} {
  if (Object.keys(body).every((key) => plainKeys.has(key))) {
    const stages = stagesSchema.safeParse(body);
    if (stages.success) return { units: stages.data.stages, chained: true, limit: 1 };
    const branches = branchesSchema.safeParse(body);
    if (branches.success)
      return {
        units: branches.data.branches,
        chained: false,
        limit: Math.min(MOST_PLACES, branches.data.limit),
      };
  }
  return { units: [body], chained: true, limit: 1 };
}

/** One place: takes the next unit whenever it may, and looks at how it goes after each. */
function* work(node: Adaptive, course: Course, flow: Flow, context: RunContext): Operation<null> {
  for (;;) {
    yield* flow.until(() => course.mayStart || course.over);
    const { chained, agent, simple } = course.settings;
    const next = course.take();
    if (next === null) return null;
    const { unit, given } = next;
    const began = yield* flow.now('began');
    const handoff: Handoff = yield* context.run(as(unit, agent, simple ? context : null), given, flow);
    const metrics = yield* flow.step(
      'metrics',
      readMetrics,
      { node: node.id },
      { label: 'looking at how it goes' },
    );
    course.ended(unit, handoff, metrics.at - began, chained);
    yield* adapt(node, course, metrics, flow, context);
    course.release();
  }
}

/** A unit as the changes so far want it. */
function as(unit: Node, agent: string | null, context: RunContext | null): Node {
  const simple = context?.simpler(unit) ?? unit;
  return agent === null || typeof simple['agent'] !== 'string' ? simple : { ...simple, agent };
}

type Seen = z.infer<typeof readMetrics.output>;

/** A sync point: what somebody takes back goes first, then each adaptation whose rule holds. */
function* adapt(
  node: Adaptive,
  course: Course,
  metrics: Seen,
  flow: Flow,
  context: RunContext,
): Operation<void> {
  if (course.changes.some(({ undone }) => !undone)) yield* takeBack(node, course, flow);
  for (const trigger of OUTSIDE) {
    if (course.told.has(trigger) || !node.adaptations.some(({ when }) => speaksOf(when, trigger))) continue;
    const told = yield* flow.waitSignalFor(`hears-${trigger}`, adaptSignal(trigger), adaptSignalSchema, 0);
    if (told !== null) course.told.set(trigger, told.why);
  }
  for (const [index, adaptation] of node.adaptations.entries()) {
    if (course.changes.length >= node.max) return;
    const { when, cooldown, times: most } = adaptation;
    if (!course.open(index, { times: most, cooldownMs: durationMs(cooldown) }, metrics.at)) continue;
    const deadline = node.deadline === undefined ? null : durationMs(node.deadline);
    const facts = course.facts(
      metrics,
      deadline,
      node.estimate === undefined ? null : durationMs(node.estimate),
    );
    if (!(yield* decide(when, factsOf(course.handoff, context, facts), node.id, flow))) continue;
    const change = course.apply(index, actionOf(node, adaptation), metrics.at);
    if (change === null) continue;
    yield* tell(node, when, change, facts, course, flow);
  }
}

function* takeBack(node: Adaptive, course: Course, flow: Flow): Operation<void> {
  const asked = yield* flow.waitSignalFor('hears-undo', adaptSignal('undo'), adaptSignalSchema, 0);
  const change = asked === null ? null : course.undo();
  if (asked === null || change === null) return;
  yield* flow.emit({
    type: 'adaptation.undone',
    node: node.id,
    change: change.number,
    by: asked.by,
    what: change.what,
  });
}

/** Says why: as a decision with what was seen, and as a line to people. */
function* tell(
  node: Adaptive,
  when: string,
  change: Change,
  facts: ReturnType<Course['facts']>,
  course: Course,
  flow: Flow,
): Operation<void> {
  const seen = Object.fromEntries(Object.entries(facts).filter(([name]) => speaksOf(when, name)));
  const words = Object.entries(seen).map(([name, value]) =>
    typeof value === 'number' ? `${name} is ${Math.round(value * 10) / 10}` : (course.told.get(name) ?? name),
  );
  for (const name of OUTSIDE) if (speaksOf(when, name)) course.told.delete(name);
  const reason = words.length === 0 ? when : words.join(', ');
  yield* flow.step(
    'decision',
    recordDecision,
    {
      kind: 'adaptation',
      choice: change.what,
      reason: `${when}: ${reason}`,
      alternatives: ['going on as before'],
      evidence: asJson({ node: node.id, change: change.number, ...facts }),
      at: change.at,
    },
    { label: 'adapting' },
  );
  yield* flow.emit({
    type: 'adaptation.made',
    node: node.id,
    change: change.number,
    what: change.what,
    rule: when,
    reason,
  });
}

/** Whether a rule names something; dashes as people write them. */
function speaksOf(rule: string, name: string): boolean {
  return new RegExp(`(?<![\\w.-])${name}(?![\\w-])`).test(rule);
}

function actionOf(node: Adaptive, { do: word, agent, insert, to }: Adaptation): Action {
  if (to !== undefined) return { to };
  if (insert !== undefined) return { insert };
  if (agent !== undefined) return { agent };
  if (word === undefined || word === 'activate-self-healing') return { insert: healing(node) };
  return { do: word };
}

function healing(node: Adaptive): Node {
  return {
    kind: 'agent',
    id: `${node.id.slice(0, 35)}-heal`,
    agent: HEALER,
    task: 'Steps of this work keep failing. Find out why, and mend what makes them fail.',
  };
}
