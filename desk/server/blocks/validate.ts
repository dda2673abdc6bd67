import { isJson, type Json, jsonListSchema, stringField } from '../json.ts';
import { homeShell, messageBlock, modalShell, viewBlock } from './layout.ts';
import { type Check, type Faults, list } from './schema.ts';

const MESSAGE_BLOCKS = 50;
const VIEW_BLOCKS = 100;
/** All markdown blocks of a message together. */
const MARKDOWN_TOTAL = 12_000;
/** A message has room for one table. */
const MESSAGE_TABLES = 1;

type Surface = 'message' | 'modal' | 'home';

/** Blocks in order, those inside containers and carousels included, each with its pointer. */
function* walk(blocks: readonly Json[], pointer: string): Generator<{ block: Json; pointer: string }> {
  for (const [index, block] of blocks.entries()) {
    const here = `${pointer}/${index}`;
    yield { block, pointer: here };
    const children = jsonListSchema.safeParse(block['child_blocks']).data ?? [];
    yield* walk(children, `${here}/child_blocks`);
    if (block['type'] === 'carousel') {
      yield* walk(jsonListSchema.safeParse(block['elements']).data ?? [], `${here}/elements`);
    }
  }
}

function elementsOf(block: Json): Json[] {
  if (block['type'] === 'carousel' || block['type'] === 'rich_text') return [];
  const lists = [block['elements'], block['actions']].flatMap((value) => (Array.isArray(value) ? value : []));
  return [...lists, block['accessory'], block['element']].filter(isJson);
}

function checkIds(blocks: readonly Json[], pointer: string, faults: Faults): void {
  const seen = new Set<string>();
  for (const { block, pointer: here } of walk(blocks, pointer)) {
    const id = block['block_id'];
    if (typeof id === 'string' && id !== '') {
      if (seen.has(id)) faults.add(`block_id "${id}" already exists`, `${here}/block_id`);
      seen.add(id);
    }
    const actions = new Set<string>();
    for (const element of elementsOf(block)) {
      const action = element['action_id'];
      if (typeof action !== 'string') continue;
      if (actions.has(action)) faults.add(`action_id "${action}" already exists for another element`, here);
      actions.add(action);
    }
  }
}

function checkFocus(blocks: readonly Json[], pointer: string, faults: Faults): void {
  const focused = [...walk(blocks, pointer)].flatMap(({ block }) =>
    elementsOf(block).filter((element) => element['focus_on_load'] === true),
  );
  if (focused.length > 1) faults.add('only one element may have focus_on_load', pointer);
}

function checkMessageTotals(blocks: readonly Json[], pointer: string, faults: Faults): void {
  let markdown = 0;
  let tables = 0;
  for (const { block } of walk(blocks, pointer)) {
    if (block['type'] === 'markdown') markdown += (stringField(block, 'text') ?? '').length;
    if (block['type'] === 'table') tables += 1;
  }
  if (markdown > MARKDOWN_TOTAL) {
    faults.add(`markdown blocks must hold less than ${MARKDOWN_TOTAL + 1} characters together`, pointer);
  }
  if (tables > MESSAGE_TABLES) faults.add('only_one_table_allowed', pointer);
}

function collect(run: (faults: Faults) => void): string[] {
  const found: string[] = [];
  run({ add: (message, pointer) => void found.push(`${message} [json-pointer:${pointer}]`) });
  return found;
}

function checkAll(value: unknown, surface: Surface, pointer: string, faults: Faults): void {
  const message = surface === 'message';
  const block: Check = message ? messageBlock : viewBlock;
  const max = message ? MESSAGE_BLOCKS : VIEW_BLOCKS;
  list(block, { min: 0, max })(value, pointer, faults);
  const blocks = jsonListSchema.safeParse(value).data ?? [];
  checkIds(blocks, pointer, faults);
  checkFocus(blocks, pointer, faults);
  if (message) checkMessageTotals(blocks, pointer, faults);
}

/** The faults of a list of blocks, each worded as Slack does and with a JSON pointer; empty when good. */
export function validateBlocks(blocks: unknown, surface: Surface, pointer = '/blocks'): string[] {
  return collect((faults) => checkAll(blocks, surface, pointer, faults));
}

/** The faults of a modal or App Home. */
export function validateView(view: unknown): string[] {
  return collect((faults) => {
    if (!isJson(view)) return faults.add('must be an object', '/view');
    const home = view['type'] === 'home';
    (home ? homeShell : modalShell)(view, '/view', faults);
    if (view['blocks'] === undefined) return;
    checkAll(view['blocks'], home ? 'home' : 'modal', '/view/blocks', faults);
    const blocks = jsonListSchema.safeParse(view['blocks']).data ?? [];
    const hasInput = [...walk(blocks, '')].some(({ block }) => block['type'] === 'input');
    if (!home && hasInput && view['submit'] === undefined) {
      faults.add('missing required field: submit (the view has an input block)', '/view');
    }
  });
}

/** The characters of all `text` in blocks, which Slack limits for a whole message; markdown has its own limit. */
export function blockTextSize(blocks: readonly Json[]): number {
  const size = (value: unknown): number => {
    if (Array.isArray(value)) return value.reduce<number>((sum, entry) => sum + size(entry), 0);
    if (!isJson(value)) return 0;
    return Object.entries(value).reduce((sum, [key, entry]) => {
      return sum + (key === 'text' && typeof entry === 'string' ? entry.length : size(entry));
    }, 0);
  };
  return blocks.filter((block) => block['type'] !== 'markdown').reduce((sum, block) => sum + size(block), 0);
}
