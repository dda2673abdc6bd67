import {
  accessory,
  actionsElement,
  cardAction,
  contextActionsElement,
  contextElement,
  inputElement,
} from './elements.ts';
import { anyText, blockId, imageElement, imageFields, mrkdwn, plainText, url } from './parts.ts';
import { richText } from './rich-text.ts';
import {
  all,
  anything,
  bool,
  byType,
  type Check,
  type Fields,
  integer,
  list,
  number,
  object,
  oneOf,
  rule,
  text,
} from './schema.ts';

const tag = (name: string): Check => oneOf(name);
const id: Fields = { block_id: blockId };

const section: Check = object(
  { type: tag('section') },
  {
    ...id,
    text: anyText(3_000),
    fields: list(anyText(2_000), { max: 10 }),
    accessory,
    expand: bool,
  },
  rule(
    (block) => block['text'] !== undefined || block['fields'] !== undefined,
    'must define either `text` or `fields`',
  ),
);

const image: Check = object(
  imageFields.required,
  { ...imageFields.optional, ...id, title: plainText(2_000) },
  imageFields.source,
);

const input: Check = object(
  { type: tag('input'), label: plainText(2_000), element: inputElement },
  { ...id, hint: plainText(2_000), optional: bool, dispatch_action: bool },
);

const rawText: Check = object({ type: tag('raw_text'), text: text() });
const rawNumber: Check = object({ type: tag('raw_number'), value: number, text: text() });
const cell: Check = byType({ rich_text: richText, raw_text: rawText, raw_number: rawNumber });
const sameWidth: Check = rule((block) => {
  const rows = Array.isArray(block['rows']) ? block['rows'] : [];
  const widths = new Set(rows.map((row: unknown) => (Array.isArray(row) ? row.length : -1)));
  return widths.size <= 1;
}, 'all rows must have the same number of cells');

const table: Check = object(
  { type: tag('table'), rows: list(list(cell, { max: 20 }), { max: 100 }) },
  {
    ...id,
    column_settings: list(object({}, { align: oneOf('left', 'center', 'right'), is_wrapped: bool }), {
      max: 20,
    }),
  },
  sameWidth,
);

const dataTable: Check = object(
  {
    type: tag('data_table'),
    rows: list(list(cell, { max: 20 }), { max: 100 }),
    caption: text({ max: 3_000 }),
  },
  { ...id, page_size: integer(1, 100), row_header_column_index: integer(0, 19) },
  sameWidth,
);

const source: Check = object({ type: tag('url'), url, text: text() });

const taskCard: Check = object(
  {
    type: tag('task_card'),
    task_id: text({ max: 255 }),
    title: text({ max: 3_000 }),
    status: oneOf('pending', 'in_progress', 'complete', 'error'),
  },
  { ...id, details: richText, output: richText, sources: list(source, { min: 0 }) },
);

const plan: Check = object(
  { type: tag('plan'), title: text({ max: 3_000 }) },
  { ...id, tasks: list(byType({ task_card: taskCard }), { min: 0 }) },
  rule((block) => {
    const tasks = Array.isArray(block['tasks']) ? block['tasks'] : [];
    const ids = tasks.map((task: unknown) => Object(task)['task_id']);
    return new Set(ids).size === ids.length;
  }, 'task_id must be unique within a plan'),
);

const card: Check = object(
  { type: tag('card') },
  {
    ...id,
    hero_image: imageElement,
    icon: imageElement,
    title: mrkdwn(150),
    subtitle: mrkdwn(150),
    body: mrkdwn(200),
    actions: list(cardAction),
  },
  rule(
    (block) => ['hero_image', 'title', 'actions', 'body'].some((key) => block[key] !== undefined),
    'must define at least one of hero_image, title, actions, body',
  ),
);

const video: Check = object(
  {
    type: tag('video'),
    video_url: text({ max: 3_000, pattern: /^https:\/\// }),
    thumbnail_url: url,
    alt_text: text({ max: 2_000 }),
    title: plainText(199),
  },
  {
    ...id,
    title_url: text({ max: 3_000, pattern: /^https:\/\// }),
    author_name: text({ max: 49 }),
    provider_name: text(),
    provider_icon_url: url,
    description: plainText(200),
  },
);

const header: Check = object({ type: tag('header'), text: plainText(150) }, id);
const divider: Check = object({ type: tag('divider') }, id);
const context: Check = object({ type: tag('context'), elements: list(contextElement, { max: 10 }) }, id);
const actions: Check = object({ type: tag('actions'), elements: list(actionsElement, { max: 25 }) }, id);

/** Slack refuses this block in posts: it appears only when remote files are read back. */
const file: Check = (_value, pointer, faults) => faults.add('unsupported type: file', `${pointer}/type`);

const CHILDREN = {
  actions,
  context,
  divider,
  header,
  image,
  input,
  rich_text: richText,
  section,
  table,
  video,
} as const;

const container: Check = object(
  { type: tag('container'), child_blocks: list(byType(CHILDREN), { max: 10 }) },
  {
    ...id,
    title: plainText(150),
    rich_text_title: richText,
    subtitle: anyText(150),
    width: oneOf('narrow', 'standard', 'wide', 'full'),
    icon: imageElement,
    is_collapsible: bool,
    default_collapsed: bool,
    has_header_divider: bool,
  },
  all(
    rule(
      (block) => block['title'] !== undefined || block['rich_text_title'] !== undefined,
      'must define either title or rich_text_title',
    ),
    rule(
      (block) => block['default_collapsed'] !== true || block['is_collapsible'] === true,
      'default_collapsed requires is_collapsible',
    ),
  ),
);

const COMMON = {
  ...CHILDREN,
  alert: object(
    { type: tag('alert'), text: anyText(3_000) },
    { ...id, level: oneOf('default', 'info', 'warning', 'error', 'success') },
  ),
  card,
  carousel: object({ type: tag('carousel'), elements: list(byType({ card }), { max: 10 }) }, id),
  container,
  file,
} as const;

const markdown: Check = object({ type: tag('markdown'), text: text({ max: 12_000 }) }, id);

/** Blocks of a message. */
export const messageBlock: Check = byType({
  ...COMMON,
  markdown,
  context_actions: object(
    { type: tag('context_actions'), elements: list(contextActionsElement, { max: 5 }) },
    id,
  ),
  data_table: dataTable,
  plan,
  task_card: taskCard,
});

/** Blocks of a modal or the App Home. */
export const viewBlock: Check = byType(COMMON);

/** A view without its blocks; those are checked by place. */
export const modalShell: Check = object(
  { type: tag('modal'), title: plainText(24), blocks: anything },
  {
    submit: plainText(24),
    close: plainText(24),
    private_metadata: text({ min: 0, max: 3_000 }),
    callback_id: text({ min: 0, max: 255 }),
    external_id: text({ min: 0, max: 255 }),
    clear_on_close: bool,
    notify_on_close: bool,
  },
);

export const homeShell: Check = object(
  { type: tag('home'), blocks: anything },
  {
    private_metadata: text({ min: 0, max: 3_000 }),
    callback_id: text({ min: 0, max: 255 }),
    external_id: text({ min: 0, max: 255 }),
  },
);
