import { z } from 'zod';
import { context, type Part } from './blocks.ts';
import { cutMarkup, escapeMarkup } from './text.ts';
import { TEXT_BUDGET } from './validate.ts';
import { REHEARSAL } from './words.ts';

/** A message before it gets a key and a target. `text` tells everything by itself. */
export interface Message {
  readonly text: string;
  readonly blocks: readonly Part[];
}

/** Completes a message: says that it is a rehearsal when it is, and writes the text that stands for the blocks. */
export function message(blocks: readonly (Part | null)[], rehearsal: boolean): Message {
  const all = blocks.filter((block) => block !== null);
  const full = rehearsal ? [...withoutButtons(all), context(REHEARSAL), ...buttons(all)] : all;
  return { text: textOf(full), blocks: full };
}

function buttons(blocks: readonly Part[]): Part[] {
  return blocks.filter((block) => block['type'] === 'actions');
}

function withoutButtons(blocks: readonly Part[]): Part[] {
  return blocks.filter((block) => block['type'] !== 'actions');
}

const markupText = z.object({ type: z.enum(['mrkdwn', 'plain_text']), text: z.string() });
const richElement = z.object({
  type: z.string(),
  text: z.string().optional(),
  user_id: z.string().optional(),
  usergroup_id: z.string().optional(),
  timestamp: z.number().optional(),
  format: z.string().optional(),
  fallback: z.string().optional(),
});
/** Blocks that say something; the others are buttons and rules. */
const speaking = z.discriminatedUnion('type', [
  z.object({ type: z.literal('section'), text: z.unknown() }),
  z.object({ type: z.literal('header'), text: z.unknown() }),
  z.object({ type: z.literal('context'), elements: z.array(z.unknown()) }),
  z.object({
    type: z.literal('rich_text'),
    elements: z.array(z.object({ type: z.string(), elements: z.array(richElement) })),
  }),
]);

/** The blocks as one text of markup: what notifications show and screen readers read. */
function textOf(blocks: readonly Part[]): string {
  return cutMarkup(blocks.map(blockText).filter(Boolean).join('\n'), TEXT_BUDGET);
}

function blockText(block: Part): string {
  const parsed = speaking.safeParse(block);
  if (!parsed.success) return '';
  switch (parsed.data.type) {
    case 'section':
    case 'header':
      return markup(parsed.data.text);
    case 'context':
      return parsed.data.elements.map(markup).filter(Boolean).join(' · ');
    case 'rich_text':
      return parsed.data.elements.map((row) => row.elements.map(rich).join('')).join('\n');
    default:
      return parsed.data satisfies never;
  }
}

function markup(value: unknown): string {
  const parsed = markupText.safeParse(value);
  if (!parsed.success) return '';
  return parsed.data.type === 'mrkdwn' ? parsed.data.text : escapeMarkup(parsed.data.text);
}

function rich(element: z.infer<typeof richElement>): string {
  switch (element.type) {
    case 'user':
      return `<@${element.user_id}>`;
    case 'usergroup':
      // The block calls them; a call in the text as well would be refused, as text from outside may hold one.
      return `group ${element.usergroup_id}`;
    case 'date':
      return `<!date^${element.timestamp}^${element.format}|${element.fallback}>`;
    default:
      return escapeMarkup(element.text ?? '');
  }
}
