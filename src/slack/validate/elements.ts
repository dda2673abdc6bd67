import { z } from 'zod';
import { anyText, confirmDialog, distinct, identifier, option, plainOption, plainText } from './objects.ts';

/** The interactive elements Baton may write, and where each may stand. */

const DISTINCT = 'two options have the same value';

const button = z.strictObject({
  type: z.literal('button'),
  text: plainText(75),
  action_id: identifier,
  value: z.string().max(2_000).optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(3_000)
    .optional(),
  style: z.enum(['primary', 'danger']).optional(),
  confirm: confirmDialog.optional(),
  accessibility_label: z.string().max(75).optional(),
});

const staticSelect = z
  .strictObject({
    type: z.literal('static_select'),
    action_id: identifier,
    placeholder: plainText(150).optional(),
    options: z.array(plainOption).min(1).max(100).refine(distinct, DISTINCT),
    initial_option: plainOption.optional(),
    confirm: confirmDialog.optional(),
    focus_on_load: z.boolean().optional(),
  })
  .refine(
    ({ initial_option: initial, options }) =>
      initial === undefined || options.some((each) => JSON.stringify(each) === JSON.stringify(initial)),
    { path: ['initial_option'], message: 'is none of the options' },
  );

const usersSelect = z.strictObject({
  type: z.literal('users_select'),
  action_id: identifier,
  placeholder: plainText(150).optional(),
  initial_user: z.string().optional(),
  confirm: confirmDialog.optional(),
  focus_on_load: z.boolean().optional(),
});

const overflow = z.strictObject({
  type: z.literal('overflow'),
  action_id: identifier,
  options: z.array(plainOption).min(1).max(5).refine(distinct, DISTINCT),
  confirm: confirmDialog.optional(),
});

const checkboxes = z.strictObject({
  type: z.literal('checkboxes'),
  action_id: identifier,
  options: z.array(option).min(1).max(10).refine(distinct, DISTINCT),
  initial_options: z.array(option).min(1).max(10).optional(),
  confirm: confirmDialog.optional(),
  focus_on_load: z.boolean().optional(),
});

const radioButtons = z.strictObject({
  type: z.literal('radio_buttons'),
  action_id: identifier,
  options: z.array(option).min(1).max(10).refine(distinct, DISTINCT),
  initial_option: option.optional(),
  confirm: confirmDialog.optional(),
  focus_on_load: z.boolean().optional(),
});

const plainTextInput = z
  .strictObject({
    type: z.literal('plain_text_input'),
    action_id: identifier,
    placeholder: plainText(150).optional(),
    initial_value: z.string().max(3_000).optional(),
    multiline: z.boolean().optional(),
    min_length: z.int().min(0).max(3_000).optional(),
    max_length: z.int().min(1).max(3_000).optional(),
    focus_on_load: z.boolean().optional(),
  })
  .refine(({ initial_value: initial, max_length: max }) => (initial?.length ?? 0) <= (max ?? 3_000), {
    path: ['initial_value'],
    message: 'is longer than max_length',
  });

/** What may stand in an `actions` block, and beside a section. */
export const actionElement = z.discriminatedUnion('type', [
  button,
  staticSelect,
  usersSelect,
  overflow,
  checkboxes,
  radioButtons,
]);

/** What may stand in an `input` block. */
export const inputElement = z.discriminatedUnion('type', [
  plainTextInput,
  staticSelect,
  usersSelect,
  checkboxes,
  radioButtons,
]);

/** What may stand in a `context` block. Its limit per text is not published; the one of fields is taken. */
export const contextElement = anyText(2_000);
