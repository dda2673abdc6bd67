import { z } from 'zod';

/** One wide, lenient shape for what Block Kit puts inside blocks; what does not fit is shown as unknown. */
export const textSchema = z.object({ type: z.enum(['plain_text', 'mrkdwn']), text: z.string() });
export type Text = z.infer<typeof textSchema>;

const optionSchema = z.looseObject({
  text: textSchema,
  value: z.string().optional(),
  description: textSchema.optional(),
  url: z.string().optional(),
});
export type Option = z.infer<typeof optionSchema>;

const confirmSchema = z.object({
  title: textSchema.optional(),
  text: textSchema.optional(),
  confirm: textSchema.optional(),
  deny: textSchema.optional(),
  style: z.string().optional(),
});
export type Confirm = z.infer<typeof confirmSchema>;

export const elementSchema = z.looseObject({
  type: z.string(),
  action_id: z.string().optional(),
  text: z.union([textSchema, z.string()]).optional(),
  value: z.string().optional(),
  style: z.string().optional(),
  url: z.string().optional(),
  accessibility_label: z.string().optional(),
  confirm: confirmSchema.optional(),
  placeholder: textSchema.optional(),
  options: z.array(optionSchema).optional(),
  option_groups: z.array(z.object({ label: textSchema, options: z.array(optionSchema) })).optional(),
  initial_option: optionSchema.optional(),
  initial_options: z.array(optionSchema).optional(),
  initial_value: z.unknown().optional(),
  initial_user: z.string().optional(),
  initial_users: z.array(z.string()).optional(),
  initial_conversation: z.string().optional(),
  initial_conversations: z.array(z.string()).optional(),
  initial_channel: z.string().optional(),
  initial_channels: z.array(z.string()).optional(),
  initial_date: z.string().optional(),
  initial_time: z.string().optional(),
  initial_date_time: z.number().optional(),
  timezone: z.string().optional(),
  multiline: z.boolean().optional(),
  min_length: z.number().optional(),
  max_length: z.number().optional(),
  min_value: z.string().optional(),
  max_value: z.string().optional(),
  is_decimal_allowed: z.boolean().optional(),
  max_selected_items: z.number().optional(),
  focus_on_load: z.boolean().optional(),
  dispatch_action_config: z.object({ trigger_actions_on: z.array(z.string()).optional() }).optional(),
  image_url: z.string().optional(),
  alt_text: z.string().optional(),
  positive_button: z.looseObject({ text: textSchema, value: z.string().optional() }).optional(),
  negative_button: z.looseObject({ text: textSchema, value: z.string().optional() }).optional(),
});
export type Element = z.infer<typeof elementSchema>;

const baseSchema = z.looseObject({ type: z.string(), block_id: z.string().optional() });

export const sectionSchema = baseSchema.extend({
  text: textSchema.optional(),
  fields: z.array(textSchema).optional(),
  accessory: elementSchema.optional(),
});
export const headerSchema = baseSchema.extend({ text: textSchema });
export const elementsSchema = baseSchema.extend({ elements: z.array(elementSchema) });
export const inputSchema = baseSchema.extend({
  label: textSchema,
  element: elementSchema,
  hint: textSchema.optional(),
  optional: z.boolean().optional(),
  dispatch_action: z.boolean().optional(),
});
export type InputBlock = z.infer<typeof inputSchema>;
export const alertSchema = baseSchema.extend({
  text: z.union([textSchema, z.string()]),
  level: z.string().optional(),
});
export const imageSchema = baseSchema.extend({
  image_url: z.string().optional(),
  alt_text: z.string().optional(),
  title: textSchema.optional(),
});
export const cardSchema = baseSchema.extend({
  title: textSchema.optional(),
  subtitle: textSchema.optional(),
  body: textSchema.optional(),
  actions: z.array(elementSchema).optional(),
});
export const carouselSchema = baseSchema.extend({ elements: z.array(z.record(z.string(), z.unknown())) });
export const containerSchema = baseSchema.extend({
  title: textSchema.optional(),
  subtitle: textSchema.optional(),
  child_blocks: z.array(z.record(z.string(), z.unknown())),
});
export const videoSchema = baseSchema.extend({
  title: textSchema,
  description: textSchema.optional(),
  title_url: z.string().optional(),
  alt_text: z.string().optional(),
});

export const contextSchema = baseSchema.extend({
  elements: z.array(z.union([textSchema, z.looseObject({ type: z.literal('image') })])),
});

/** @returns the words of a text object or a bare string, without its marks being read. */
export function plain(text: Text | string | undefined): string {
  return typeof text === 'string' ? text : (text?.text ?? '');
}
