import { type Element, inputSchema } from './schema.ts';
import { blockIdOf, type Entries, type Entry, entryKey, initialEntry } from './values.ts';

/** What Slack itself refuses before the app ever sees a submission, per `block_id`. */
export function checkInputs(
  blocks: readonly Record<string, unknown>[],
  entries: Entries,
): Readonly<Record<string, string>> {
  const errors: Record<string, string> = {};
  blocks.forEach((block, index) => {
    if (block['type'] !== 'input') return;
    const parsed = inputSchema.safeParse(block);
    if (!parsed.success) return;
    const { element, optional } = parsed.data;
    const blockId = blockIdOf(block, index);
    const entry = entries[entryKey(blockId, element.action_id ?? element.type)] ?? initialEntry(element);
    const error = isEmpty(entry)
      ? optional === true
        ? null
        : 'This field is needed.'
      : checkEntry(element, entry);
    if (error !== null) errors[blockId] = error;
  });
  return errors;
}

function isEmpty(entry: Entry): boolean {
  switch (entry.kind) {
    case 'text':
      return entry.text.trim() === '';
    case 'options':
      return entry.options.length === 0;
    case 'ids':
      return entry.ids.length === 0;
    case 'none':
      return false;
    default: {
      const unknown: never = entry;
      return unknown;
    }
  }
}

function checkEntry(element: Element, entry: Entry): string | null {
  if (entry.kind !== 'text') return tooMany(element, entry);
  const text = entry.text;
  if (element.min_length !== undefined && text.length < element.min_length)
    return `Write at least ${element.min_length} characters.`;
  if (element.max_length !== undefined && text.length > element.max_length)
    return `Write at most ${element.max_length} characters.`;
  if (element.type === 'email_text_input' && !/^\S+@\S+\.\S+$/.test(text)) return 'Write an email address.';
  if (element.type === 'url_text_input' && !URL.canParse(text))
    return 'Write a whole address, with https:// in front.';
  return element.type === 'number_input' ? checkNumber(element, text) : null;
}

function checkNumber(element: Element, text: string): string | null {
  const number = Number(text);
  if (!Number.isFinite(number)) return 'Write a number.';
  if (element.is_decimal_allowed !== true && !Number.isInteger(number)) return 'Write a whole number.';
  if (element.min_value !== undefined && number < Number(element.min_value))
    return `At least ${element.min_value}.`;
  if (element.max_value !== undefined && number > Number(element.max_value))
    return `At most ${element.max_value}.`;
  return null;
}

function tooMany(element: Element, entry: Exclude<Entry, { kind: 'text' }>): string | null {
  const max = element.max_selected_items;
  const count = entry.kind === 'options' ? entry.options.length : entry.kind === 'ids' ? entry.ids.length : 0;
  return max !== undefined && count > max ? `Choose at most ${max}.` : null;
}
