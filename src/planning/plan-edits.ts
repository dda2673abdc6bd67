import { type Node, nodeSchema, type Workflow } from '../domain/workflow.ts';

/** Where a tree names an agent that a person may choose another for. */
const AGENT_KEYS = ['agent', 'reviewer', 'conductor'] as const;
/** Lists of nodes that run one after the other, or side by side. */
const LISTS = { sequence: 'stages', parallel: 'branches' } as const;
type Way = keyof typeof LISTS;

/** A node of the tree that may be left out, moved, given to somebody else, or arranged differently. */
export interface EditableStage {
  readonly id: string;
  /** Who works in it, for people. */
  readonly agents: readonly string[];
  /** Approvals stay: whoever asked may not take away what others are to decide. */
  readonly fixed: boolean;
}
export interface EditableAgent {
  readonly node: string;
  readonly key: (typeof AGENT_KEYS)[number];
  readonly agent: string;
}
export interface EditableGroup {
  readonly node: string;
  readonly way: Way;
  readonly members: readonly string[];
}

/** What of a plan can be edited. */
export interface Editable {
  /** The stages of the root, in order; empty when the root is no sequence. */
  readonly order: readonly string[];
  /** Stages and, of those that are groups, their members: each can be left out. */
  readonly stages: readonly EditableStage[];
  readonly agents: readonly EditableAgent[];
  readonly groups: readonly EditableGroup[];
}

/** What somebody wants different; what is not named stays. */
export interface PlanEdits {
  readonly off?: readonly string[];
  /** Ids of the root's stages; those left out of it keep their place behind. */
  readonly order?: readonly string[];
  /** Another agent, by "node.key". */
  readonly agents?: Readonly<Record<string, string>>;
  readonly groups?: Readonly<Record<string, Way>>;
}

export interface EditProblem {
  readonly field: 'off' | 'order' | 'agents' | 'groups';
  readonly message: string;
}
export type EditedPlan =
  | { readonly ok: true; readonly workflow: Workflow; readonly changes: readonly string[] }
  | { readonly ok: false; readonly problems: readonly EditProblem[] };

export function editableOf({ flow }: Workflow): Editable {
  const stages = listOf(flow)?.nodes ?? [];
  const withMembers = stages.flatMap((stage) => [stage, ...(listOf(stage)?.nodes ?? [])]);
  const all = [...walk(flow)];
  return {
    order: flow.kind === 'sequence' ? stages.map(({ id }) => id) : [],
    stages: withMembers.map((node) => ({ id: node.id, agents: agentsIn(node), fixed: asks(node) })),
    agents: all.flatMap((node) =>
      AGENT_KEYS.flatMap((key) => {
        const agent = node[key];
        return typeof agent === 'string' ? [{ node: node.id, key, agent }] : [];
      }),
    ),
    groups: all.flatMap((node) => {
      const list = listOf(node);
      const plain = list?.nodes.every((member) => member.kind === 'agent') === true;
      return list === null || node.id === flow.id || !plain || list.nodes.length < 2
        ? []
        : [{ node: node.id, way: list.way, members: list.nodes.map(({ id }) => id) }];
    }),
  };
}

/**
 * The workflow with the edits in it, and what changed in words. Pure. Refused as a whole when one of them cannot be:
 * an approval left out, or work moved behind the approval that was to see it.
 * @param output the kind of result an agent ends with; null when there is no such agent
 */
export function editPlan(
  workflow: Workflow,
  edits: PlanEdits,
  output: (agent: string) => string | null,
): EditedPlan {
  const problems: EditProblem[] = [];
  const changes: string[] = [];
  const editable = editableOf(workflow);
  const say = (field: EditProblem['field'], message: string): void => void problems.push({ field, message });

  const off = new Set(edits.off);
  for (const id of off) {
    const stage = editable.stages.find((each) => each.id === id);
    if (stage === undefined) say('off', `There is no stage "${id}" to leave out.`);
    else if (stage.fixed) say('off', `"${id}" asks people, so it stays.`);
    else changes.push(`${id} left out`);
  }
  const swaps = new Map<string, string>();
  for (const [place, to] of Object.entries(edits.agents ?? {})) {
    const slot = editable.agents.find(({ node, key }) => `${node}.${key}` === place);
    if (slot === undefined || slot.agent === to) continue;
    const [before, after] = [output(slot.agent), output(to)];
    if (after === null) say('agents', `There is no agent "${to}".`);
    else if (before !== null && before !== after)
      say('agents', `${to} ends with a ${after} and ${slot.node} needs a ${before}.`);
    else {
      swaps.set(place, to);
      if (!off.has(slot.node)) changes.push(`${slot.node}: ${to} instead of ${slot.agent}`);
    }
  }
  const ways = new Map<string, Way>();
  for (const [node, way] of Object.entries(edits.groups ?? {})) {
    const group = editable.groups.find((each) => each.node === node);
    if (group === undefined) say('groups', `"${node}" cannot be arranged differently.`);
    else if (group.way !== way) {
      ways.set(node, way);
      changes.push(`${node}: ${way === 'sequence' ? 'one after the other' : 'side by side'}`);
    }
  }
  const order = reordered(editable.order, edits.order ?? [], editable, say);
  if (order.join() !== editable.order.join())
    changes.push(`order: ${order.filter((id) => !off.has(id)).join(', ')}`);
  if (problems.length > 0) return { ok: false, problems };
  const flow = rebuilt(workflow.flow, { off, swaps, ways, order, root: workflow.flow.id });
  const left = flow === null ? [] : editableOf({ ...workflow, flow }).stages.filter(({ fixed }) => !fixed);
  if (flow === null || (left.length === 0 && editable.stages.some(({ fixed }) => !fixed)))
    return { ok: false, problems: [{ field: 'off', message: 'Something has to be left to do.' }] };
  return { ok: true, workflow: changes.length === 0 ? workflow : { ...workflow, flow }, changes };
}

/** The wanted order, with what it does not name behind it; nothing may pass an approval. */
function reordered(
  before: readonly string[],
  wanted: readonly string[],
  { stages }: Editable,
  say: (field: 'order', message: string) => void,
): readonly string[] {
  const unknown = wanted.filter((id) => !before.includes(id));
  if (unknown.length > 0) say('order', `There is no stage "${unknown[0]}". There are: ${before.join(', ')}.`);
  if (new Set(wanted).size !== wanted.length) say('order', 'A stage is named twice.');
  if (wanted.length === 0) return before;
  const after = [...wanted, ...before.filter((id) => !wanted.includes(id))];
  for (const gate of before.filter((id) => stages.some((stage) => stage.id === id && stage.fixed))) {
    const moved = before.find(
      (id) =>
        id !== gate && before.indexOf(id) < before.indexOf(gate) && after.indexOf(id) > after.indexOf(gate),
    );
    if (moved !== undefined) say('order', `"${moved}" comes before "${gate}", where people decide on it.`);
  }
  return after;
}

interface Rebuild {
  readonly off: ReadonlySet<string>;
  readonly swaps: ReadonlyMap<string, string>;
  readonly ways: ReadonlyMap<string, Way>;
  readonly order: readonly string[];
  readonly root: string;
}

/** The node with the edits below it; null when nothing of it is left. */
function rebuilt(node: Node, edits: Rebuild): Node | null {
  if (edits.off.has(node.id)) return null;
  const swapped = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      edits.swaps.get(`${node.id}.${key}`) ?? below(value, edits),
    ]),
  );
  const fresh = nodeSchema.parse(swapped);
  const list = listOf(node);
  if (list === null) return fresh;
  const members = list.nodes.flatMap((member) => rebuilt(member, edits) ?? []);
  if (members.length === 0) return null;
  if (node.id === edits.root && list.way === 'sequence')
    members.sort((a, b) => edits.order.indexOf(a.id) - edits.order.indexOf(b.id));
  const way = edits.ways.get(node.id) ?? list.way;
  if (way === list.way) return { ...fresh, [LISTS[way]]: members };
  // Only what both kinds know comes along.
  const { id, on_error, timeout } = node;
  const common = {
    ...(on_error === undefined ? {} : { on_error }),
    ...(timeout === undefined ? {} : { timeout }),
  };
  return nodeSchema.parse({ kind: way, id, ...common, [LISTS[way]]: members });
}

/** Nodes that stand in other fields (a loop's body, a review's repair): their agents may change, they all stay. */
function below(value: unknown, edits: Rebuild): unknown {
  const node = asNode(value);
  if (node !== null) return rebuilt(node, { ...edits, off: new Set() });
  if (Array.isArray(value)) return value.map((item) => below(item, edits));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, below(item, edits)]));
}

function listOf(node: Node): { readonly way: Way; readonly nodes: readonly Node[] } | null {
  if (node.kind !== 'sequence' && node.kind !== 'parallel') return null;
  const nodes = nodeSchema.array().safeParse(node[LISTS[node.kind]]);
  return nodes.success ? { way: node.kind, nodes: nodes.data } : null;
}

/** The node and all nodes below it, in the order they are written. */
export function* walk(node: Node): Generator<Node, void, undefined> {
  yield node;
  for (const value of Object.values(node)) yield* nodesIn(value);
}

function* nodesIn(value: unknown): Generator<Node, void, undefined> {
  const node = asNode(value);
  if (node !== null) yield* walk(node);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) yield* nodesIn(item);
}

function asNode(value: unknown): Node | null {
  const parsed = nodeSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

function agentsIn(node: Node): string[] {
  const found = [...walk(node)].flatMap((each) =>
    AGENT_KEYS.flatMap((key) => (typeof each[key] === 'string' ? [each[key]] : [])),
  );
  return [...new Set(found)];
}

function asks(node: Node): boolean {
  return [...walk(node)].some(({ kind }) => kind === 'approval');
}
