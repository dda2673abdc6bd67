import { z } from 'zod';
import { BatonError } from './failure.ts';
import { type Node, nodeSchema, type Workflow } from './workflow.ts';

/** Calls of one workflow within itself unless the node says otherwise. */
export const DEFAULT_DEPTH = 3;
/** Nodes of a workflow with everything it calls: what a plan can name and a journal can bear. */
const MOST_NODES = 20_000;

const callSchema = z.looseObject({
  kind: z.literal('workflow'),
  id: z.string(),
  workflow: z.string(),
  max_depth: z.number().int().optional(),
});
const idsSchema = z.array(z.string()).catch([]);
const milestoneSchema = z.looseObject({ after: z.string(), until: z.string().optional() });

/** One workflow that another calls. */
export interface Call {
  readonly node: string;
  readonly workflow: string;
  readonly maxDepth: number | null;
}

/** The workflows a tree calls, in order. */
export function callsOf(root: Node): Call[] {
  const calls: Call[] = [];
  for (const value of values(root)) {
    const call = callSchema.safeParse(value);
    if (call.success)
      calls.push({
        node: call.data.id,
        workflow: call.data.workflow,
        maxDepth: call.data.max_depth ?? null,
      });
  }
  return calls;
}

/**
 * The tree with every workflow it calls put into it, so that a run's definition holds all of it and no later change of a file
 * reaches the run. A workflow is called within itself as often as the node's `max_depth` says; the call beyond stays
 * empty. Ids that are taken get a number.
 * @throws BatonError `workflow_unknown`, or `workflow_too_large`
 */
export function withSubWorkflows(flow: Node, find: (name: string) => Workflow | undefined): Node {
  const taken = new Set<string>();
  for (const { id } of nodesOf(flow)) taken.add(id);
  return put(flow, [], find, taken);
}

function put(
  root: Node,
  above: readonly string[],
  find: (name: string) => Workflow | undefined,
  taken: Set<string>,
): Node {
  const replaced = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replaced);
    if (value === null || typeof value !== 'object') return value;
    const call = callSchema.safeParse(value);
    if (!call.success)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item)]));
    // Put there before, and perhaps changed since by whoever looked at the plan.
    if (call.data['flow'] !== undefined) return value;
    const { workflow: name, max_depth: depth = DEFAULT_DEPTH } = call.data;
    const called = find(name);
    if (called === undefined)
      throw new BatonError({
        class: 'terminal',
        code: 'workflow_unknown',
        message: `"${call.data.id}" calls the workflow "${name}", which is not there`,
        hint: 'Put its file into the folder of workflows, or correct the name. Nothing was started.',
      });
    if (above.filter((each) => each === name).length >= depth) return { ...call.data };
    const own = renamed(called.flow, taken);
    return { ...call.data, flow: put(own, [...above, name], find, taken) };
  };
  return nodeSchema.parse(replaced(root));
}

/** The tree with ids that nobody has yet; what speaks of a node speaks of its new id. */
function renamed(root: Node, taken: Set<string>): Node {
  const names = new Map<string, string>();
  for (const { id } of nodesOf(root)) {
    names.set(id, free(id, taken));
    taken.add(names.get(id) ?? id);
  }
  if (taken.size > MOST_NODES)
    throw new BatonError({
      class: 'terminal',
      code: 'workflow_too_large',
      message: `With all the workflows it calls it would have more than ${MOST_NODES} nodes`,
      hint: 'Lower `max_depth`, or call fewer workflows. Nothing was started.',
    });
  const to = (id: string): string => names.get(id) ?? id;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== 'object') return value;
    const whole = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)]));
    const node = nodeSchema.safeParse(value);
    if (!node.success) return whole;
    const milestone = milestoneSchema.safeParse(node.data['milestone']);
    return {
      ...whole,
      id: to(node.data.id),
      ...referring('cancels', node.data, to),
      ...referring('completes', node.data, to),
      ...(milestone.success
        ? {
            milestone: {
              after: to(milestone.data.after),
              ...(milestone.data.until === undefined ? {} : { until: to(milestone.data.until) }),
            },
          }
        : {}),
      ...(typeof whole['choose'] === 'object' && whole['choose'] !== null
        ? { choose: Object.fromEntries(Object.entries(whole['choose']).map(([id, rule]) => [to(id), rule])) }
        : {}),
    };
  };
  return nodeSchema.parse(walk(root));
}

function referring(key: 'cancels' | 'completes', node: Node, to: (id: string) => string): object {
  return node[key] === undefined ? {} : { [key]: idsSchema.parse(node[key]).map(to) };
}

function free(id: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n += 1) {
    const tail = n === 1 ? '' : `-${n}`;
    const name = `${id.slice(0, 40 - tail.length)}${tail}`;
    if (!taken.has(name)) return name;
  }
}

function nodesOf(root: Node): Node[] {
  return [...values(root)].flatMap((value) => {
    const node = nodeSchema.safeParse(value);
    return node.success ? [node.data] : [];
  });
}

/** Every object in a tree, parents first. */
function* values(root: unknown): Generator<object, void, undefined> {
  const stack: unknown[] = [root];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next === null || typeof next !== 'object') continue;
    if (!Array.isArray(next)) yield next;
    stack.push(...Object.values(next).reverse());
  }
}
