import { z } from 'zod';

/** Composition objects, with Slack's published limits (UTF-16 units). Strict: a key Slack does not know is refused. */

/** `action_id`, `block_id` and `callback_id`. */
export const identifier = z.string().min(1).max(255);

/** Markup that would call everybody; nothing of ours ever does. */
const noBroadcast = (text: string) => !/<!(channel|here|everyone|subteam)/.test(text);

export function plainText(max: number) {
  return z.strictObject({
    type: z.literal('plain_text'),
    text: z.string().min(1).max(max),
    emoji: z.boolean().optional(),
  });
}

function mrkdwn(max: number) {
  return z.strictObject({
    type: z.literal('mrkdwn'),
    text: z.string().min(1).max(max).refine(noBroadcast, 'would notify everybody'),
    verbatim: z.boolean().optional(),
  });
}

export function anyText(max: number) {
  return z.discriminatedUnion('type', [plainText(max), mrkdwn(max)]);
}

export const confirmDialog = z.strictObject({
  title: plainText(100),
  text: anyText(300),
  confirm: plainText(30),
  deny: plainText(30),
  style: z.enum(['primary', 'danger']).optional(),
});

export const option = z.strictObject({
  text: anyText(75),
  value: z.string().min(1).max(150),
  description: anyText(75).optional(),
});

/** Select menus and overflow take plain text only. */
export const plainOption = z.strictObject({
  text: plainText(75),
  value: z.string().min(1).max(150),
  description: plainText(75).optional(),
});

/** Whether the values of all options differ: Slack tells them apart by nothing else. */
export function distinct(options: readonly { readonly value: string }[]): boolean {
  return new Set(options.map(({ value }) => value)).size === options.length;
}
