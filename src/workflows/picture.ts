import { z } from 'zod';
import { type Node, nodeSchema } from '../domain/workflow.ts';
import type { TreeRules } from './load.ts';

export type Shape = 'work' | 'command' | 'question' | 'choice' | 'vote' | 'point' | 'end';
export interface Box {
  readonly type: 'box';
  readonly shape: Shape;
  /** What it is called, then what it does. */
  readonly text: readonly string[];
}
/**
 * A workflow as it is drawn, whatever draws it. Each picture has one way in and one way out, so that pictures can be
 * put into one another.
 */
export type Picture =
  | Box
  | { readonly type: 'column'; readonly parts: readonly Picture[] }
  /** A way without a part leads straight to the foot. */
  | {
      readonly type: 'fork';
      readonly head: Box;
      readonly ways: readonly { readonly label: string; readonly part: Picture | null }[];
      readonly foot: Box;
    }
  /** `check` follows `body` and leads on, or by way of `repair` back to the beginning. */
  | {
      readonly type: 'cycle';
      readonly body: Picture | null;
      readonly check: Box;
      readonly again: string;
      readonly repair: Picture | null;
      readonly done: string;
    };

export type PictureRules = Pick<TreeRules, 'schema' | 'children' | 'asks'>;

/** More branches or stages than these make a picture that nobody can read; the rest is counted. */
const MOST_WAYS = 12;
const MOST_STAGES = 100;
/** Fields that hold children in their order; any other list of an unknown kind is drawn side by side. */
const IN_ORDER: ReadonlySet<string> = new Set(['stages', 'phases', 'steps']);

type Draw = (child: Node) => Picture;
type Drawer = (node: unknown, draw: Draw) => Picture | null;
type Way = { readonly label: string; readonly part: Picture | null };

/** The picture of a checked tree. Kinds that this does not know are drawn by their children and agents. */
export function pictureOf(root: Node, rules: PictureRules): Picture {
  const draw = (node: Node): Picture => {
    // With the defaults of its schema, which the file need not write.
    const whole = rules.schema(node.kind)?.safeParse(node);
    const drawer = DRAWERS.get(node.kind);
    return drawer?.(whole?.success === true ? whole.data : node, draw) ?? unknownKind(node, rules, draw);
  };
  return draw(root);
}

/** Draws one kind, when the node has the fields that takes. */
function drawer<T>(schema: z.ZodType<T>, draw: (node: T, draw: Draw) => Picture): Drawer {
  return (node, inner) => {
    const parsed = schema.safeParse(node);
    return parsed.success ? draw(parsed.data, inner) : null;
  };
}

function box(shape: Shape, ...text: string[]): Box {
  return { type: 'box', shape, text: text.filter((line) => line !== '') };
}

function column(parts: readonly Picture[]): Picture {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const more = parts.length - MOST_STAGES;
  const rest = more > 0 ? [box('point', `and ${more} more`)] : [];
  return {
    type: 'column',
    parts: parts.length === 0 ? [box('point')] : [...parts.slice(0, MOST_STAGES), ...rest],
  };
}

function fork(head: Box, ways: readonly Way[], foot: Box = box('point')): Picture {
  const more = ways.length - MOST_WAYS;
  const rest: Way[] = more > 0 ? [{ label: '', part: box('point', `and ${more} more`) }] : [];
  return { type: 'fork', head, ways: [...ways.slice(0, MOST_WAYS), ...rest], foot };
}

function rounds(max: number): string {
  return `${max} ${max === 1 ? 'round' : 'rounds'} at most`;
}

const id = nodeSchema.shape.id;
const node = nodeSchema;
const list = z.array(nodeSchema);

const DRAWERS: ReadonlyMap<string, Drawer> = new Map([
  ['agent', drawer(z.object({ id, agent: z.string() }), (at) => box('work', at.id, at.agent))],
  [
    'command',
    drawer(z.object({ id, run: z.union([z.string(), z.array(z.string())]) }), ({ id, run }) =>
      box('command', id, typeof run === 'string' ? 'the tests' : run.join(' ')),
    ),
  ],
  ['sequence', drawer(z.object({ stages: list }), ({ stages }, draw) => column(stages.map(draw)))],
  [
    'parallel',
    drawer(z.object({ id, branches: list }), (at, draw) =>
      fork(
        box('point', at.id),
        at.branches.map((branch) => ({ label: '', part: draw(branch) })),
      ),
    ),
  ],
  [
    'loop',
    drawer(
      z.object({
        id,
        body: node,
        improve: node.optional(),
        until: z.object({ quality: z.number() }),
        max: z.number(),
      }),
      ({ id, body, improve, until, max }, draw) => ({
        type: 'cycle',
        body: draw(body),
        check: box('choice', id, `passed, quality ${until.quality} or more?`),
        again: `no, ${rounds(max)}`,
        repair: improve === undefined ? null : draw(improve),
        done: 'yes',
      }),
    ),
  ],
  [
    'feedback',
    drawer(
      z.object({
        id,
        producer: node,
        reviewer: z.string(),
        criteria: z.array(z.union([z.string(), z.object({ name: z.string() })])),
        max: z.number(),
      }),
      ({ id, producer, reviewer, criteria, max }, draw) => ({
        type: 'cycle',
        body: draw(producer),
        check: box(
          'choice',
          id,
          `${reviewer}: ${criteria.map((each) => (typeof each === 'string' ? each : each.name)).join(', ')}?`,
        ),
        again: `not met, ${rounds(max)}`,
        repair: null,
        done: 'all met',
      }),
    ),
  ],
  [
    'conditional',
    drawer(
      z.object({
        id,
        start: node.optional(),
        cases: z.array(z.object({ if: z.string(), then: node })),
        on_success: node.optional(),
        on_failure: node.optional(),
        else: node.optional(),
      }),
      (at, draw) => {
        const way = (label: string, to: Node | undefined): Way[] =>
          to === undefined ? [] : [{ label, part: draw(to) }];
        const decided = at.else !== undefined || (at.on_success !== undefined && at.on_failure !== undefined);
        const ways: Way[] = [
          ...at.cases.map(({ if: rule, then }): Way => ({ label: rule, part: draw(then) })),
          ...way('success', at.on_success),
          ...way('failure', at.on_failure),
          ...way('else', at.else),
          ...(decided ? [] : [{ label: 'otherwise', part: null }]),
        ];
        const choice = fork(box('choice', at.id), ways);
        return at.start === undefined ? choice : column([draw(at.start), choice]);
      },
    ),
  ],
  [
    'delegation',
    drawer(
      z.object({
        id,
        conductor: z.string(),
        delegates: z.array(z.object({ agent: z.string(), expertise: z.array(z.string()) })),
        decision_rules: z.array(z.object({ if: z.string(), then: z.string() })),
        escalation: z.array(z.string()),
      }),
      ({ id, conductor, delegates, decision_rules: rules, escalation }) =>
        fork(
          box(
            'choice',
            id,
            `${conductor} conducts`,
            escalation.length === 0 ? '' : `if it fails: ${escalation.join(', ')}`,
          ),
          [
            ...delegates.map(({ agent, expertise }) => ({
              label: rules.find(({ then }) => then === agent)?.if ?? expertise.join(', '),
              part: box('work', agent),
            })),
            { label: 'nobody fits', part: box('work', conductor) },
          ],
        ),
    ),
  ],
  [
    'consensus',
    drawer(
      z.object({
        id,
        question: z.string(),
        participants: z.array(z.string()),
        method: z.string(),
        weights: z.record(z.string(), z.number()).optional(),
        tie: z.string(),
        conductor: z.string().optional(),
      }),
      ({ id, question, participants, method, weights, tie, conductor }) =>
        fork(
          box('vote', id, question),
          participants.map((name) => ({
            label: weights === undefined ? '' : `weight ${weights[name] ?? 0}`,
            part: box('work', name),
          })),
          box(
            'vote',
            `votes, ${method}`,
            tie === 'conductor' && conductor !== undefined ? `a tie: ${conductor}` : '',
          ),
        ),
    ),
  ],
  [
    'consult',
    drawer(
      z.object({
        id,
        domain: z.string(),
        experts: z.array(z.object({ agent: z.string(), weight: z.number() })),
        then: node.optional(),
      }),
      ({ id, domain, experts, then }, draw) => {
        const asked = fork(
          box('vote', id, `experts on ${domain}`),
          experts.map(({ agent, weight }) => ({ label: `weight ${weight}`, part: box('work', agent) })),
          box('vote', 'weighted answer'),
        );
        return then === undefined ? asked : column([asked, draw(then)]);
      },
    ),
  ],
  [
    'approval',
    drawer(
      z.object({ id, title: z.string(), on_changes: node.optional(), max_rounds: z.number() }),
      (at, draw) => {
        const question = box('question', at.id, at.title);
        return at.on_changes === undefined
          ? question
          : {
              type: 'cycle',
              body: null,
              check: question,
              again: `changes, ${rounds(at.max_rounds)}`,
              repair: draw(at.on_changes),
              done: 'approved',
            };
      },
    ),
  ],
]);

/** A kind without a drawing of its own: its name, its agents, and its children by the fields that hold them. */
function unknownKind(at: Node, rules: PictureRules, draw: Draw): Picture {
  const agents = [...new Set(rules.asks(at).map(({ agent }) => agent))].join(', ');
  const head = box('work', at.id, agents === '' ? at.kind : `${at.kind}: ${agents}`);
  const children = rules.children(at);
  if (children.length === 0) return head;
  const places = children.map((child) => placeOf(at, child.id));
  if (places.every((place) => IN_ORDER.has(place))) return column([head, ...children.map(draw)]);
  return fork(
    head,
    children.map((child, i) => ({ label: places[i] ?? '', part: draw(child) })),
  );
}

/** The node's own field under which a child stands, however deep. */
function placeOf(at: Node, child: string): string {
  const holds = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    const found = nodeSchema.safeParse(value);
    if (found.success) return found.data.id === child;
    return Object.values(value).some(holds);
  };
  return Object.entries(at).find(([, value]) => holds(value))?.[0] ?? '';
}
