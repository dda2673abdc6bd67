import { type Node, nodeSchema } from '../domain/workflow.ts';
import type { Draw } from './drawer.ts';
import { DRAWERS } from './drawers.ts';
import type { TreeRules } from './load.ts';
import { box, column, fork, type Picture } from './shapes.ts';

export type PictureRules = Pick<TreeRules, 'schema' | 'children' | 'asks'>;

/** Fields that hold children in their order; any other list of an unknown kind is drawn side by side. */
const IN_ORDER: ReadonlySet<string> = new Set(['stages', 'phases', 'steps']);

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
