import { blockId } from './parts.ts';
import { bool, byType, type Check, integer, list, number, object, oneOf, text } from './schema.ts';

const textStyle: Check = object(
  {},
  {
    bold: bool,
    italic: bool,
    strike: bool,
    underline: bool,
    code: bool,
    highlight: bool,
    client_highlight: bool,
    unlink: bool,
  },
);
const styled = { style: textStyle } as const;
const tag = (name: string): Check => oneOf(name);

const textNode = object({ type: tag('text'), text: text() }, styled);
const linkNode = object(
  { type: tag('link'), url: text({ max: 3_000 }) },
  { text: text({ min: 0 }), unsafe: bool, ...styled },
);

const inline: Check = byType({
  text: textNode,
  link: linkNode,
  emoji: object(
    { type: tag('emoji'), name: text() },
    { unicode: text(), url: text(), skin_tone: integer(1, 6), ...styled },
  ),
  user: object({ type: tag('user'), user_id: text() }, styled),
  usergroup: object({ type: tag('usergroup'), usergroup_id: text() }, styled),
  channel: object({ type: tag('channel'), channel_id: text() }, styled),
  team: object({ type: tag('team'), team_id: text() }, styled),
  broadcast: object({ type: tag('broadcast'), range: oneOf('here', 'channel', 'everyone') }, styled),
  color: object({ type: tag('color'), value: text({ pattern: /^#[0-9a-fA-F]{6}$/ }) }, styled),
  date: object(
    { type: tag('date'), timestamp: number, format: text() },
    { url: text(), fallback: text(), ...styled },
  ),
});

const section = object({ type: tag('rich_text_section'), elements: list(inline, { min: 0 }) });
const border = { border: oneOf(0, 1) } as const;

const parts: Check = byType({
  rich_text_section: section,
  rich_text_quote: object({ type: tag('rich_text_quote'), elements: list(inline, { min: 0 }) }, border),
  rich_text_preformatted: object(
    {
      type: tag('rich_text_preformatted'),
      elements: list(byType({ text: textNode, link: linkNode }), { min: 0 }),
    },
    { language: text(), ...border },
  ),
  rich_text_list: object(
    {
      type: tag('rich_text_list'),
      style: oneOf('bullet', 'ordered'),
      elements: list(byType({ rich_text_section: section })),
    },
    { indent: integer(0, 8), offset: integer(0, 1_000_000), ...border },
  ),
});

/** A rich_text block, also where it is nested in a table cell, a task or an input. */
export const richText: Check = object(
  { type: tag('rich_text'), elements: list(parts) },
  { block_id: blockId },
);
