import type { z } from 'zod';
import type { Json } from '../domain/json.ts';
import { cutMarkup } from './text.ts';
import { messageBlock, messageBlocks, view } from './validate/blocks.ts';

/**
 * Slack's limits, checked before anything is sent: `blocks.validate` needs the real service, and a refused message
 * would be a lost one.
 */

/**
 * Cumulative text of a message's blocks, in UTF-16 units. Slack refuses (undocumented, `msg_blocks_too_long`)
 * somewhere between 10,000 and 13,000; this errs on the side of sending less.
 */
export const BLOCKS_BUDGET = 9_000;

/** `chat.update` refuses more than 4,000 units of text; a margin for what Slack escapes by itself. */
export const TEXT_BUDGET = 3_900;

/** The section that stands for blocks which could not be sent. Slack's limit is 3,000. */
const DEGRADED_TEXT = 2_900;

/** Stands for a message without any text of its own. */
const UNDRAWABLE = 'This message could not be drawn. `/orchestrate show` has its content.';

/** Where (`blocks.2.elements.0.text`) and what. */
export interface Problem {
  readonly path: string;
  readonly problem: string;
}

/** What is sent: text and blocks together, always. */
export interface Content {
  readonly text: string;
  readonly blocks: readonly Json[];
}

/** Everything wrong with a message; empty when Slack will take it. */
export function validateMessage({ text, blocks }: Content): Problem[] {
  const problems = problemsOf(messageBlocks.safeParse(blocks), 'blocks');
  if (text.trim() === '') problems.push({ path: 'text', problem: 'is empty' });
  if (text.length > TEXT_BUDGET) {
    problems.push({ path: 'text', problem: `has ${text.length} characters, more than ${TEXT_BUDGET}` });
  }
  if (tame(text) !== text) problems.push({ path: 'text', problem: 'would notify everybody' });
  const size = blocksSize(blocks);
  if (size > BLOCKS_BUDGET) {
    problems.push({ path: 'blocks', problem: `hold ${size} characters, more than ${BLOCKS_BUDGET}` });
  }
  return problems;
}

/** Everything wrong with a modal or an App Home; empty when Slack will take it. */
export function validateView(value: Json): Problem[] {
  return problemsOf(view.safeParse(value), 'view');
}

/** All text that blocks carry: every string but the types. */
export function blocksSize(value: Json | readonly Json[]): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + blocksSize(each), 0);
  if (value === null || typeof value !== 'object') return 0;
  return Object.entries(value).reduce(
    (sum, [key, each]) => (key === 'type' ? sum : sum + blocksSize(each)),
    0,
  );
}

/**
 * The same message in a form that is taken: one section of its text and those of its rows of buttons that are
 * valid, so that an approval can still be given. Without buttons, text alone.
 */
export function degrade({ text, blocks }: Content): Content {
  const words = tame(text.trim() === '' ? UNDRAWABLE : text);
  const short = cutMarkup(words, TEXT_BUDGET);
  const rows = blocks.filter(isValidRow).slice(0, 3);
  if (rows.length === 0) return { text: short, blocks: [] };
  const section = {
    type: 'section',
    text: { type: 'mrkdwn', text: cutMarkup(words, DEGRADED_TEXT), verbatim: true },
  };
  return { text: short, blocks: [section, ...rows] };
}

/** What would call a whole channel is shown as it is written. */
function tame(text: string): string {
  return text.replace(/<!(?=channel|here|everyone|subteam)/g, '&lt;!');
}

/** The message as it can be sent, and what was wrong with it when it had to be degraded. */
export function sendable(content: Content): {
  readonly content: Content;
  readonly problems: readonly Problem[];
} {
  const problems = validateMessage(content);
  return problems.length === 0 ? { content, problems } : { content: degrade(content), problems };
}

function isValidRow(block: Json): boolean {
  const parsed = messageBlock.safeParse(block);
  return parsed.success && parsed.data.type === 'actions' && blocksSize(block) < BLOCKS_BUDGET / 4;
}

function problemsOf(result: z.ZodSafeParseResult<unknown>, root: string): Problem[] {
  if (result.success) return [];
  return result.error.issues.map(({ path, message }) => ({
    path: [root, ...path.map(String)].join('.'),
    problem: message,
  }));
}
