/** Who draws a block. */
export type Drawer = 'ours' | 'library' | 'unknown';

/**
 * Ours: everything a person can use, and everything whose text may be plain: the library reads mrkdwn marks in
 * plain_text too and drops what looks like HTML in mrkdwn. The library draws what is rich in itself.
 */
const DRAWERS: ReadonlyMap<string, Drawer> = new Map<string, Drawer>([
  ['section', 'ours'],
  ['header', 'ours'],
  ['divider', 'ours'],
  ['context', 'ours'],
  ['actions', 'ours'],
  ['input', 'ours'],
  ['image', 'ours'],
  ['alert', 'ours'],
  ['card', 'ours'],
  ['carousel', 'ours'],
  ['container', 'ours'],
  ['context_actions', 'ours'],
  ['video', 'ours'],
  ['rich_text', 'library'],
  ['markdown', 'library'],
  ['table', 'library'],
  ['plan', 'library'],
  ['task_card', 'library'],
  ['data_visualization', 'library'],
  ['file', 'library'],
]);

export function drawerOf(block: Record<string, unknown>): Drawer {
  const type = block['type'];
  return (typeof type === 'string' ? DRAWERS.get(type) : undefined) ?? 'unknown';
}
