import {
  actionId,
  anyText,
  confirm,
  conversationFilter,
  dispatchConfig,
  imageElement,
  link,
  optionGroup,
  overflowOption,
  plainOption,
  plainText,
  richOption,
  style,
  url,
} from './parts.ts';
import { richText } from './rich-text.ts';
import {
  all,
  bool,
  byType,
  type Check,
  type Fields,
  integer,
  list,
  object,
  oneOf,
  rule,
  text,
} from './schema.ts';

const tag = (name: string): Check => oneOf(name);
const act: Fields = { action_id: actionId };
const focus: Fields = { focus_on_load: bool };
const placeholder: Fields = { placeholder: plainText(150) };
const confirmable: Fields = { confirm };
const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Fields of every menu. */
const menu: Fields = { ...act, ...confirmable, ...focus, ...placeholder };
const multi: Fields = { max_selected_items: integer(1, 100) };

const oneSource = rule(
  (value) => (value['options'] === undefined) !== (value['option_groups'] === undefined),
  'must define either `options` or `option_groups`',
);
const options = { options: list(plainOption, { max: 100 }), option_groups: list(optionGroup, { max: 100 }) };

function valuesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map((option) => JSON.stringify(option)) : [];
}

/** What is chosen at first must be exactly one of the options. */
const initialIsOption: Check = rule((value) => {
  const known = new Set(valuesOf(value['options']));
  const first = value['initial_option'] === undefined ? [] : [value['initial_option']];
  const chosen = [...valuesOf(first), ...valuesOf(value['initial_options'])];
  return value['options'] === undefined || chosen.every((option) => known.has(option));
}, 'initial option must be one of the options');

const uniqueValues: Check = rule((value) => {
  const seen = Array.isArray(value['options'])
    ? value['options'].map((option: unknown) => JSON.stringify(Object(option)['value']))
    : [];
  return new Set(seen).size === seen.length;
}, 'option values must be unique');

const feedbackButton: Check = object(
  { text: plainText(75), value: text({ max: 2_000 }) },
  { accessibility_label: text({ max: 75 }) },
);

function textInput(type: string, extra: Fields = {}): Check {
  return object(
    { type: tag(type) },
    {
      ...act,
      ...focus,
      ...placeholder,
      dispatch_action_config: dispatchConfig,
      initial_value: text({ min: 0, max: 3_000 }),
      ...extra,
    },
  );
}

const lengths: Check = rule((value) => {
  const { min_length: min, max_length: max } = value;
  return typeof min !== 'number' || typeof max !== 'number' || min <= max;
}, 'min_length must not exceed max_length');

const button: Check = object(
  { type: tag('button'), text: plainText(75) },
  {
    ...act,
    ...confirmable,
    style,
    url: link,
    value: text({ max: 2_000 }),
    accessibility_label: text({ max: 75 }),
  },
);

const workflowButton: Check = object(
  {
    type: tag('workflow_button'),
    text: plainText(75),
    workflow: object({
      trigger: object(
        { url },
        { customizable_input_parameters: list(object({ name: text(), value: text({ min: 0 }) })) },
      ),
    }),
  },
  { ...act, ...confirmable, style, accessibility_label: text({ max: 75 }) },
);

const conversationFields: Fields = { default_to_current_conversation: bool, filter: conversationFilter };
const responseUrl: Fields = { response_url_enabled: bool };

const ids = (item: Check = text()): Check => list(item, { max: 100 });

/** Every interactive element, by its type. */
const ELEMENTS = {
  button,
  workflow_button: workflowButton,
  image: imageElement,
  checkboxes: object(
    { type: tag('checkboxes'), options: list(richOption, { max: 10 }) },
    { ...act, ...confirmable, ...focus, initial_options: list(richOption, { max: 10 }) },
    all(initialIsOption, uniqueValues),
  ),
  radio_buttons: object(
    { type: tag('radio_buttons'), options: list(richOption, { max: 10 }) },
    { ...act, ...confirmable, ...focus, initial_option: richOption },
    all(initialIsOption, uniqueValues),
  ),
  overflow: object(
    { type: tag('overflow'), options: list(overflowOption, { max: 5 }) },
    { ...act, ...confirmable },
    uniqueValues,
  ),
  datepicker: object({ type: tag('datepicker') }, { ...menu, initial_date: text({ pattern: DATE }) }),
  timepicker: object(
    { type: tag('timepicker') },
    { ...menu, initial_time: text({ pattern: TIME }), timezone: text() },
  ),
  datetimepicker: object(
    { type: tag('datetimepicker') },
    { ...act, ...confirmable, ...focus, initial_date_time: integer(1_000_000_000, 9_999_999_999) },
  ),
  static_select: object(
    { type: tag('static_select') },
    { ...menu, ...options, initial_option: plainOption },
    all(oneSource, initialIsOption),
  ),
  multi_static_select: object(
    { type: tag('multi_static_select') },
    { ...menu, ...multi, ...options, initial_options: list(plainOption, { max: 100 }) },
    all(oneSource, initialIsOption),
  ),
  external_select: object(
    { type: tag('external_select') },
    { ...menu, initial_option: plainOption, min_query_length: integer(0, 100) },
  ),
  multi_external_select: object(
    { type: tag('multi_external_select') },
    {
      ...menu,
      ...multi,
      initial_options: list(plainOption, { max: 100 }),
      min_query_length: integer(0, 100),
    },
  ),
  users_select: object({ type: tag('users_select') }, { ...menu, initial_user: text() }),
  multi_users_select: object(
    { type: tag('multi_users_select') },
    { ...menu, ...multi, initial_users: ids() },
  ),
  channels_select: object(
    { type: tag('channels_select') },
    { ...menu, ...responseUrl, initial_channel: text() },
  ),
  multi_channels_select: object(
    { type: tag('multi_channels_select') },
    { ...menu, ...multi, initial_channels: ids() },
  ),
  conversations_select: object(
    { type: tag('conversations_select') },
    { ...menu, ...responseUrl, ...conversationFields, initial_conversation: text() },
  ),
  multi_conversations_select: object(
    { type: tag('multi_conversations_select') },
    { ...menu, ...multi, ...conversationFields, initial_conversations: ids() },
  ),
  plain_text_input: all(
    textInput('plain_text_input', {
      multiline: bool,
      min_length: integer(0, 3_000),
      max_length: integer(1, 3_000),
    }),
    lengths,
  ),
  email_text_input: textInput('email_text_input'),
  url_text_input: textInput('url_text_input'),
  number_input: object(
    { type: tag('number_input'), is_decimal_allowed: bool },
    {
      ...act,
      ...focus,
      ...placeholder,
      dispatch_action_config: dispatchConfig,
      initial_value: text({ pattern: DECIMAL }),
      min_value: text({ pattern: DECIMAL }),
      max_value: text({ pattern: DECIMAL }),
    },
  ),
  rich_text_input: object(
    { type: tag('rich_text_input') },
    {
      ...act,
      ...focus,
      ...placeholder,
      dispatch_action_config: dispatchConfig,
      initial_value: richText,
      min_lines: integer(1, 100),
      max_lines: integer(1, 100),
    },
  ),
  file_input: object(
    { type: tag('file_input') },
    { ...act, filetypes: list(text()), max_files: integer(1, 10) },
  ),
  feedback_buttons: object(
    { type: tag('feedback_buttons'), positive_button: feedbackButton, negative_button: feedbackButton },
    act,
  ),
  icon_button: object(
    { type: tag('icon_button'), icon: text(), text: plainText(75) },
    {
      ...act,
      ...confirmable,
      value: text({ max: 2_000 }),
      accessibility_label: text({ max: 75 }),
      visible_to_user_ids: list(text()),
    },
  ),
  plain_text: anyText(3_000),
  mrkdwn: anyText(3_000),
} as const;

type ElementType = keyof typeof ELEMENTS;

function some(...types: readonly ElementType[]): Check {
  const table: Record<string, Check> = {};
  for (const type of types) table[type] = ELEMENTS[type];
  return byType(table);
}

const MENUS: readonly ElementType[] = [
  'static_select',
  'external_select',
  'users_select',
  'conversations_select',
  'channels_select',
  'multi_static_select',
  'multi_external_select',
  'multi_users_select',
  'multi_conversations_select',
  'multi_channels_select',
];
const PICKERS: readonly ElementType[] = ['checkboxes', 'radio_buttons', 'datepicker', 'timepicker'];

export const actionsElement: Check = some(
  'button',
  'workflow_button',
  'overflow',
  'datetimepicker',
  'rich_text_input',
  ...PICKERS,
  ...MENUS,
);
export const accessory: Check = some('button', 'workflow_button', 'overflow', 'image', ...PICKERS, ...MENUS);
export const contextElement: Check = some('image', 'plain_text', 'mrkdwn');
export const contextActionsElement: Check = some('feedback_buttons', 'icon_button');
export const cardAction: Check = some('button');
export const inputElement: Check = some(
  'plain_text_input',
  'email_text_input',
  'url_text_input',
  'number_input',
  'rich_text_input',
  'file_input',
  'datetimepicker',
  ...PICKERS,
  ...MENUS,
);
