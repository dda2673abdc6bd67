import { z } from 'zod';
import { isJson, type Json, jsonListSchema, jsonSchema } from '../json.ts';

/** The field that carries an input's value in `state.values`, what it starts from, and what empty is. */
type Slot = Readonly<{ field: string; initial: string; empty: null | readonly [] }>;

const one = (field: string, initial: string): Slot => ({ field, initial, empty: null });
const many = (field: string, initial: string): Slot => ({ field, initial, empty: [] });

const SLOTS: Readonly<Record<string, Slot>> = Object.freeze({
  plain_text_input: one('value', 'initial_value'),
  email_text_input: one('value', 'initial_value'),
  url_text_input: one('value', 'initial_value'),
  number_input: one('value', 'initial_value'),
  rich_text_input: one('rich_text_value', 'initial_value'),
  static_select: one('selected_option', 'initial_option'),
  external_select: one('selected_option', 'initial_option'),
  radio_buttons: one('selected_option', 'initial_option'),
  checkboxes: many('selected_options', 'initial_options'),
  multi_static_select: many('selected_options', 'initial_options'),
  multi_external_select: many('selected_options', 'initial_options'),
  datepicker: one('selected_date', 'initial_date'),
  timepicker: one('selected_time', 'initial_time'),
  datetimepicker: one('selected_date_time', 'initial_date_time'),
  users_select: one('selected_user', 'initial_user'),
  multi_users_select: many('selected_users', 'initial_users'),
  channels_select: one('selected_channel', 'initial_channel'),
  multi_channels_select: many('selected_channels', 'initial_channels'),
  conversations_select: one('selected_conversation', 'initial_conversation'),
  multi_conversations_select: many('selected_conversations', 'initial_conversations'),
  file_input: many('files', 'initial_files'),
});

const stateSchema = z.object({ values: jsonSchema });

function elementsOf(block: Json): Json[] {
  const list = block['type'] === 'actions' && Array.isArray(block['elements']) ? block['elements'] : [];
  return [...list, block['accessory'], block['element']].filter(isJson);
}

function flat(blocks: readonly Json[]): Json[] {
  return blocks.flatMap((block) => [block, ...(jsonListSchema.safeParse(block['child_blocks']).data ?? [])]);
}

/**
 * `state.values` as Slack sends it: an entry for every input of `blocks`. What the page says counts; inputs it
 * left out hold their initial value or are empty; entries for inputs that are not there are dropped.
 */
export function stateValues(blocks: readonly Json[], state: Json | undefined): Json {
  const said = stateSchema.safeParse(state).data?.values ?? {};
  const values: Record<string, Json> = {};
  for (const block of flat(blocks)) {
    const blockId = String(block['block_id']);
    const saidOfBlock = jsonSchema.safeParse(said[blockId]).data ?? {};
    for (const element of elementsOf(block)) {
      const type = typeof element['type'] === 'string' ? element['type'] : '';
      const slot = Object.hasOwn(SLOTS, type) ? SLOTS[type] : undefined;
      if (slot === undefined) continue;
      const actionId = String(element['action_id']);
      const entry = jsonSchema.safeParse(saidOfBlock[actionId]).data;
      const value =
        entry?.[slot.field] ?? (entry === undefined ? element[slot.initial] : undefined) ?? slot.empty;
      values[blockId] = { ...values[blockId], [actionId]: { ...entry, type, [slot.field]: value } };
    }
  }
  return values;
}

/** True when the person gave a value for this input. */
export function isFilled(entry: unknown): boolean {
  const fields = jsonSchema.safeParse(entry).data ?? {};
  const slot = SLOTS[String(fields['type'])];
  const value = slot === undefined ? undefined : fields[slot.field];
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== '';
}
