import { z } from 'zod';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { inSequence, oneOf } from '../domain/estimate.ts';
import { BatonError } from '../domain/failure.ts';
import type { Handoff } from '../domain/handoff.ts';
import {
  type amountSchema,
  impossible,
  inventorySchema,
  measure,
  opensAt,
  usesSchema,
} from '../domain/resources.ts';
import { type Job, type Limit, pathsOf, Schedule, type Start, simulate } from '../domain/schedule.ts';
import { type Estimate, type Node, nodeSchema } from '../domain/workflow.ts';
import type { Flow, NamedBody, Operation } from '../ports/flow.ts';
import { joined } from './joined.ts';
import { commonShape } from './on-error.ts';
import { definePattern, type EstimateContext, type RunContext } from './pattern.ts';

/** Tasks at once unless the node says otherwise: what one provider's rate limit usually bears. */
const DEFAULT_LIMIT = 20;
/** What a task without an estimate of its own counts for in the critical path. */
const TYPICAL_MS = 300_000;
const DAY_MS = 86_400_000;
const PRIORITY = { low: 0, normal: 1, high: 2 } as const;

const taskSchema = z.strictObject({
  id: nodeSchema.shape.id,
  /** The work. */
  do: nodeSchema.optional(),
  /** Instead of `do`: several ways to the same end. Where there is plenty they race, else the first is taken. */
  ways: z.array(nodeSchema).min(2).max(10).optional(),
  needs: z.array(z.string()).default([]),
  uses: usesSchema.optional(),
  priority: z.enum(['low', 'normal', 'high']).default('normal'),
  /** How long it is expected to take; for the order, not a limit. */
  estimate: durationSchema.optional(),
});
type Task = z.infer<typeof taskSchema>;

const schema = z
  .strictObject({
    ...commonShape,
    kind: z.literal('resource-aware'),
    /** What there is for this node alone; other names that tasks use are those of baton.yaml. */
    resources: inventorySchema.default({}),
    tasks: z.array(taskSchema).min(1).max(200),
    limit: z.number().int().min(1).max(1_000).default(DEFAULT_LIMIT),
    /** A wish, not a limit: when it is missed, that is recorded with its cost. */
    deadline: z.strictObject({ within: durationSchema, cost: z.number().min(0).default(1) }).optional(),
  })
  .superRefine((node, context) => {
    const ids = new Set<string>();
    for (const [at, task] of node.tasks.entries()) {
      const say = (key: string, message: string): void =>
        context.addIssue({ code: 'custom', path: ['tasks', at, key], message });
      if (ids.has(task.id)) say('id', `The task "${task.id}" is there twice. Give one of them another id.`);
      ids.add(task.id);
      if ((task.do === undefined) === (task.ways === undefined)) say('do', 'Write either `do` or `ways`.');
      for (const need of task.needs)
        if (!node.tasks.some(({ id }) => id === need))
          say(
            'needs',
            `There is no task "${need}". Write one of: ${node.tasks.map(({ id }) => id).join(', ')}.`,
          );
      const why = impossible(own(task, node), node.resources);
      if (why !== null)
        say(
          'uses',
          `${why}, so this task could never begin. Ask for less, or write more under \`resources\`.`,
        );
    }
    for (const [name, { amount, soft }] of Object.entries(node.resources)) {
      if (soft !== undefined && measure(soft).rate !== measure(amount).rate)
        context.addIssue({
          code: 'custom',
          path: ['resources', name, 'soft'],
          message: `\`soft\` is counted as \`amount\` is. Write ${measure(amount).rate ? 'a throughput, such as "5/min"' : 'a number of pieces, such as 2'}.`,
        });
    }
    if (pathsOf(node.tasks.map((task) => jobOf(task, node, 1))).size < ids.size)
      context.addIssue({
        code: 'custom',
        path: ['tasks'],
        message:
          'Some tasks need one another in a circle, so none of them could begin. Take one of their `needs` out.',
      });
  });
type ResourceAware = z.infer<typeof schema>;

/** P13: tasks begin as their needs and the resources allow, by priority, then critical path, then efficiency. */
export const resourceAware = definePattern({
  kind: 'resource-aware',
  schema,
  children: (node) => node.tasks.flatMap(waysOf),
  *run(node, input, flow, context) {
    const began = yield* flow.now('began');
    const jobs = node.tasks.map((task) => jobOf(task, node, msOf(task)));
    const work: Work = {
      node,
      jobs,
      schedule: new Schedule(jobs, limitsOf(node), node.limit),
      began,
      elapsed: 0,
      done: new Map(),
      costs: [],
    };
    const bodies = node.tasks.map(
      (task): NamedBody<Handoff> => ({
        name: task.id,
        run: (inner) => oneTask(task, work, input, inner, context),
      }),
    );
    const ends = yield* flow.all('tasks', bodies, bodies.length);
    const late = yield* deadlineOf(work, flow);
    const handoff = joined(
      input,
      node.tasks.map(({ id }) => id),
      ends,
    );
    const warnings = [
      ...handoff.warnings,
      ...[...work.costs, ...late].map(({ text }) => `${node.id}: ${text}`),
    ];
    return { ...handoff, warnings: [...new Set(warnings)] };
  },
  /**
   * At least the longest way of needs, and the work that each resource or place has to bear. At most that way and the rest
   * shared by the places (Graham 1969); where resources are held, all one after the other, since a schedule of tasks that
   * are shorter than was said may end later (Graham's anomalies). A time of day is a day away at most.
   */
  estimate(node, context) {
    const each = node.tasks.map((task) => estimateOf(task, node, context));
    const total = inSequence(each);
    const path = (size: 'low' | 'high'): number =>
      Math.max(
        0,
        ...pathsOf(
          node.tasks.map((task, at) => ({ ...jobOf(task, node, 0), ms: each[at]?.ms[size] ?? 0 })),
        ).values(),
      );
    const shares = Object.entries(limitsOf(node)).map(([name, { hard }]) =>
      node.tasks.reduce(
        (sum, task, at) => sum + ((each[at]?.ms.low ?? 0) * (jobOf(task, node, 0).uses[name] ?? 0)) / hard,
        0,
      ),
    );
    const low = Math.max(path('low'), total.ms.low / node.limit, ...shares);
    const jobs = node.tasks.map((task, at) => jobOf(task, node, each[at]?.ms.mid ?? 0));
    const mid = Math.max(
      0,
      ...[...(simulate(jobs, limitsOf(node), node.limit)?.values() ?? [])].map(({ to }) => to),
    );
    const held = context.serial || node.tasks.some(({ uses }) => uses !== undefined);
    const chain = path('high');
    const rest = node.limit >= node.tasks.length ? 0 : (total.ms.high - chain) / node.limit;
    const closed = node.tasks.filter((task) => windowsOf(task, node).length > 0).length * DAY_MS;
    return { ...total, ms: { low, mid, high: closed + (held ? total.ms.high : chain + rest) } };
  },
  /** One task at a time. */
  simpler: (node) => (node.limit === 1 ? null : { ...node, limit: 1 }),
  describe: (node, child) =>
    `${node.tasks.map((task) => waysOf(task).map(child).join(' or ')).join(', ')} as resources allow`,
});

/** What the fibers of one run of the node share. */
interface Work {
  readonly node: ResourceAware;
  readonly jobs: readonly Job[];
  readonly schedule: Schedule;
  readonly began: number;
  /** As of the last task that ended. */
  elapsed: number;
  readonly done: Map<string, Handoff>;
  readonly costs: { readonly text: string; readonly cost: number }[];
}

function* oneTask(
  task: Task,
  work: Work,
  input: Handoff,
  flow: Flow,
  context: RunContext,
): Operation<Handoff> {
  const { node, schedule } = work;
  const start = yield* turnOf(task, work, flow);
  const ways = waysOf(task);
  const copies = Math.max(1, Math.min(ways.length, schedule.spare(start.job)));
  schedule.start(start.job, copies);
  const reason = `${start.reason}${copies > 1 ? `; there is plenty, so ${copies} ways race` : ''}`;
  yield* flow.emit({ type: 'task.scheduled', node: node.id, task: task.id, reason });
  for (const { resource, used, soft, cost } of start.breaches) {
    const text = `${task.id} takes ${resource} to ${used}, beyond the ${soft} wished for, because ${start.reason} (cost ${cost})`;
    work.costs.push({ text, cost });
    yield* flow.emit({
      type: 'constraint.breached',
      node: node.id,
      task: task.id,
      constraint: resource,
      cost,
      reason: text,
    });
  }
  const before = task.needs.flatMap((need) => work.done.get(need) ?? []);
  const [only] = before;
  const given = only === undefined ? input : before.length === 1 ? only : joined(input, task.needs, before);
  const handoff = yield* context.run(wayOf(task, node, ways.slice(0, copies)), given, flow);
  work.done.set(task.id, handoff);
  const ended = yield* flow.now('ended');
  work.elapsed = ended - work.began;
  schedule.end(task.id);
  return handoff;
}

/** Waits until the schedule calls this task, and for times of day at which its resources are there. */
function* turnOf(task: Task, work: Work, flow: Flow): Operation<Start> {
  const { node, schedule } = work;
  const windows = windowsOf(task, node);
  const call = (): Start | null => schedule.next(leftOf(work));
  for (;;) {
    const called = yield* flow.until(() => call()?.job.id === task.id);
    const start = call();
    if (!called || start === null) throw stuck(node, task);
    if (windows.length === 0) return start;
    const now = yield* flow.now('called');
    const opens = Math.max(...windows.map((open) => opensAt(open, now)));
    // Asking for the time lets others go first: what was free then may be taken now.
    if (opens <= now && call()?.job.id === task.id) return start;
    if (opens <= now) continue;
    schedule.defer(task.id, true);
    yield* flow.sleep('until-open', opens - now);
    schedule.defer(task.id, false);
  }
}

/** The times of day at which what a task uses is there. */
function windowsOf(task: Task, node: ResourceAware) {
  return Object.keys(own(task, node)).flatMap((name) => {
    const open = node.resources[name]?.open;
    return open === undefined ? [] : [open];
  });
}

function leftOf({ node, elapsed }: Work): number | null {
  return node.deadline === undefined ? null : durationMs(node.deadline.within) - elapsed;
}

function* deadlineOf(work: Work, flow: Flow): Operation<readonly { readonly text: string }[]> {
  const left = leftOf(work);
  const { node } = work;
  if (left === null || left >= 0 || node.deadline === undefined) return [];
  const { cost, within } = node.deadline;
  const reason = `done ${Math.round(-left / 1_000)} s after the ${within} wished for (cost ${cost})`;
  yield* flow.emit({
    type: 'constraint.breached',
    node: node.id,
    task: node.id,
    constraint: 'deadline',
    cost,
    reason,
  });
  return [{ text: reason }];
}

function waysOf({ do: only, ways }: Task): readonly Node[] {
  return ways ?? (only === undefined ? [] : [only]);
}

/** The node that does a task, holding what it uses of the resources that all runs share. */
function wayOf(task: Task, node: ResourceAware, ways: readonly Node[]): Node {
  const [first] = ways;
  if (first === undefined) throw stuck(node, task);
  const shared = Object.entries(task.uses ?? {}).filter(([name]) => !Object.hasOwn(node.resources, name));
  const uses = shared.length === 0 ? {} : { uses: Object.fromEntries(shared) };
  if (ways.length === 1) return { ...first, ...uses };
  return { kind: 'race', id: task.id, runners: [...ways], ...uses };
}

/** What a task uses of this node's own resources. */
function own(
  task: Task,
  node: Pick<ResourceAware, 'resources'>,
): Record<string, z.infer<typeof amountSchema>> {
  const entries = Object.entries(task.uses ?? {}).filter(([name]) => Object.hasOwn(node.resources, name));
  return Object.fromEntries(entries);
}

function jobOf(task: Task, node: Pick<ResourceAware, 'resources'>, ms: number): Job {
  const sizes = Object.entries(own(task, node)).map(([name, amount]): [string, number] => [
    name,
    measure(amount).size,
  ]);
  return {
    id: task.id,
    needs: task.needs,
    uses: Object.fromEntries(sizes),
    priority: PRIORITY[task.priority],
    ms: task.estimate === undefined ? ms : durationMs(task.estimate),
  };
}

function msOf(task: Task): number {
  return task.estimate === undefined ? TYPICAL_MS : durationMs(task.estimate);
}

function limitsOf({ resources }: ResourceAware): Record<string, Limit> {
  return Object.fromEntries(
    Object.entries(resources).map(([name, { amount, soft, cost }]) => [
      name,
      { hard: measure(amount).size, soft: soft === undefined ? null : measure(soft).size, cost },
    ]),
  );
}

/** The first way alone, or all of them in a race: whatever number races lies between. */
function estimateOf(task: Task, node: ResourceAware, context: EstimateContext): Estimate {
  const ways = waysOf(task);
  const alone = context.child(wayOf(task, node, ways.slice(0, 1)));
  return ways.length === 1 ? alone : oneOf([alone, context.child(wayOf(task, node, ways))]);
}

function stuck(node: Node, task: Task): BatonError {
  return new BatonError({
    class: 'structural',
    code: 'schedule_stuck',
    message: `The task "${task.id}" of "${node.id}" can never begin: what it waits for does not come`,
    hint: 'Look at `needs` and `uses` in the workflow. What was done so far is kept.',
  });
}
