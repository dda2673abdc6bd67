import { z } from 'zod';

/**
 * Rich text as Baton writes it. `broadcast` and `channel` are left out on purpose: they
 * call everybody. A user group is called only by the card that asks its members to decide.
 */

const style = z.strictObject({
  bold: z.boolean().optional(),
  italic: z.boolean().optional(),
  strike: z.boolean().optional(),
  code: z.boolean().optional(),
});

const text = z.strictObject({ type: z.literal('text'), text: z.string().min(1), style: style.optional() });
const link = z.strictObject({
  type: z.literal('link'),
  url: z.url({ protocol: /^https?$/ }),
  text: z.string().min(1).optional(),
  style: style.optional(),
});
const emoji = z.strictObject({ type: z.literal('emoji'), name: z.string().min(1) });
const user = z.strictObject({
  type: z.literal('user'),
  user_id: z.string().regex(/^[UW][A-Z0-9]+$/),
  style: style.optional(),
});
const group = z.strictObject({
  type: z.literal('usergroup'),
  usergroup_id: z.string().regex(/^S[A-Z0-9]+$/),
  style: style.optional(),
});
const date = z.strictObject({
  type: z.literal('date'),
  timestamp: z.int().positive(),
  format: z.string().min(1),
  fallback: z.string().min(1),
});

const inline = z.discriminatedUnion('type', [text, link, emoji, user, group, date]);
const inlines = z.array(inline).min(1);

const section = z.strictObject({ type: z.literal('rich_text_section'), elements: inlines });
const border = z.union([z.literal(0), z.literal(1)]).optional();

export const richTextElement = z.discriminatedUnion('type', [
  section,
  z.strictObject({ type: z.literal('rich_text_quote'), elements: inlines, border }),
  z.strictObject({
    type: z.literal('rich_text_preformatted'),
    elements: z.array(z.discriminatedUnion('type', [text, link])).min(1),
    border,
  }),
  z.strictObject({
    type: z.literal('rich_text_list'),
    style: z.enum(['bullet', 'ordered']),
    elements: z.array(section).min(1),
    indent: z.int().min(0).max(8).optional(),
    offset: z.int().min(0).optional(),
    border,
  }),
]);
