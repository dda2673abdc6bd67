import { stringify } from 'yaml';
import { type Json, jsonSchema } from '../domain/json.ts';
import { type Node, nodeSchema, type Workflow, workflowSchema } from '../domain/workflow.ts';

/**
 * Workflows written in TypeScript. What these functions give is the plain data that a YAML file would be read as, so a
 * built workflow can be printed, checked, hashed and pinned like any other; functions are refused as values.
 * Whether a kind takes a field is decided by its schema when the workflow is checked, not here.
 */

/** What the YAML calls `run`: the repository's own tests, or a command and its arguments. */
export type CommandLine = 'test' | readonly string[];

/** Fields that a node of any kind may have, as far as its schema takes them. */
export interface NodeOptions {
  /** What a failure of the node does: a word such as `skip`, or what the file format allows instead. */
  readonly on_error?: Json;
  /** Named resources it reserves before it starts: how many, or a throughput such as "5/min". */
  readonly uses?: Readonly<Record<string, number | string>>;
}
export interface AgentOptions extends NodeOptions {
  readonly limits?: { readonly turns?: number; readonly tokens?: number; readonly timeout?: string };
}
export interface ApprovalOptions extends NodeOptions {
  readonly title: string;
  readonly why: string;
  readonly risk?: string;
  readonly people?: readonly string[];
  readonly escalate_to?: readonly string[];
  readonly four_eyes?: boolean;
  readonly remind_after?: string;
  readonly escalate_after?: string;
  readonly expire_after?: string;
  readonly on_changes?: Node;
  readonly max_rounds?: number;
}
export interface ConditionalOptions extends NodeOptions {
  readonly start?: Node;
  readonly cases?: readonly { readonly if: string; readonly then: Node }[];
  readonly on_success?: Node;
  readonly on_failure?: Node;
  readonly else?: Node;
}
export interface LoopOptions extends NodeOptions {
  readonly improve?: Node;
  readonly until?: { readonly quality?: number; readonly rule?: string };
  readonly max?: number;
  readonly on_exhausted?: 'fail' | 'best' | 'ask';
}
export type Criterion =
  | string
  | { readonly name: string; readonly check: 'command'; readonly run: CommandLine }
  | { readonly name: string; readonly check: 'rule'; readonly rule: string }
  | { readonly name: string; readonly check: 'judge'; readonly ask: string };
export interface FeedbackOptions extends NodeOptions {
  readonly reviewer: string;
  readonly criteria: readonly Criterion[];
  readonly max?: number;
  readonly on_exhausted?: 'fail' | 'best';
}
export interface DelegationOptions extends NodeOptions {
  readonly conductor: string;
  readonly task: string;
  readonly delegates: readonly { readonly agent: string; readonly expertise: readonly string[] }[];
  readonly decision_rules?: readonly { readonly if: string; readonly then: string }[];
  readonly escalation?: readonly string[];
  readonly alignment?: boolean;
}
export interface ConsensusOptions extends NodeOptions {
  readonly question: string;
  readonly options?: readonly string[];
  readonly participants: readonly string[];
  readonly method?: 'majority' | 'unanimous' | 'weighted';
  readonly threshold?: number | string;
  readonly weights?: Readonly<Record<string, number>>;
  readonly quorum?: number | string;
  readonly tie?: 'conductor' | 'fail';
  readonly conductor?: string;
}
export interface ConsultOptions extends NodeOptions {
  readonly domain: string;
  readonly query?: string;
  readonly experts: readonly { readonly agent: string; readonly weight?: number }[];
  readonly then?: Node;
}

/** @throws ZodError when a word is missing or the name or an id has the wrong form */
export function workflow(
  name: string,
  words: Readonly<Omit<Workflow, 'name' | 'flow'>>,
  flow: Node,
): Workflow {
  return workflowSchema.parse({ name, ...words, flow });
}

/** A node of any kind, also of one that has no function here. @throws ZodError when a field is no plain data */
export function node(kind: string, id: string, fields: object): Node {
  return nodeSchema.parse(plain({ kind, id, ...fields }));
}

export function sequence(id: string, stages: readonly Node[], options: NodeOptions = {}): Node {
  return node('sequence', id, { stages, ...options });
}

export function parallel(
  id: string,
  branches: readonly Node[],
  options: NodeOptions & { readonly limit?: number } = {},
): Node {
  return node('parallel', id, { branches, ...options });
}

export function conditional(id: string, options: ConditionalOptions): Node {
  return node('conditional', id, options);
}

export function loop(id: string, body: Node, options: LoopOptions = {}): Node {
  return node('loop', id, { body, ...options });
}

export function feedback(id: string, producer: Node, options: FeedbackOptions): Node {
  return node('feedback', id, { producer, ...options });
}

export function delegation(id: string, options: DelegationOptions): Node {
  return node('delegation', id, options);
}

export function consensus(id: string, options: ConsensusOptions): Node {
  return node('consensus', id, options);
}

export function consult(id: string, options: ConsultOptions): Node {
  return node('consult', id, options);
}

export function agent(id: string, role: string, task: string, options: AgentOptions = {}): Node {
  return node('agent', id, { agent: role, task, ...options });
}

export function command(
  id: string,
  run: CommandLine,
  options: NodeOptions & { readonly timeout?: string } = {},
): Node {
  return node('command', id, { run, ...options });
}

export function approval(id: string, options: ApprovalOptions): Node {
  return node('approval', id, options);
}

/** The workflow as the text of a YAML file; loading it gives the same workflow and the same hash. */
export function workflowText(built: Workflow): string {
  // Values used twice are written twice: a file may hold only so many aliases. Long lines stay whole.
  return stringify(built, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** The value as JSON would keep it, options left `undefined` dropped, anything that is no data refused. */
function plain(value: unknown): Json {
  return jsonSchema.parse(withoutUndefined(value));
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutUndefined(item)]));
}
