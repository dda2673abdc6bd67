import { describe, expect, it } from 'vitest';
import { blockTextSize, validateBlocks, validateView } from '../../desk/server/blocks/validate.ts';

const plain = (text: string) => ({ type: 'plain_text', text });
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text });
const section = (text = 'hello') => ({ type: 'section', text: mrkdwn(text) });
const button = (extra: object = {}) => ({ type: 'button', text: plain('Go'), action_id: 'go', ...extra });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const option = (value: string) => ({ text: plain(value), value });
const options = (count: number) => Array.from({ length: count }, (_, index) => option(`v${index}`));
const rich = (...elements: object[]) => ({ type: 'rich_text', elements });
const richSection = (...elements: object[]) => ({ type: 'rich_text_section', elements });
const word = { type: 'text', text: 'word', style: { bold: true } };
const input = (element: object) => ({ type: 'input', label: plain('Label'), element });
const raw = { type: 'raw_text', text: 'cell' };
const task = (id: string, extra: object = {}) => ({
  type: 'task_card',
  task_id: id,
  title: 'Read',
  status: 'pending',
  ...extra,
});
const image = { type: 'image', image_url: 'https://example.com/a.png', alt_text: 'a picture' };
const confirm = {
  title: plain('Sure?'),
  text: mrkdwn('*Really*'),
  confirm: plain('Yes'),
  deny: plain('No'),
};
const select = (extra: object = {}) => ({
  type: 'static_select',
  action_id: 'pick',
  placeholder: plain('Pick'),
  options: options(2),
  ...extra,
});
const feedback = {
  type: 'feedback_buttons',
  action_id: 'fb',
  positive_button: { text: plain('Good'), value: 'good' },
  negative_button: { text: plain('Bad'), value: 'bad' },
};

const GOOD: [string, object][] = [
  ['section', section()],
  ['section with fields and accessory', { type: 'section', fields: [mrkdwn('a')], accessory: button() }],
  ['section at its limit', section('x'.repeat(3_000))],
  ['header', { type: 'header', text: plain('x'.repeat(150)) }],
  ['divider', { type: 'divider', block_id: 'b' }],
  ['context', { type: 'context', elements: [mrkdwn('a'), image] }],
  ['actions', actions(button({ style: 'primary', value: 'v', confirm }), select())],
  ['overflow', actions({ type: 'overflow', action_id: 'o', options: options(5) })],
  [
    'pickers',
    actions(
      { type: 'datepicker', initial_date: '2026-02-28' },
      { type: 'timepicker', initial_time: '23:59' },
    ),
  ],
  ['checkboxes', actions({ type: 'checkboxes', options: [{ text: mrkdwn('*a*'), value: 'a' }] })],
  ['users select', actions({ type: 'multi_users_select', initial_users: ['U1'], max_selected_items: 2 })],
  ['image', { ...image, title: plain('Picture') }],
  ['markdown', { type: 'markdown', text: '# Hello' }],
  ['rich text', rich(richSection(word, { type: 'emoji', name: 'tada' }, { type: 'user', user_id: 'U1' }))],
  ['rich list', rich({ type: 'rich_text_list', style: 'bullet', indent: 1, elements: [richSection(word)] })],
  [
    'preformatted',
    rich({ type: 'rich_text_preformatted', border: 0, elements: [{ type: 'text', text: 'x' }] }),
  ],
  ['table', { type: 'table', rows: [[raw, rich(richSection(word))]], column_settings: [{ align: 'right' }] }],
  [
    'plan',
    { type: 'plan', title: 'Plan', tasks: [task('1', { details: rich(richSection(word)) }), task('2')] },
  ],
  ['context actions', { type: 'context_actions', elements: [feedback] }],
  ['alert', { type: 'alert', text: plain('Look'), level: 'warning' }],
  ['card', { type: 'card', title: mrkdwn('Card'), actions: [button()] }],
  ['carousel', { type: 'carousel', elements: [{ type: 'card', body: mrkdwn('b') }] }],
  ['container', { type: 'container', title: plain('Box'), child_blocks: [section()], is_collapsible: true }],
  ['text input', input({ type: 'plain_text_input', multiline: true, max_length: 100 })],
  ['number input', input({ type: 'number_input', is_decimal_allowed: false, min_value: '1' })],
  ['radio buttons', input({ type: 'radio_buttons', options: options(10), initial_option: option('v1') })],
];

const BAD: [string, object, string][] = [
  ['unknown block', { type: 'sparkle' }, 'unsupported type: sparkle [json-pointer:/blocks/0/type]'],
  ['no type', { text: plain('x') }, 'missing required field: type'],
  ['unknown field', { type: 'divider', colour: 'red' }, 'invalid additional property: colour'],
  ['file block', { type: 'file', source: 'remote', external_id: 'x' }, 'unsupported type: file'],
  ['empty section', { type: 'section' }, 'must define either `text` or `fields`'],
  ['section text empty', section(''), 'must be more than 0 characters [json-pointer:/blocks/0/text/text]'],
  ['section text long', section('x'.repeat(3_001)), 'must be less than 3001 characters'],
  ['11 fields', { type: 'section', fields: Array(11).fill(mrkdwn('a')) }, 'no more than 10 items'],
  ['long field', { type: 'section', fields: [mrkdwn('a'.repeat(2_001))] }, 'less than 2001'],
  ['header mrkdwn', { type: 'header', text: mrkdwn('x') }, 'unsupported type: mrkdwn'],
  ['header long', { type: 'header', text: plain('x'.repeat(151)) }, 'less than 151'],
  ['header without text', { type: 'header' }, 'missing required field: text'],
  ['11 context elements', { type: 'context', elements: Array(11).fill(mrkdwn('a')) }, 'no more than 10'],
  ['button in context', { type: 'context', elements: [button()] }, 'unsupported type: button'],
  ['no actions', actions(), 'no less than 1 items'],
  [
    '26 actions',
    actions(...Array.from({ length: 26 }, (_, index) => button({ action_id: `a${index}` }))),
    'no more than 25 items allowed [json-pointer:/blocks/0/elements]',
  ],
  ['same action_id twice', actions(button(), button()), 'action_id "go" already exists'],
  ['button text long', actions(button({ text: plain('x'.repeat(76)) })), 'less than 76'],
  ['button text mrkdwn', actions(button({ text: mrkdwn('x') })), 'unsupported type: mrkdwn'],
  ['button value long', actions(button({ value: 'x'.repeat(2_001) })), 'less than 2001'],
  ['button style', actions(button({ style: 'default' })), 'must be one of: primary, danger'],
  ['button script url', actions(button({ url: 'javascript:alert(1)' })), 'invalid format'],
  ['action_id long', actions(button({ action_id: 'x'.repeat(256) })), 'less than 256'],
  ['block_id long', { type: 'divider', block_id: 'x'.repeat(256) }, 'less than 256'],
  [
    'confirm without deny',
    actions(button({ confirm: { title: plain('a'), text: plain('b') } })),
    'field: deny',
  ],
  [
    'plain_text with verbatim',
    { type: 'header', text: { ...plain('x'), verbatim: true } },
    'property: verbatim',
  ],
  ['101 options', actions(select({ options: options(101) })), 'no more than 100'],
  ['no options', actions({ type: 'static_select' }), 'either `options` or `option_groups`'],
  ['both options', actions(select({ option_groups: [] })), 'either `options` or `option_groups`'],
  ['initial option unknown', actions(select({ initial_option: option('zz') })), 'must be one of the options'],
  ['option with type', actions(select({ options: [{ type: 'option', ...option('a') }] })), 'property: type'],
  ['option text long', actions(select({ options: [option('x'.repeat(76))] })), 'less than 76'],
  ['6 in overflow', actions({ type: 'overflow', options: options(6) }), 'no more than 5'],
  ['11 checkboxes', actions({ type: 'checkboxes', options: options(11) }), 'no more than 10'],
  ['date', actions({ type: 'datepicker', initial_date: '2026-13-01' }), 'invalid format'],
  ['time', actions({ type: 'timepicker', initial_time: '24:00' }), 'invalid format'],
  ['input in actions', actions({ type: 'plain_text_input', action_id: 'x' }), 'unsupported type'],
  ['button in input', input(button()), 'unsupported type: button'],
  ['input without label', { type: 'input', element: { type: 'plain_text_input' } }, 'field: label'],
  ['input without element', { type: 'input', label: plain('x') }, 'field: element'],
  ['max_length', input({ type: 'plain_text_input', max_length: 3_001 }), 'between 1 and 3000'],
  ['min over max', input({ type: 'plain_text_input', min_length: 5, max_length: 4 }), 'must not exceed'],
  ['number', input({ type: 'number_input', is_decimal_allowed: true, initial_value: 'x' }), 'invalid format'],
  ['image without alt', { type: 'image', image_url: 'https://example.com/a.png' }, 'field: alt_text'],
  ['image without source', { type: 'image', alt_text: 'a' }, 'either image_url or slack_file'],
  ['markdown long', { type: 'markdown', text: 'x'.repeat(12_001) }, 'less than 12001'],
  ['rich text flat', rich(word), 'unsupported type: text'],
  ['rich text style', rich(richSection({ ...word, style: { loud: true } })), 'property: loud'],
  ['rich text empty word', rich(richSection({ type: 'text', text: '' })), 'more than 0 characters'],
  [
    'rich list style',
    rich({ type: 'rich_text_list', style: 'square', elements: [richSection(word)] }),
    'one of',
  ],
  [
    'emoji in preformatted',
    rich({ type: 'rich_text_preformatted', elements: [{ type: 'emoji', name: 'a' }] }),
    'unsupported',
  ],
  ['101 rows', { type: 'table', rows: Array(101).fill([raw]) }, 'no more than 100'],
  ['21 cells', { type: 'table', rows: [Array(21).fill(raw)] }, 'no more than 20'],
  ['ragged table', { type: 'table', rows: [[raw], [raw, raw]] }, 'same number of cells'],
  ['empty cell', { type: 'table', rows: [[{ type: 'raw_text', text: '' }]] }, 'more than 0'],
  ['plan title object', { type: 'plan', title: plain('Plan') }, 'must be a string'],
  [
    'task status',
    { type: 'plan', title: 'p', tasks: [task('1', { status: 'done' })] },
    'must be one of: pending',
  ],
  ['task ids', { type: 'plan', title: 'p', tasks: [task('1'), task('1')] }, 'task_id must be unique'],
  ['card empty', { type: 'card' }, 'at least one of'],
  ['card body long', { type: 'card', body: mrkdwn('x'.repeat(201)) }, 'less than 201'],
  [
    '11 cards',
    { type: 'carousel', elements: Array(11).fill({ type: 'card', body: mrkdwn('b') }) },
    'no more than 10',
  ],
  [
    'container children',
    { type: 'container', title: plain('a'), child_blocks: Array(11).fill(section()) },
    'no more than 10',
  ],
  ['container blocks', { type: 'container', title: plain('a'), blocks: [section()] }, 'property: blocks'],
  ['container title', { type: 'container', child_blocks: [section()] }, 'title or rich_text_title'],
  [
    'container in container',
    { type: 'container', title: plain('a'), child_blocks: [{ type: 'container' }] },
    'unsupported',
  ],
  ['alert level', { type: 'alert', text: plain('a'), level: 'panic' }, 'must be one of'],
];

describe('blocks', () => {
  it.each(GOOD)('takes %s', (_name, block) => {
    expect(validateBlocks([block], 'message')).toEqual([]);
  });

  it.each(BAD)('refuses %s', (_name, block, fault) => {
    expect(validateBlocks([block], 'message').join('\n')).toContain(fault);
  });

  it('counts blocks by surface', () => {
    const many = (count: number) => Array.from({ length: count }, () => section());
    expect(validateBlocks(many(50), 'message')).toEqual([]);
    expect(validateBlocks(many(51), 'message')[0]).toContain('no more than 50 items');
    expect(validateBlocks(many(100), 'home')).toEqual([]);
    expect(validateBlocks(many(101), 'home')[0]).toContain('no more than 100 items');
  });

  it('sees what blocks must share', () => {
    const twice = { type: 'divider', block_id: 'same' };
    expect(validateBlocks([twice, twice], 'message')[0]).toContain('block_id "same" already exists');
    const half = { type: 'markdown', text: 'x'.repeat(6_001) };
    expect(validateBlocks([half, half], 'message')[0]).toContain('less than 12001 characters together');
    const focused = input({ type: 'plain_text_input', focus_on_load: true });
    expect(validateBlocks([focused, focused], 'message')[0]).toContain('focus_on_load');
  });

  it('measures the text of blocks, wherever it is, markdown apart', () => {
    const blocks = [
      section('abc'),
      rich(richSection({ type: 'text', text: 'de' })),
      { type: 'markdown', text: 'xxxx' },
    ];
    expect(blockTextSize(blocks)).toBe(5);
  });
});

describe('views', () => {
  const modal = (extra: object = {}) => ({
    type: 'modal',
    title: plain('Title'),
    blocks: [section()],
    ...extra,
  });
  const field = input({ type: 'plain_text_input', action_id: 'a' });

  it.each([
    ['a modal', modal()],
    [
      'a form',
      modal({ blocks: [field], submit: plain('Send'), close: plain('Stop'), private_metadata: '{}' }),
    ],
    ['a home', { type: 'home', blocks: [section(), field] }],
  ])('takes %s', (_name, view) => {
    expect(validateView(view)).toEqual([]);
  });

  it.each([
    ['no title', { type: 'modal', blocks: [] }, 'missing required field: title [json-pointer:/view]'],
    ['long title', modal({ title: plain('x'.repeat(25)) }), 'less than 25'],
    ['long submit', modal({ submit: plain('x'.repeat(25)) }), 'less than 25'],
    ['mrkdwn title', modal({ title: mrkdwn('x') }), 'unsupported type: mrkdwn'],
    ['long metadata', modal({ private_metadata: 'x'.repeat(3_001) }), 'less than 3001'],
    ['input without submit', modal({ blocks: [field] }), 'missing required field: submit'],
    ['plan in a modal', modal({ blocks: [{ type: 'plan', title: 'p' }] }), 'unsupported type: plan'],
    ['unknown field', modal({ footer: 'x' }), 'invalid additional property: footer'],
    [
      'title on a home',
      { type: 'home', title: plain('x'), blocks: [] },
      'invalid additional property: title',
    ],
    ['deep fault', modal({ blocks: [section('')] }), '[json-pointer:/view/blocks/0/text/text]'],
  ])('refuses %s', (_name, view, fault) => {
    expect(validateView(view).join('\n')).toContain(fault);
  });
});
