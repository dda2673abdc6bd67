import {
  type Element,
  elementSchema,
  elementsSchema,
  inputSchema,
  type Option,
  sectionSchema,
} from './schema.ts';

type Json = Record<string, unknown>;

/** What a person has entered so far in one element, in the shape the input itself works with. */
export type Entry =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'options'; readonly options: readonly Option[] }
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'none' };

/** Per `block_id` and `action_id`; see {@link entryKey}. */
export type Entries = Readonly<Record<string, Entry>>;

export function entryKey(blockId: string, actionId: string): string {
  return JSON.stringify([blockId, actionId]);
}

/** What an untouched element holds: its `initial_…` value, or nothing. */
export function initialEntry(element: Element): Entry {
  switch (element.type) {
    case 'plain_text_input':
    case 'email_text_input':
    case 'url_text_input':
    case 'number_input':
      return { kind: 'text', text: typeof element.initial_value === 'string' ? element.initial_value : '' };
    case 'rich_text_input':
      return { kind: 'text', text: richTextWords(element.initial_value) };
    case 'datepicker':
      return { kind: 'text', text: element.initial_date ?? '' };
    case 'timepicker':
      return { kind: 'text', text: element.initial_time ?? '' };
    case 'datetimepicker':
      return {
        kind: 'text',
        text: element.initial_date_time === undefined ? '' : localDateTime(element.initial_date_time),
      };
    case 'static_select':
    case 'external_select':
    case 'radio_buttons':
      return {
        kind: 'options',
        options: element.initial_option === undefined ? [] : [element.initial_option],
      };
    case 'multi_static_select':
    case 'multi_external_select':
    case 'checkboxes':
      return { kind: 'options', options: element.initial_options ?? [] };
    case 'users_select':
      return ids(element.initial_user);
    case 'conversations_select':
      return ids(element.initial_conversation);
    case 'channels_select':
      return ids(element.initial_channel);
    case 'multi_users_select':
      return { kind: 'ids', ids: element.initial_users ?? [] };
    case 'multi_conversations_select':
      return { kind: 'ids', ids: element.initial_conversations ?? [] };
    case 'multi_channels_select':
      return { kind: 'ids', ids: element.initial_channels ?? [] };
    default:
      return { kind: 'none' };
  }
}

function ids(id: string | undefined): Entry {
  return { kind: 'ids', ids: id === undefined ? [] : [id] };
}

/** The element's value as Slack writes it in `state.values`; null for an element that keeps no state. */
export function slackValue(element: Element, entry: Entry): Json | null {
  const type = element.type;
  const text = entry.kind === 'text' && entry.text !== '' ? entry.text : null;
  const options = entry.kind === 'options' ? [...entry.options] : [];
  const chosen = entry.kind === 'ids' ? [...entry.ids] : [];
  switch (type) {
    case 'plain_text_input':
    case 'email_text_input':
    case 'url_text_input':
    case 'number_input':
      return { type, value: text };
    case 'rich_text_input':
      return text === null ? { type } : { type, rich_text_value: richTextOf(text) };
    case 'datepicker':
      return { type, selected_date: text };
    case 'timepicker':
      return {
        type,
        selected_time: text,
        ...(element.timezone === undefined ? {} : { timezone: element.timezone }),
      };
    case 'datetimepicker':
      return { type, selected_date_time: text === null ? null : Math.floor(new Date(text).getTime() / 1000) };
    case 'static_select':
    case 'external_select':
    case 'radio_buttons':
      return { type, selected_option: options[0] ?? null };
    case 'multi_static_select':
    case 'multi_external_select':
    case 'checkboxes':
      return { type, selected_options: options };
    case 'users_select':
      return { type, selected_user: chosen[0] ?? null };
    case 'conversations_select':
      return { type, selected_conversation: chosen[0] ?? null };
    case 'channels_select':
      return { type, selected_channel: chosen[0] ?? null };
    case 'multi_users_select':
      return { type, selected_users: chosen };
    case 'multi_conversations_select':
      return { type, selected_conversations: chosen };
    case 'multi_channels_select':
      return { type, selected_channels: chosen };
    default:
      return null;
  }
}

/** An input, or an element of an actions block or a section, with the block it stands in. */
export interface Placed {
  readonly blockId: string;
  readonly element: Element;
}

/** The block's own id, or one from its place when the app gave none. */
export function blockIdOf(block: Json, index: number): string {
  return typeof block['block_id'] === 'string' && block['block_id'] !== ''
    ? block['block_id']
    : `block-${index}`;
}

/** Every element of a message or view that can be used, in the order they stand. */
function placedElements(blocks: readonly Json[]): readonly Placed[] {
  return blocks.flatMap((block, index) => {
    const blockId = blockIdOf(block, index);
    return elementsOf(block).map((element) => ({ blockId, element }));
  });
}

function elementsOf(block: Json): readonly Element[] {
  switch (block['type']) {
    case 'input': {
      const parsed = inputSchema.safeParse(block);
      return parsed.success ? [parsed.data.element] : [];
    }
    case 'section': {
      const parsed = sectionSchema.safeParse(block);
      return parsed.success && parsed.data.accessory !== undefined ? [parsed.data.accessory] : [];
    }
    case 'actions': {
      const parsed = elementsSchema.safeParse(block);
      return parsed.success ? parsed.data.elements : [];
    }
    default:
      return [];
  }
}

/** `{values: {block_id: {action_id: value}}}` of everything on show, touched or not. */
export function stateOf(
  blocks: readonly Json[],
  entries: Entries,
): { readonly values: Record<string, Record<string, Json>> } {
  const values: Record<string, Record<string, Json>> = {};
  for (const { blockId, element } of placedElements(blocks)) {
    const actionId = element.action_id ?? element.type;
    const value = slackValue(element, entries[entryKey(blockId, actionId)] ?? initialEntry(element));
    if (value !== null) values[blockId] = { ...values[blockId], [actionId]: value };
  }
  return { values };
}

/** The `actions[0]` of a block_actions payload; the server adds `action_ts`. */
export function actionOf(placed: Placed, value: Json): Json {
  const { element, blockId } = placed;
  return { type: element.type, action_id: element.action_id ?? element.type, block_id: blockId, ...value };
}

/** The paragraph a textarea can write, as a rich_text block. */
function richTextOf(text: string): Json {
  return { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text }] }] };
}

/** The words of a rich text value, marks dropped; '' for anything else. */
function richTextWords(value: unknown): string {
  const parsed = elementSchema.safeParse(value);
  if (!parsed.success) return '';
  if (typeof parsed.data.text === 'string') return parsed.data.text;
  const inner = parsed.data['elements'];
  return Array.isArray(inner)
    ? inner.map(richTextWords).join(parsed.data.type === 'rich_text' ? '\n' : '')
    : '';
}

/** Unix seconds as a `datetime-local` input wants them, in the reader's zone. */
export function localDateTime(seconds: number): string {
  const at = new Date(seconds * 1000);
  const pad = (part: number) => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}
