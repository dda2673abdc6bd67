import { newId } from '../ids.ts';
import { isJson, type Json } from '../json.ts';

const INTERACTIVE = /(button|buttons|select|checkboxes|overflow|picker|input)$/;

function withActionId(element: unknown): unknown {
  if (!isJson(element)) return element;
  const type = element['type'];
  if (typeof type !== 'string' || !INTERACTIVE.test(type) || typeof element['action_id'] === 'string') {
    return element;
  }
  return { ...element, action_id: newId('').slice(0, 5) };
}

/** Fills in the block_id and action_id that the app left out, as Slack does on every post. */
export function fillIds(blocks: readonly Json[]): Json[] {
  return blocks.map((block) => {
    const filled: Json = { ...block };
    if (typeof filled['block_id'] !== 'string' || filled['block_id'] === '') {
      filled['block_id'] = newId('').slice(0, 5);
    }
    if (Array.isArray(filled['elements']) && filled['type'] !== 'rich_text') {
      filled['elements'] =
        filled['type'] === 'carousel'
          ? fillIds(filled['elements'].filter(isJson))
          : filled['elements'].map(withActionId);
    }
    if (filled['accessory'] !== undefined) filled['accessory'] = withActionId(filled['accessory']);
    if (filled['element'] !== undefined) filled['element'] = withActionId(filled['element']);
    if (Array.isArray(filled['actions'])) filled['actions'] = filled['actions'].map(withActionId);
    if (Array.isArray(filled['child_blocks'])) {
      filled['child_blocks'] = fillIds(filled['child_blocks'].filter(isJson));
    }
    return filled;
  });
}

/** The interactive element of `blocks` with these ids, wherever in a block it sits. */
export function findElement(blocks: readonly Json[], blockId: string, actionId: string): Json | undefined {
  for (const block of blocks) {
    const nested = [block['child_blocks'], block['type'] === 'carousel' ? block['elements'] : []];
    for (const list of nested) {
      const found = Array.isArray(list) ? findElement(list.filter(isJson), blockId, actionId) : undefined;
      if (found !== undefined) return found;
    }
    if (block['block_id'] !== blockId) continue;
    const lists = [block['elements'], block['actions']].flatMap((list) => (Array.isArray(list) ? list : []));
    const elements = [...lists, block['accessory'], block['element']].filter(isJson);
    const found = elements.find((element) => element['action_id'] === actionId);
    if (found !== undefined) return found;
  }
  return undefined;
}
