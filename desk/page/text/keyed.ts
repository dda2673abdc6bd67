/**
 * Gives every item its position as a key. For parts of one text or block, which have no identity of their own
 * and are redrawn together.
 */
export function keyed<Item>(
  items: readonly Item[],
): readonly { readonly key: string; readonly item: Item }[] {
  return items.map((item, index) => ({ key: `part-${index}`, item }));
}
